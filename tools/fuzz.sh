#!/bin/sh
# fuzz.sh runs every fuzz target of the module for a few seconds. usage: tools/fuzz.sh [SECONDS]
set -eu
seconds=${1:-5}
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "fuzz: $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" "$package"
	done
done
