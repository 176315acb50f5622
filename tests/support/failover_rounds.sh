# shellcheck shell=bash
# failover_rounds.sh - failovers, each with one fault while exactly one of its steps is under way, and what must be so afterwards.
# Sourced behind step_rounds.sh, for a site of steps_stage's making whose stand-by is switched on.
#
#     rounds_begin "${failover_faults[@]}"; rounds failover one_failover
#
# Production's web server dies and nothing else of it: its keeper, its agent and its portal go on, and would write.

failover_faults=(controller controller-stopped agent-killed keeper-killed holder-stopped sshd-killed sshd-stopped session-killed names-killed
        database-stopped cut)

# ---------------------------------------------------------------- looking

# How the journal's last word of the last move is: move_began, move_stopped or move_ended; and what became of it.
last_word() { of_move '[.[] | select(.kind | test("^(move_|step_)")) | if .kind == "move_ended" then .outcome else .kind end] | last // ""' | tr -d '"'; }

# Whether the database lets both in, asked from both all the time.
watch_doors()
{
        rm -f "$tmp/doors.stop" "$tmp/doors"
        "$source_folder/tests/support/doors.pl" "${stage_addresses[database]}" 5432 "$tmp/doors.stop" production standby >"$tmp/doors" 2>&1 &
}
let_in_both()
{
        : >"$tmp/doors.stop"
        wait_for 20 test -s "$tmp/doors"
        cut -d' ' -f1 "$tmp/doors"
}

# ---------------------------------------------------------------- the controller

# controller_freezes STEP BINDS: it is begun; the failover that it will make stands still in that step.
controller_freezes()
{
        rm -f "$tmp/frozen" "$tmp/controller.log.pid"
        : >"$tmp/controller.log"
        nsenter --net=/run/netns/database "$source_folder/tests/support/freeze.pl" "$1" "$2" "$tmp/controller.log" "$tmp/frozen" \
                "$tmp/controller/journal" "$UNDERSTUDY" controller -v --config "$tmp/site.conf" --state "$tmp/controller" </dev/null >"$tmp/frozen.out" 2>&1 &
        freezer=$!
        wait_for 30 said '^ready' || return
        controller=$(cat "$tmp/controller.log.pid")
}
controller_ends()
{
        kill -KILL "$controller"
        wait "$freezer"
        [[ -z $successor ]] || { kill -KILL "$successor" && wait "$successor"; }
        successor=''
} 2>/dev/null
# As systemd begins another.
controller_again()
{
        nsenter --net=/run/netns/database "$UNDERSTUDY" controller --config "$tmp/site.conf" --state "$tmp/controller" >>"$tmp/controller.log" 2>&1 </dev/null &
        successor=$!
}
successor=''

# ---------------------------------------------------------------- a round

# failover_fault KIND HOST SECONDS: the failover stands still; the fault is made and mended.
failover_fault()
{
        local kind=$1 host=$2 seconds=$3
        case $kind in
        controller)
                kill -KILL "$controller"
                controller_again
                return
                ;;
        controller-stopped)
                kill -CONT "$controller"
                sleep "0.0$((RANDOM % 5))"
                kill -STOP "$controller"
                sleep "$seconds"
                by_hand switch --undo
                held=$status
                kill -CONT "$controller"
                return
                ;;
        *-killed)
                kill -CONT "$controller"
                sleep "0.0$((RANDOM % 5))"
                break_it "$kind" "$host"
                ;;
        *)
                break_it "$kind" "$host"
                kill -CONT "$controller"
                ;;
        esac
        [[ $kind != slow ]] || seconds=20
        [[ $kind != *-killed ]] || seconds=4
        sleep "$seconds"
        mend_it "$kind" "$host"
} 2>/dev/null

# moved_over WORDS WAY: the site is moved in the end. A move that stopped, called a person: he goes on with it, or takes it back, and
# the controller moves the site anew.
moved_over()
{
        local words=$1 way=$2 end=$((SECONDS + 90)) word
        ended_by=itself
        while [[ $SECONDS -lt $end ]]; do
                word=$(last_word)
                [[ $word != 'done' ]] || return 0
                if [[ $word == move_stopped ]]; then
                        end_by "$way"
                        is "$words: --$ended_by ends it" "$([[ $status -le 1 ]] && echo yes)" yes
                        [[ $status -le 1 ]] || { output_diag; way=resume; }
                fi
                sleep 0.2
        done
        return 1
}

# one_failover STEP BINDS FAULT NTH WAY
one_failover()
{
        local step=$1 binds=$2 kind=$3 nth=$4 way=$5 began=$SECONDS words frozen host
        host=$(befalls "$kind" production standby "$nth")
        words="$step, $kind${host:+ ($host)}"
        echo "upload of round $round" >"$tmp/standby/www/mutable/uploads/round-$round.txt"
        signal KILL standby nginx # it rests
        controller_freezes "$step" "$binds" || diag 'no controller'
        known_standby
        watch_holders
        watch_doors
        signal KILL production nginx
        wait_for 40 test -s "$tmp/frozen"
        [[ $(cat "$tmp/frozen" 2>/dev/null) == frozen ]]
        frozen=$?
        [[ $frozen -ne 0 ]] || hit+="$step "
        held=none
        failover_fault "$kind" "$host" "${STEPS_HANG:-7}"
        [[ $held == none ]] || is "$words: nobody takes back a move whose controller only stands still" "$held" 4
        ok "$words: the site is moved in the end" moved_over "$words" "$way"
        is "$words: never two held the address" "$(held_twice)" 0
        is "$words: the database never let in both" "$(let_in_both)" 0
        [[ $by_names ]] && by_names=any
        in_good_state standby "$words" || { diag "$(cat "$tmp/controller.log")"; output_diag; }
        controller_ends
        came_home "$words"
        echo "# $([[ $frozen -eq 0 ]] || echo 'LATE ')$words: ended by $ended_by, $((SECONDS - began)) s" >&"$tap"
        round=$((round + 1))
        return $frozen
}

# came_home WORDS: production is mended, and the site returns to it.
came_home()
{
        start_web production
        by_hand return
        is "$1: and production can return" "$status" 0
        [[ $status -eq 0 ]] || { output_diag; by_hand switch --resume; }
        [[ -z $by_names ]] || by_names=yes
        in_good_state production "$1, and home"
}
