#!/bin/sh
# gate.sh BASE [flags of flashbench gate] compares this tree with BASE, a revision or a server binary.
# A revision is built in a git worktree of its own, so that nothing here is touched. Exit code: see
# flashbench gate; 4 also where the base cannot be built.
set -eu
[ $# -gt 0 ] && [ -n "$1" ] || { echo "usage: make gate BASE=REVISION|BINARY" >&2; exit 2; }
base=$1
shift
# A binary is named from where this was called; all else is done at the root of the tree.
binary=
if [ -f "$base" ] && [ -x "$base" ]; then
	binary=$(CDPATH= cd -- "$(dirname -- "$base")" && pwd)/$(basename -- "$base")
fi
cd "$(dirname "$0")/.."

# remove takes away a worktree, and what git knows of it.
remove() {
	git worktree remove --force "$1" 2>/dev/null || rm -rf "$1"
	git worktree prune
}

if [ -z "$binary" ]; then
	revision=$(git rev-parse --verify --quiet "$base^{commit}") || {
		echo "gate: $base is neither a revision nor a program" >&2
		exit 2
	}
	# Another compiler, or other settings of it, would be compared too: they are in the name.
	export CGO_ENABLED="${CGO_ENABLED:-0}"
	mkdir -p .data/gate
	settings=$({
		go version
		go env GOOS GOARCH GOAMD64 GOARM64 GOFLAGS GOEXPERIMENT GOFIPS140 \
			CGO_ENABLED CC CGO_CFLAGS CGO_CPPFLAGS CGO_LDFLAGS
	} | git hash-object --stdin)
	binary=$PWD/.data/gate/flashstore-$revision-$(echo "$settings" | cut -c1-8)
	if [ ! -x "$binary" ]; then
		# What an earlier start was killed at may be half a tree. Of one that still builds the tree is
		# its own: its process is in the name.
		for left in "$PWD"/.data/gate/tree-*; do
			if [ -d "$left" ] && ! kill -0 "${left##*-}" 2>/dev/null; then remove "$left"; fi
		done
		tree=$PWD/.data/gate/tree-$revision-$$
		trap 'remove "$tree"' EXIT
		trap 'exit 4' INT TERM HUP
		echo "gate: building $revision"
		# Built inside the tree, which goes with it if this is cut off; moved, so that it is whole.
		git worktree add --quiet --detach "$tree" "$revision" &&
			(cd "$tree" && go build -o bin/flashstore ./cmd/flashstore) &&
			mv "$tree/bin/flashstore" "$binary" || {
			echo "gate: $base cannot be built" >&2
			exit 4
		}
		remove "$tree"
		trap - EXIT INT TERM HUP
	fi
fi
exec bin/flashbench gate --base "$binary" "$@"
