#!/bin/sh
# warp.sh builds the pinned warp to bin/warp and shows that it is getting on.
set -eu
cd "$(dirname "$0")"
echo "warp: building the pinned version, once. About 220 MB of modules are downloaded unless they"
echo "warp: are in Go's module cache; then it compiles for a minute or two."
mkdir -p ../bin
status=$(mktemp)
trap 'rm -f "$status"' EXIT
{
	CGO_ENABLED=0 go build -v -trimpath -o ../bin/warp github.com/minio/warp 2>&1 && echo ok >"$status"
} | awk '
	/^go: downloading/ { modules++; if (modules % 20 == 0) say(); next }
	/^[A-Za-z0-9._\/-]+$/ { packages++; if (packages % 100 == 0) say(); next }
	{ print }
	function say() {
		printf "warp: %d modules downloaded, %d packages compiled\n", modules, packages
		fflush()
	}'
[ -s "$status" ] || { echo "warp: the build failed" >&2; exit 1; }
echo "warp: done, bin/warp"
