#!/bin/bash
# limited.sh TEST - one integration test, with an end: a test that hangs is stopped and counts as failed, and a process
# that it forgot cannot hold up the run by keeping the pipe to prove open.
#
# TEST_LIMIT is in seconds. The test's lines go through a file for the second reason.
set -u
lines=$(mktemp) || exit
trap 'rm -f "$lines"' EXIT
timeout --kill-after=30 "${TEST_LIMIT:-600}" bash "$1" >"$lines" 2>&1 </dev/null
status=$?
cat "$lines"
[ $status -eq 0 ] || grep -A 5 '^not ok' "$lines" >&2 # prove keeps what a test says to itself
if [ $status -eq 124 ] || [ $status -eq 137 ]; then
        echo "# the last lines of $1 before it was stopped after ${TEST_LIMIT:-600} s:" >&2
        tail -n 5 "$lines" >&2
        echo "not ok - $1 did not end within ${TEST_LIMIT:-600} s"
fi
exit $status
