# shellcheck shell=bash
# step_rounds.sh - rounds, one for each step of the machine's own table, each with one fault while exactly that step is under way.
# Sourced behind steps.sh; planned_rounds.sh and failover_rounds.sh have what a round is.
#
#     rounds_begin controller cut ...  from now on; these are the faults that may be made
#     rounds planned one 1             one STEP BINDS FAULT NTH WAY, for each step of this table that the present configuration has, and
#                                      at which no fault was made yet; NTH of the servers that it can befall, WAY out of it. 3: for one
#                                      step of three, for others with each commit
#     every_step_was_hit planned
#
# One fault a step, another one with each commit (turn.sh). STEPS_FAULTS="cut disk", or "all": these at each step; STEPS_ONLY="dns
# drain": at these steps. STEPS_NTH=1: at the next one of the servers that it can befall.

rounds_begin()
{
        turn=$("$source_folder/tests/support/turn.sh")
        round=0
        hit=' '
        faults=("$@")
        chosen=()
        [[ -z ${STEPS_FAULTS:-} ]] || chosen=("$@")
        [[ ${STEPS_FAULTS:-all} == all ]] || read -ra chosen <<<"$STEPS_FAULTS"
}

# end_by WAY: the move that is in flight. What is beyond the fence cannot be undone, and says so.
end_by()
{
        ended_by=$1
        by_hand switch "--$ended_by"
        if [[ $ended_by == undo && $status -eq 4 ]] && grep -q 'too late to undo' "$tmp/stderr"; then
                ended_by=resume
                by_hand switch --resume
        fi
}

# befalls KIND FROM TO NTH: one of those whom it can befall; nothing for what befalls the move's own process.
befalls()
{
        local hosts
        read -ra hosts <<<"$(fault_hosts "$1" "$2" "$3")"
        [[ ${#hosts[@]} -eq 0 ]] || echo "${hosts[$4 % ${#hosts[@]}]}"
}

steps_of() { "$build_folder/tests/support/move_driver" table "$1"; }

# rounds TABLE FUNCTION EVERY
rounds()
{
        local i step binds way kind here planned nth try steps every=$3
        [[ -z ${STEPS_ONLY:-}${STEPS_FAULTS:-} ]] || every=1
        mapfile -t steps < <(steps_of "$1")
        # (A failover has no plan to be asked for; that of a planned move has all that lead visitors.)
        planned=" $(lab_in database "$UNDERSTUDY" switch standby --plan --json --config "$tmp/site.conf" --state "$tmp/controller" | jq -r '.steps[].step' | tr '\n' ' ') stop-old "
        for ((i = 0; i < ${#steps[@]}; i++)); do
                read -r step binds <<<"${steps[i]}"
                [[ -z ${STEPS_ONLY:-} || " $STEPS_ONLY " == *" $step "* ]] || continue
                [[ $(((i + turn) % every)) -eq 0 ]] || continue
                [[ $planned == *" $step "* && $hit != *" $step "* ]] || continue
                here=("${chosen[@]}")
                [[ ${#here[@]} -gt 0 ]] || here=("${faults[(i + turn / every) % ${#faults[@]}]}")
                for kind in "${here[@]}"; do
                        exists_here "$kind" || kind=agent-killed
                        way=resume
                        [[ $(((round + turn) % 2)) -eq 0 ]] || way=undo
                        nth=$((round + turn / every / ${#faults[@]} + ${STEPS_NTH:-0}))
                        # A busy machine may let it get past the step. What came of that is good all the same.
                        for try in 1 2 3; do "$2" "$step" "$binds" "$kind" "$nth" "$way" && break; done
                        ok "$step: and it was made while that step was under way, at try $try" was_hit "$step"
                done
        done
}
was_hit() { [[ $hit == *" $1 "* ]]; }

every_step_was_hit()
{
        local step
        [[ -z ${STEPS_ONLY:-} ]] || return 0
        while read -r step _; do ok "a fault was made at $step" was_hit "$step"; done < <(steps_of "$1")
}
