#!/bin/bash
# soak.sh BUILD - the torture tests, exhaustively: every system call, every flush with eight coins each, all tests with
# sanitizers, every file with clang-tidy, every fault point, a minute for each fuzzer, 10,000 changes by each writer at the gate, 10,000 attempts of four
# writers at a web server under load, each process of the guard killed and stopped again and again and over 100,000 files, each
# fault at each step of a planned move, and an hour of normal work with a release every minute. CI does the same with samples; this takes hours.
#
# SOAK=guard: only what is the guard's.
set -u
cd "$(dirname "$0")/../.." || exit
build=$(realpath "${1:-build}")
[ "$(id -u)" -eq 0 ] || { echo "make soak: please run it as root" >&2; exit 2; }
export CRASH_SAMPLE=0 CRASH_STRIDE=1 POWER_POINTS=0 POWER_COINS=8 FAULT_LIMIT=0 FUZZ_SECONDS=60 UNDERSTUDY=$build/understudy
status=0

# torture TEST...: integration tests without a limit on their time.
torture() { prove --timer --verbose "$@" </dev/null || status=1; }

GATE_STORM=10000 meson test -C "$build" --no-rebuild --print-errorlogs gate_storm || status=1
GUARD_ATTEMPTS=2500 torture tests/t/97-guard-web.t
GUARD_KILLS=40 torture tests/t/99-guard-killed.t
GUARD_FILES=100000 torture tests/t/99-guard-killed.t
GUARD_FILES=3000 GUARD_RELEASES=60 GUARD_PAUSE=60 torture tests/t/99-guard-releases.t
[ "${SOAK:-all}" != guard ] || exit $status
STEPS_FAULTS=all torture tests/t/77-switch-steps.t
torture tests/t/6[0-9]-*.t tests/t/9?-{crash,power}-*.t
bash .ci/run build || status=1
tests/checks/sanitized.sh build-ci/checked all || status=1
tests/checks/clang_tidy.sh build-ci/checked all || status=1
bash .ci/run fuzzers fault-points || status=1
exit $status
