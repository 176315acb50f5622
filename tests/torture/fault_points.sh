#!/bin/bash
# fault_points.sh BUILD - every call that can fail fails once. BUILD has -Dfault_points=true and, best, sanitizers.
#
# For each command the fault points are counted; then it is run again and again with the first, the second, ... point
# failing. Each time it must end by itself with one of its own statuses and a sentence, or be right anyway; the old or
# the new state is there, whole; and the next run, undisturbed, succeeds. A tampered tree is never called genuine.
# FAULT_LIMIT (200) is the most points of one command, evenly spread, others with each commit; 0: all.
UNDERSTUDY=$(realpath "${1:?usage: fault_points.sh BUILD}")/understudy
export UNDERSTUDY
. "$(dirname "$0")/../t/lib.sh"
use states
need minisign
need_root
states_init

place=$tmp/place

# judge EXPECTED: of the command that just ran with a fault; EXPECTED is what it ends with undisturbed.
judge()
{
        case $status in
        0) [[ $1 == 0 ]] || fault_right || return ;;
        1 | 2 | 3 | 4) [[ $status == "$1" || -s $tmp/stderr || ($status == 1 && -s $tmp/stdout) ]] || wrong "ended in $status without a word" || return ;;
        *) wrong "ended in $status: $(tail -n 3 "$tmp/stderr")" || return ;;
        esac
        ! grep -qE 'AddressSanitizer|runtime error:|LeakSanitizer' "$tmp/stderr" ||
                wrong "the sanitizer found something: $(grep -m 3 -E 'ERROR|runtime error|SUMMARY' "$tmp/stderr")"
}

# torture NAME EXPECTED COMMAND...: EXPECTED is what it ends with undisturbed. The functions fault_before,
# fault_examine (with `done` when the command claims to be done), fault_right (status 0, which was not expected, is
# right) and fault_finish are the test's.
torture()
{
        local name=$1 expected=$2 points n step=1 runs=0 violations=() words claim
        local phase=${FAULT_PHASE:-$("$source_folder/tests/support/turn.sh")}
        shift 2
        fault_before
        UNDERSTUDY_FAULT_COUNT=$tmp/points run "$@"
        points=$(cat "$tmp/points" 2>/dev/null || echo 0)
        is "$name: undisturbed it ends as it should" "$status" "$expected"
        [[ $status == "$expected" ]] || { output_diag && return; }
        [[ ${FAULT_LIMIT:=200} -eq 0 ]] || step=$(((points + FAULT_LIMIT - 1) / FAULT_LIMIT))
        for ((n = 1 + phase % step; n <= points; n += step)); do
                fault_before
                UNDERSTUDY_FAULT=$n run timeout 60 "$@"
                runs=$((runs + 1))
                # What could not be read counts as bad, and is kept.
                evidence_expected=
                [[ $status != 1 ]] || evidence_expected=maybe
                claim=
                [[ $status != "$expected" ]] || claim='done'
                words=$(judge "$expected") || violations+=("point $n: $words")
                words=$(fault_examine "$claim" 2>&1) || violations+=("point $n, status $status: $words")
                words=$(fault_finish 2>&1) || violations+=("point $n, status $status: the next run: $words")
        done
        diag "$name: $points fault points, one in $step failed"
        ok "$name: there were fault points" test "$runs" -ge 5
        is "$name: no violation" "${#violations[@]}" 0
        for words in "${violations[@]:0:20}"; do diag "$words"; done
}

clean_place()
{
        rm -rf "$place"
        mkdir "$place"
}

# ---------------------------------------------------------------- keygen

keys_whole()
{
        local probe=$tmp/site1/index.php
        minisign -S -q -s "$place/keys/release.key" -m "$probe" -x "$tmp/probe.minisig" </dev/null >/dev/null 2>&1 &&
                minisign -V -q -p "$place/keys/release.pub" -m "$probe" -x "$tmp/probe.minisig" >/dev/null 2>&1
}
fault_before() { clean_place; }
fault_right() { keys_whole || wrong 'keygen ended in 0, and the keys do not work'; }
fault_examine() { [[ $1 != 'done' ]] || fault_right; }
fault_finish()
{
        keys_whole && return
        "$UNDERSTUDY" keygen "$place/keys" --no-password && keys_whole || wrong 'keys cannot be made any more'
}
torture keygen 0 "$UNDERSTUDY" keygen "$place/keys" --no-password

# ---------------------------------------------------------------- publish

fault_before() { clean_place && publish_before "$place"; }
fault_right() { publish_examine "$place" 'done'; }
fault_examine() { publish_examine "$place" "$1"; }
fault_finish() { publish_finish "$place"; }
publish_command "$place"
torture publish 0 "${state_command[@]}"

# ---------------------------------------------------------------- pull

fault_before() { clean_place && pull_before "$place"; }
fault_right() { pull_examine "$place" 'done'; }
fault_examine() { pull_examine "$place" "$1"; }
fault_finish() { pull_finish "$place"; }
for pull_way in update heal first; do
        clean_place
        pull_init "$place"
        pull_command "$place"
        torture "pull ($pull_way)" "$(pull_status)" "${state_command[@]}"
done

# ---------------------------------------------------------------- verify, of a genuine tree and of a tampered one

verify_command=("$UNDERSTUDY" verify "$place/www/site" --pub "$pub" --state "$place/state")
verify_says()
{
        "${verify_command[@]}" >/dev/null 2>&1
        [[ $? -eq $1 ]] || wrong "verify does not end in $1"
}
fault_before() { :; }
fault_examine() { :; }

pull_way=update
clean_place
pull_init "$place"
pull_before "$place"
fault_right() { :; }
fault_finish() { verify_says 0; }
torture 'verify (genuine)' 0 "${verify_command[@]}"

echo planted >"$place/www/site/index.html"
fault_right() { wrong 'a tampered tree is called genuine'; }
fault_finish() { verify_says 1; }
torture 'verify (tampered)' 1 "${verify_command[@]}"

done_testing
