#!/bin/sh
# gate.sh BASE [flags of flashbench gate] compares this tree with BASE, a revision or a server binary.
# A revision is built in a git worktree of its own, so that nothing here is touched. Exit code: see
# flashbench gate; 4 also where the base cannot be built.
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
	# Another compiler, or other settings of it, would be compared too: they are in the name.
	mkdir -p .data/gate
	settings=$({ go version; go env GOFLAGS GOAMD64 GOARM64 GOEXPERIMENT; } | git hash-object --stdin)
	binary=$PWD/.data/gate/flashstore-$revision-$(echo "$settings" | cut -c1-8)
	if [ ! -x "$binary" ]; then
		# What an earlier start was killed at may be half a tree or half a program.
		tree=$PWD/.data/gate/tree-$revision
		remove() {
			git worktree remove --force "$tree" 2>/dev/null || rm -rf "$tree"
			git worktree prune
		}
		remove
		trap remove EXIT
		trap 'exit 4' INT TERM HUP
		echo "gate: building $revision"
		git worktree add --quiet --detach "$tree" "$revision" &&
			(cd "$tree" && CGO_ENABLED=${CGO_ENABLED:-0} go build -o "$binary.new" ./cmd/flashstore) &&
			mv "$binary.new" "$binary" || {
			echo "gate: $base cannot be built" >&2
			exit 4
		}
		remove
		trap - EXIT INT TERM HUP
	fi
fi
exec bin/flashbench gate --base "$binary" "$@"
