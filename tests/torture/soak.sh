#!/bin/bash
# soak.sh BUILD - the torture tests, exhaustively: every system call, every flush with eight coins each, all tests with
# sanitizers, every fault point, a minute for each fuzzer, and 10,000 changes by each writer at the gate. CI does the
# same with samples; this takes hours.
set -u
cd "$(dirname "$0")/../.." || exit
build=$(realpath "${1:-build}")
[ "$(id -u)" -eq 0 ] || { echo "make soak: please run it as root" >&2; exit 2; }
export CRASH_SAMPLE=0 POWER_POINTS=0 POWER_COINS=8 FAULT_LIMIT=0 FUZZ_SECONDS=60
status=0
GATE_STORM=10000 meson test -C "$build" --no-rebuild --print-errorlogs gate_storm || status=1
UNDERSTUDY=$build/understudy prove --timer --verbose tests/t/6[0-9]-*.t </dev/null || status=1
bash .ci/run build || status=1
tests/checks/sanitized.sh build-ci/checked all || status=1
bash .ci/run fuzzers fault-points || status=1
exit $status
