#!/bin/bash
# run.sh BUILD - all tests against the binary in BUILD: unit tests by meson, integration tests by prove.
#
# Both are run to their end, their closing lines are shown, and the result is 0 only if both passed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit
build=$(realpath "${1:-build}")

if [ "$(id -u)" -ne 0 ]; then
        echo "make test: the tests mount, change owners and use network namespaces: please run it as root (sudo make test)" >&2
        exit 2
fi
status=0
# TEST_SUITE: of the unit tests only this one; TEST_PART: of the integration tests "1/3" takes the second, the fifth, ...
# Of the calls at which the crash tests kill, every twelfth, others with each commit, and of the flushes at which the power tests
# cut ten; `make soak` takes each.
export CRASH_STRIDE=${CRASH_STRIDE:-12} CRASH_SAMPLE=${CRASH_SAMPLE:-8} POWER_POINTS=${POWER_POINTS:-10}
mapfile -t tests < <(printf '%s\n' tests/t/*.t |
        awk -v part="${TEST_PART:-0/1}" '{ split(part, of, "/") } (NR - 1) % of[2] == of[1]')
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier "${TEST_PATIENCE:-1}" ${TEST_SUITE:+--suite "$TEST_SUITE"} || status=1

# prove_all JOBS TEST...
prove_all()
{
        local jobs=$1
        shift
        [ $# -eq 0 ] || UNDERSTUDY=$build/understudy prove --exec tests/limited.sh --timer --jobs "$jobs" "$@" </dev/null
}
# The labs of switch and failover wait more than they work, so two of them and two other tests are under way at any time. None
# of them asserts how long something takes but in multiples of what it is promised to take.
mapfile -t labs < <(printf '%s\n' "${tests[@]}" | grep -E '/(70|74|75|76|77|78|79)-')
mapfile -t others < <(printf '%s\n' "${tests[@]}" | grep -vE '/(70|74|75|76|77|78|79)-')
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
together=0
prove_all 2 "${labs[@]}" >"$said/labs" 2>&1 &
prove_all "${TEST_JOBS:-2}" "${others[@]}" 2>&1 | tee "$said/others" || together=1
wait $! || together=1
cat "$said/labs"
# What failed beside others is run once more, with the machine to itself: a lab that starved is no finding, and a defect fails
# again. Both runs are shown, and who needed it is named at the end, to be looked at. More than three are no accident.
if [ $together -ne 0 ]; then
        mapfile -t failed < <(sed -nE 's/^(tests\/t\/[^ ]+\.t) +\(Wstat.*/\1/p' "$said/labs" "$said/others")
        if [ "${#failed[@]}" -ge 1 ] && [ "${#failed[@]}" -le 3 ]; then
                echo "once more, alone: ${failed[*]}"
                prove_all 1 "${failed[@]}" && together=0 && echo "passed alone, and failed beside others: ${failed[*]}"
        fi
fi
[ $together -eq 0 ] || status=1
[ $status -eq 0 ] && echo "make test: all tests passed" || echo "make test: FAILED" >&2
exit $status
