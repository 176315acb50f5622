# shellcheck shell=bash
# planned_rounds.sh - a planned move with one fault while one of its steps is under way, and what must be so afterwards. Sourced behind
# step_rounds.sh, for a site of steps_stage's making.
#
#     rounds_begin "${planned_faults[@]}"; rounds planned one
#     undoing=yes; rounds undo one     while the step is being undone, of a move that was stopped just before the fence
#
# $stage is who is on stage: each round begins with whom the last one left there.

planned_faults=(controller controller-stopped controller-overtaken disk tampered "${common_faults[@]}")
stage=production
undoing=''

is_behind_fence() { steps_of planned | sed '1,/^fence/d' | grep -q "^$1"; }

# settle WORDS FROM TO WAY, for the $step of who calls: what came of the move; $stage is who must be on stage now.
settle()
{
        local words=$1 from=$2 to=$3 way=$4 was
        ended_by=itself status=$moved
        : >"$tmp/stderr"
        [[ $moved -le 1 ]] || ! in_flight || end_by "$way"
        stage=$from
        if [[ -n $overtaken && $step == claim && $(outcome) == 'done' ]]; then
                stage=$to # it claimed once more, later than the other one
                return
        elif [[ -n $overtaken ]]; then
                # Behind the fence it had, before it was moved back.
                [[ $frozen -ne 0 ]] || is_behind_fence "$step" || isnt "$words: the one that was overtaken has not moved the site" "$(outcome)" 'done'
                return
        fi
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
        [[ $status -ne 0 ]] || stage=$to
        if [[ " $(left_steps) " == *' restore-ttl '* ]]; then # (a controller that runs does it by itself)
                was=$status
                by_hand switch --finish
                is "$words: the TTL that was left is given back" "$status" 0
                status=$was
        fi
}

# held_in STEP BINDS FROM TO: the move to the other one stands still in that step; or, when it is one that is being taken back, in
# the undoing of that step.
held_in()
{
        local command=(switch standby)
        [[ $4 == standby ]] || command=(return)
        if [[ -n $undoing ]]; then
                frozen_at drain binds "${command[@]}" || return
                kill -KILL "$move"
                move_over 10
                command=(switch --undo)
        fi
        frozen_at "$1" "$2" "${command[@]}"
} 2>/dev/null

# one STEP BINDS FAULT NTH WAY: NTH of the servers that it can befall
one()
{
        local step=$1 binds=$2 kind=$3 nth=$4 way=$5 from to began=$SECONDS words frozen host
        [[ $step != prove-new && $step != prepare || $stage == production ]] || { by_hand return && stage=production; }
        from=$stage to=$(other_than "$stage")
        host=$(befalls "$kind" "$from" "$to" "$nth")
        words="${undoing:+undo of }$step, $kind${host:+ ($host)}"
        [[ $step != prove-new && $step != prepare ]] || power_off
        echo "upload of round $round" >"$tmp/$from/www/mutable/uploads/round-$round.txt"
        watch_holders
        held_in "$step" "$binds" "$from" "$to"
        frozen=$?
        [[ $frozen -ne 0 ]] || hit+="$step "
        held=none overtaken=''
        ok "$words: the move has an end" fault "$kind" "$host" "${STEPS_HANG:-7}"
        [[ $held == none ]] || is "$words: nobody else goes on with a move whose process only stands still" "$held" 4
        [[ $kind != tampered || $(served) == "$to" ]] || echo planted >"$tmp/$to/www/site/css/site.css"
        settle "$words" "$from" "$to" "$way"
        is "$words: never two held the address" "$(held_twice)" 0
        in_good_state "$stage" "$words" || { diag "$(cat "$tmp/move.log")"; output_diag; }
        # (Who overtakes has a book of his own of what was carried over: it is moved aside then, and kept.)
        [[ -n $overtaken || " $(left_steps) " == *' carry-last '* ]] || ok "$words: and nothing is lost" test -e "$tmp/$stage/www/mutable/uploads/round-$round.txt"
        echo "# $([[ $frozen -eq 0 ]] || echo 'LATE ')$words: move ended in $moved, ended by $ended_by in $status, stage $stage, $((SECONDS - began)) s" >&"$tap"
        round=$((round + 1))
        return $frozen
}
