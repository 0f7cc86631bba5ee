#!/bin/sh
# doctor.sh says what this machine has and lacks for building, testing and measuring flashstore.
# Warnings never fail; exit code 1 means that nothing will work until it is mended.
# usage: tools/doctor.sh [--quiet]    --quiet leaves out what is fine

set -u
quiet=${1:-}
data=${BENCH_DIR:-.data}
failed=0

fine() { [ "$quiet" = --quiet ] || printf '  ok    %s\n' "$1"; }
warn() { printf '  warn  %s\n' "$1"; }
fail() { printf '  FAIL  %s\n' "$1"; failed=1; }

go_min=26
if ! command -v go >/dev/null 2>&1; then
	fail "no Go: install 1.$go_min or later, https://go.dev/dl/ (unpack to /usr/local, add /usr/local/go/bin to PATH)"
else
	version=$(go env GOVERSION 2>/dev/null)
	minor=$(printf '%s' "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
	if [ -z "$minor" ] || [ "$minor" -ge "$go_min" ]; then
		fine "$version"
	elif [ "$minor" -ge 21 ] && [ "$(go env GOTOOLCHAIN)" != local ]; then
		warn "$version: will download the toolchain that go.mod asks for (1.$go_min)"
	else
		fail "$version is too old: install 1.$go_min or later, https://go.dev/dl/"
	fi
fi

if command -v git >/dev/null 2>&1; then
	fine "$(git --version)"
else
	warn "no git: records will not say which revision they are of"
fi

if command -v nginx >/dev/null 2>&1; then
	fine "nginx, for the tests that compare with it"
else
	warn "no nginx: the tests that compare with it are skipped"
fi

if command -v strace >/dev/null 2>&1; then
	fine "strace, for the contracts of peers, the system calls of a profile, and their tests"
else
	warn "no strace: what a peer's 200 is worth stays unknown, profiles count no system calls, tests are skipped"
fi

browser=
for program in chromium chromium-browser google-chrome chrome; do
	[ -n "$browser" ] || browser=$(command -v "$program" 2>/dev/null)
done
if [ -n "$browser" ]; then
	fine "${browser##*/}, for the tests of pages"
else
	warn "no chromium: the tests that look at pages are skipped"
fi

case $(uname -s) in
Linux) fine "Linux $(uname -r)" ;;
*) warn "$(uname -s): the harness and the fast paths need Linux; the server runs its portable parts" ;;
esac

cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
if [ "$cores" -ge 2 ]; then
	fine "$cores cores"
else
	warn "1 core: server and client share it, comparisons are less sharp"
fi

memory_mb=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo 2>/dev/null)
if [ "${memory_mb:-0}" -ge 2048 ]; then
	fine "$memory_mb MiB of memory available"
else
	warn "${memory_mb:-unknown} MiB of memory available: builds and measurements want 2048"
fi

mkdir -p "$data" || fail "cannot create $data"
disk_mb=$(df -Pm "$data" 2>/dev/null | awk 'NR == 2 {print $4}')
if [ "${disk_mb:-0}" -ge 3072 ]; then
	fine "$disk_mb MiB of disk free for $data"
elif [ "${disk_mb:-0}" -ge 256 ]; then
	warn "$disk_mb MiB of disk free for $data: make bench wants 3072; BENCH_DIR names another place"
else
	fail "${disk_mb:-no} MiB of disk free for $data"
fi

probe=$data/doctor.$$
trap 'rm -f "$probe"' EXIT
trap 'exit 1' HUP INT TERM
if dd if=/dev/zero of="$probe" bs=4096 count=16 oflag=direct 2>/dev/null; then
	fine "O_DIRECT works in $data"
else
	warn "no O_DIRECT in $data ($(stat -f -c %T "$data" 2>/dev/null)): the server falls back to buffered files and says so"
	dd if=/dev/zero of="$probe" bs=4096 count=16 2>/dev/null || fail "cannot write in $data"
fi
if ! command -v fallocate >/dev/null 2>&1; then
	warn "no fallocate program: cannot try hole punching in $data"
elif fallocate --punch-hole --offset 0 --length 4096 "$probe" 2>/dev/null; then
	fine "hole punching works in $data"
else
	warn "no hole punching in $data: the server falls back to rewriting segments to give space back"
fi

forbidden=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo unknown)
seccomp=$(awk '/^Seccomp:/ {print $2}' /proc/self/status 2>/dev/null)
case $forbidden in
0)
	if [ "${seccomp:-0}" = 2 ]; then
		warn "a seccomp filter is on, as in containers: it may forbid io_uring; the server then uses its thread pool"
	else
		fine "io_uring is allowed"
	fi
	;;
1) warn "io_uring is for privileged processes only (kernel.io_uring_disabled=1): the server may use its thread pool" ;;
2) warn "io_uring is forbidden (kernel.io_uring_disabled=2): the server uses its thread pool" ;;
*) warn "kernel.io_uring_disabled is unknown: an old kernel; the server probes io_uring itself" ;;
esac

files=$(ulimit -n)
if [ "$files" = unlimited ] || [ "$files" -ge 4096 ]; then
	fine "$files open files allowed"
else
	warn "$files open files allowed: raise it (ulimit -n 65536) for many connections"
fi

for program in nginx wrk; do
	if command -v "$program" >/dev/null 2>&1 || [ -x "/usr/sbin/$program" ]; then
		fine "$program is installed: make bench-hotpath compares with it"
	else
		fine "$program is not installed: make bench-hotpath leaves it out"
	fi
done

if [ -x bin/warp ]; then
	fine "bin/warp is built"
else
	fine "bin/warp is not built yet: make warp downloads about 220 MB of modules, once"
fi

if command -v fio >/dev/null 2>&1; then
	fine "$(fio --version)"
else
	fine "no fio: make bench-drive has nothing to compare with; Debian has it as the package fio"
fi

if [ "$failed" -ne 0 ]; then
	echo "doctor: mend what FAIL says first"
	exit 1
fi
