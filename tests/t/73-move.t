#!/bin/bash
# A move through the journal: what it writes, what it does after it was killed anywhere, and what it refuses.
. "$(dirname "$0")/lib.sh"
use crash
need jq
driver=$build_folder/tests/support/move_driver
[[ -x $driver ]] || skip_all 'move_driver was not built'
place=$tmp/place
anew() { rm -rf "$place"; mkdir -p "$place/state" "$place/world"; }
move() { run "$driver" "$place/state" "$place/world" "$@"; }
kinds() { "$UNDERSTUDY" journal show --dir "$place/state/journal" --json | jq -r 'select(.move) | [.kind, .step // .outcome // .to] | join(" ")'; }
world() { (cd "$place/world" && printf '%s ' *); }

anew
move begin planned address
is 'a planned move by address is done' "$status" 0
is 'each step was done once, in this order' "$(tr '\n' ' ' <"$tmp/stdout")" \
        'act claim act prove-old act prove-new act prepare act carry act admit act address act drain act fence act carry-last act rest '
is 'and stands in the journal, intent first' "$(kinds | head -n 5 | tr '\n' ' ')" \
        'move_began standby step_intent claim step_done claim step_intent prove-old step_done prove-old '
is 'to its end' "$(kinds | tail -n 1)" 'move_ended done'
move resume
is 'then there is nothing to go on with' "$status" 4
like 'which is said' "$(cat "$tmp/stderr")" 'no move is under way'
move begin planned dns
is 'the next move begins' "$status" 0

anew
move begin failover both
is 'a failover is done' "$status" 0
is 'the old one is shut out before the new one is let in' "$(grep -nE 'fence|admit' "$tmp/stdout" | cut -d: -f2 | tr '\n' ' ')" 'act fence act admit '

anew
: >"$place/world/fails-probe-new"
move begin planned both
is 'a move whose new server does not answer is undone' "$status" 1
is 'all of it' "$(world)" 'fails-probe-new '
is 'the last first' "$(grep undo "$tmp/stdout" | tr '\n' ' ')" 'undo admit undo carry undo prepare undo prove-new undo prove-old undo lower-ttl undo claim '

anew
: >"$place/world/lies-fence"
move begin planned address
is 'a fence that says it is closed and is not stops the move' "$status" 4
move begin planned address
like 'no other can begin' "$(cat "$tmp/stderr")" 'has not ended'
move undo
like 'it is too late to undo it' "$(cat "$tmp/stderr")" '^refused'
rm "$place/world/lies-fence"
move resume
is 'but it goes on when somebody has seen to it' "$status" 0

anew
: >"$place/world/dark-fence"
move begin failover address
is 'a fence that cannot be seen stops a failover' "$status" 4
ok 'before anybody else is let in' test ! -e "$place/world/admit" -a ! -e "$place/world/address"
rm "$place/world/dark-fence"
move undo
is 'which a person can undo' "$status" 1
is 'so that all is as it was' "$(world)" '* '

anew
exec 8>"$place/state/move.lock" && flock 8
move begin planned address
is 'one move at a time' "$status" 4
exec 8>&-
anew
move begin planned address
sed -i 's/"first":0/"first":99/' "$place/state/move.json"
move resume
like 'a journal that was cut is noticed' "$(cat "$tmp/stderr")" 'the journal is shorter'
echo broken >"$place/state/move.json"
move resume
like 'and a damaged pointer' "$(cat "$tmp/stderr")" 'move.json .* is damaged'

# ---------------------------------------------------------------- killed anywhere
if command -v strace >/dev/null; then
        # Resumed or undone in turn: both end in a stated good state.
        crash_prepare() { anew; }
        crash_command=("$driver" "$place/state" "$place/world" begin planned both)
        crash_examine()
        {
                [[ ! -e $place/world/address || (-e $place/world/admit && -e $place/world/prove-new) ]] || { echo 'on stage unproven' && return 1; }
                [[ ! -e $place/world/fence || -e $place/world/address ]] || { echo 'fenced before the stage was moved' && return 1; }
        }
        crash_finish()
        {
                local how=resume end
                ((crash_runs % 2)) && how=undo
                "$driver" "$place/state" "$place/world" $how >/dev/null 2>"$tmp/finish"
                end=$?
                case $how$end in
                resume0) [[ -e $place/world/fence && -e $place/world/rest ]] || { echo "resumed, but not done: $(world)" && return 1; } ;;
                undo1) [[ $(world) == '* ' ]] || { echo "undone, but not all of it: $(world)" && return 1; } ;;
                undo4 | resume4) # too late, or it had not begun, or it has ended
                        if grep -q 'no move is under way' "$tmp/finish"; then
                                [[ $(world) == '* ' || -e $place/world/rest ]] || { echo "no move, but: $(world)" && return 1; }
                        else
                                "$driver" "$place/state" "$place/world" resume >/dev/null || { echo 'too late to undo, and cannot be resumed' && return 1; }
                        fi ;;
                *) echo "$how ended in $end: $(cat "$tmp/finish")" && return 1 ;;
                esac
        }
        CRASH_SAMPLE=${CRASH_SAMPLE:-4} CRASH_STRIDE=$((${CRASH_STRIDE:-1} * 4)) crash_everywhere
        ok 'there were many kill points' test "$crash_runs" -ge 5
        is 'killed anywhere: a good state, and a good end' "${#crash_violations[@]}" 0
fi
done_testing
