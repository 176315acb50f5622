#!/bin/bash
# sanitized.sh BUILD [all] - the tests with a build that has AddressSanitizer and UndefinedBehaviorSanitizer in it. A finding
# ends the process in 99, which no test takes for an answer, and is also written to a file, so that one in a process
# whose status nobody looks at counts, too.
#
# All unit tests, and an eighth of the integration tests: which one goes round with the commits. `all` takes every one (make
# soak).
set -u
cd "$(dirname "$0")/../.." || exit
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports"
export ASAN_OPTIONS=exitcode=99:log_path=$reports/asan:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:exitcode=99:print_stacktrace=1:log_path=$reports/ubsan
# The crash tests kill and lose power less often here: what they look at is the same with and without sanitizers.
export CRASH_STRIDE=24 CRASH_SAMPLE=4 POWER_POINTS=3
# With sanitizers everything takes longer, and other steps of CI run beside it: what bounds a wait is wider.
export TEST_PATIENCE=5
export TEST_SUITE=unit
[ "${2:-}" = all ] || export TEST_PART=${TEST_PART:-$(($(tests/support/turn.sh) % 8))/8}
echo "integration tests: part ${TEST_PART:-0/1}"
status=0
tests/run.sh "$1" || status=1
for report in "$reports"/*; do
        [ -s "$report" ] || continue
        cat "$report"
        # The leak checker says so of a thread that ended while it looked; what it finds has lines of its own.
        grep -qv '^==[0-9]*==Unable to get registers from thread [0-9]*\.$' "$report" && status=1
done
exit $status
