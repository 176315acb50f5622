#!/bin/bash
# The planned switch with one fault while exactly one of its steps is under way, for each step of the machine's own table: the
# controller killed, its disk full, an agent killed or stopped past its deadline, a server cut off both ways or heard by nobody, the
# one that comes tampered with while nobody looks. Whatever comes of it, --resume or --undo ends in a good state, and the next round
# begins from there; nothing is edited. In a lab of its own.
#
# One fault a step, another one with each commit (turn.sh). STEPS_FAULTS="cut disk", or "all": these at each step; STEPS_ONLY="dns
# drain": at these steps.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../../lab/namespaces.sh
. "$source_folder/lab/namespaces.sh"
# shellcheck source=../../lab/database.sh
. "$source_folder/lab/database.sh"
# shellcheck source=../../lab/dns.sh
. "$source_folder/lab/dns.sh"
# shellcheck source=../support/agent.sh
. "$source_folder/tests/support/agent.sh"
# shellcheck source=../../lab/stage.sh
. "$source_folder/lab/stage.sh"
# shellcheck source=../support/failover.sh
. "$source_folder/tests/support/failover.sh"
# shellcheck source=../support/established.sh
. "$source_folder/tests/support/established.sh"
# shellcheck source=../support/steps.sh
. "$source_folder/tests/support/steps.sh"
PATH=$PATH:/usr/sbin:/sbin
need knotd knotc
failover_enter "$(readlink -f "$0")"

steps_stage
turn=$("$source_folder/tests/support/turn.sh")
hosts=(production standby database)
stage=production # who is on stage
round=0
hit=' '

# end_by WAY: the move that is in flight. What is beyond the fence cannot be undone, and says so.
end_by()
{
        local way=$1
        by_hand switch "--$way"
        if [[ $way == undo && $status -eq 4 ]] && grep -q 'too late to undo' "$tmp/stderr"; then
                way=resume
                by_hand switch --resume
        fi
        ended_by=$way
}

# settle WORDS FROM TO WAY: what came of the move; $stage is who must be on stage now.
settle()
{
        local words=$1 from=$2 to=$3 way=$4
        ended_by=itself status=$moved
        : >"$tmp/stderr"
        [[ $moved -le 1 ]] || ! in_flight || end_by "$way"
        if grep -q 'no move is under way' "$tmp/stderr"; then # its last record is taken in by whoever opens the journal next
                ended_by=itself status=$([[ $(outcome) == 'done' ]] && echo 0 || echo 1)
        elif [[ $ended_by != itself ]]; then
                is "$words: --$ended_by ends it" "$([[ $status -le 1 ]] && echo yes)" yes
                [[ $status -le 1 ]] || { output_diag; diag "$(cat "$tmp/move.log")"; by_hand switch --resume; }
        elif [[ $moved -gt 1 ]]; then
                diag "$(cat "$tmp/move.log")"
                ended_by=nothing
                status=$([[ $(outcome) == 'done' ]] && echo 0 || echo 1) # or not a step of it was made
        fi
        stage=$from
        [[ $status -ne 0 ]] || stage=$to
}

# one STEP BINDS FAULT HOST WAY
one()
{
        local step=$1 binds=$2 kind=$3 host=$4 way=$5 from to began=$SECONDS words command frozen
        [[ $step != prove-new && $step != prepare || $stage == production ]] || { by_hand return && stage=production; }
        from=$stage to=$(other_than "$stage")
        words="$step, $kind"
        [[ $kind == controller || $kind == disk || $kind == tampered ]] || words+=" ($host)"
        [[ $step != prove-new && $step != prepare ]] || power_off
        echo "upload of round $round" >"$tmp/$from/www/mutable/uploads/round-$round.txt"
        watch_holders
        command=(switch standby)
        [[ $to == standby ]] || command=(return)
        frozen_at "$step" "$binds" "${command[@]}"
        frozen=$?
        [[ $frozen -ne 0 ]] || hit+="$step "
        ok "$words: the move has an end" fault "$kind" "$host" "${STEPS_HANG:-7}"
        [[ $kind != tampered || $(served) == "$to" ]] || echo planted >"$tmp/$to/www/site/css/site.css"
        settle "$words" "$from" "$to" "$way"
        is "$words: never two held the address" "$(held_twice)" 0
        in_good_state "$stage" "$words" || { diag "$(cat "$tmp/move.log")"; output_diag; }
        [[ " $(left_steps) " == *' carry-last '* ]] || ok "$words: and nothing is lost" test -e "$tmp/$stage/www/mutable/uploads/round-$round.txt"
        echo "# $([[ $frozen -eq 0 ]] || echo 'LATE ')$words: move ended in $moved, ended by $ended_by in $status, stage $stage, $((SECONDS - began)) s" >&"$tap"
        round=$((round + 1))
        return $frozen
}

# rounds: at each step of the present configuration's plan that no fault was made at yet
rounds()
{
        local i step binds way kind here planned host try
        planned=" $(lab_in database "$UNDERSTUDY" switch standby --plan --json --config "$tmp/site.conf" --state "$tmp/controller" | jq -r '.steps[].step' | tr '\n' ' ')"
        for ((i = 0; i < ${#steps[@]}; i++)); do
                read -r step binds <<<"${steps[i]}"
                [[ -z ${STEPS_ONLY:-} || " $STEPS_ONLY " == *" $step "* ]] || continue
                [[ $planned == *" $step "* && $hit != *" $step "* ]] || continue
                here=("${chosen[@]}")
                [[ ${#here[@]} -gt 0 ]] || here=("${faults[(i + turn) % ${#faults[@]}]}")
                for kind in "${here[@]}"; do
                        way=resume
                        [[ $(((round + turn) % 2)) -eq 0 ]] || way=undo
                        host=${hosts[(round + turn / ${#faults[@]}) % 3]}
                        # A busy machine may let it get past the step. What came of that is good all the same.
                        for try in 1 2 3; do one "$step" "$binds" "$kind" "$host" "$way" && break; done
                        ok "$step: and it was made while that step was under way, at try $try" was_hit "$step"
                done
        done
}
was_hit() { [[ $hit == *" $1 "* ]]; }

mapfile -t steps < <("$build_folder/tests/support/move_driver" table)
chosen=()
[[ -z ${STEPS_FAULTS:-} ]] || chosen=("${faults[@]}")
[[ ${STEPS_FAULTS:-all} == all ]] || read -ra chosen <<<"$STEPS_FAULTS"
rounds
# Whatever the turn: nobody looks after the one that comes while the move lies there, just before it is given visitors.
[[ -n ${STEPS_ONLY:-}${STEPS_FAULTS:-} ]] || one address binds tampered - resume
[[ $stage == production ]] || by_hand return
stage=production
steps_by_exec
rounds
for line in "${steps[@]}"; do
        [[ -n ${STEPS_ONLY:-} ]] || ok "a fault was made at ${line%% *}" was_hit "${line%% *}"
done
done_testing
