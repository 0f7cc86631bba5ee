#!/bin/sh
# gate.sh BASE [flags of flashbench gate] compares this tree with BASE, a revision or a server binary.
# A revision is built in a git worktree of its own, so that nothing here is touched. Exit code: see
# flashbench gate.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] && [ -n "$1" ] || { echo "usage: make gate BASE=REVISION|BINARY" >&2; exit 2; }
base=$1
shift
if [ -f "$base" ] && [ -x "$base" ]; then
	binary=$base
else
	revision=$(git rev-parse --verify --quiet "$base^{commit}") || {
		echo "gate: $base is neither a revision nor a program" >&2
		exit 2
	}
	mkdir -p .data/gate
	binary=$PWD/.data/gate/flashstore-$revision
	if [ ! -x "$binary" ]; then
		tree=.data/gate/tree-$revision
		trap 'git worktree remove --force "$tree" 2>/dev/null || true' EXIT INT TERM
		[ -d "$tree" ] || git worktree add --quiet --detach "$tree" "$revision"
		echo "gate: building $revision"
		(cd "$tree" && CGO_ENABLED=0 go build -o "$binary" ./cmd/flashstore)
	fi
fi
code=0
bin/flashbench gate --base "$binary" "$@" || code=$?
exit $code
