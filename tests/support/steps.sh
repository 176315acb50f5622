# shellcheck shell=bash
# steps.sh - a site whose planned moves have every step that there is (by address, keeping connections, with the name; mutable
# areas; a stand-by that rests powered off), in a lab, and one fault at a time while exactly one step is under way. Sourced behind
# failover.sh, lab/dns.sh and faults.sh, inside of a lab.
#
#     steps_stage powered_off            the site, whose stand-by rests so; production is on stage
#     frozen_at dns binds switch standby   it is begun, and stands still in that step (freeze.pl)
#     fault agent-stopped standby        is made, what is to pass passes, it is mended, and the move has ended: $moved
#     in_good_state standby WORDS        who is on stage, alone in every respect

make_repository()
{
        make_keys "$tmp/keys"
        mkdir "$tmp/src/uploads"
        us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads
}

# As failover.sh calls it; the keepers have the same site.
failover_config()
{
        local host file limits check
        limits="limits { drain = 1s hold_down = $hold_down $lease $1 }"
        check="check \"health\" { url = \"http://www.example.org/portal/health\" expect = \"well\" $probe failures = $failures }"
        stage_ssh "$tmp/ssh/config" "$tmp/ssh/controller"
        for host in production standby; do stage_ssh "$tmp/ssh/config-$host" "$tmp/ssh/keeper-$host"; done
        for file in site:config keeper-production:config-production keeper-standby:config-standby; do
                stage_config "$tmp/${file%%:*}.conf" "ssh_config = \"$tmp/ssh/${file##*:}\"" "$check" "$limits" \
                        "service { addresses = {\"$service/24\"} ports = {80} }" "$(stage_names_section)" \
                        'on_tamper { planned = heal failover = refuse }'
        done
}

steps_stage()
{
        # shellcheck disable=SC2034 # for stage.sh
        stage_moves=both ttl=2
        stage_more[standby]="standby_rest = $1 power_on = \"$tmp/power-on\" web_start = \"$tmp/web-start\" web_stop = \"$tmp/web-stop\""
        power_programs
        small_disks || bail_out 'no small disks'
        mkdir -p "$tmp/controller" "$tmp/another"
        mount -t tmpfs -o size=8m,mode=0700 none "$tmp/controller"
        failover_servers
        stage_names || bail_out 'no name servers'
        failover_roles 'flips = 50'
        keeper production
        keeper standby
        wait_for 30 is_served_by production || bail_out 'production is not on stage'
}

# ---------------------------------------------------------------- a stand-by that rests powered off

# What starts the machine, and its web server there. (The command ends with all that is of its process group: so nothing is, half a
# second later.)
power_programs()
{
        local here=$tmp/standby
        cat >"$tmp/power-on" <<END
#!/bin/bash
on() { setsid -f nsenter --net=/run/netns/standby "\$@" </dev/null >/dev/null 2>&1; }
nsenter --net=/proc/1/ns/net ip link set port-standby up
on "$(command -v sshd)" -D -f "$tmp/ssh/standby/sshd_config" -E "$tmp/ssh/standby/log"
on "$portal" "$here/portal.sock" "$stage_files/portal/templates" 'host=192.0.2.10 user=portal dbname=portal password=secret connect_timeout=2' standby
on "$UNDERSTUDY" keeper --config "$tmp/keeper-standby.conf" --server standby --state "$here/state"
sleep 0.5
END
        cat >"$tmp/web-start" <<END
#!/bin/bash
setsid -f nginx -c "$here/nginx.conf" -e "$here/nginx.log" </dev/null >/dev/null 2>&1
sleep 0.5
END
        cat >"$tmp/web-stop" <<END
#!/bin/bash
kill -TERM "\$(cat "$here/nginx.pid")"
END
        chmod 0755 "$tmp/power-on" "$tmp/web-start" "$tmp/web-stop"
}
power_off() { rm -f "$tmp/standby/portal.sock"; cut_power standby; }

# ---------------------------------------------------------------- the same site, moved by programs of the operator's

# Production is on stage and stays there; there are no keepers any more, for the address is the programs' now.
steps_by_exec()
{
        local host
        for host in production standby; do
                signal KILL "$host" understudy
                signal KILL "$host" holder
        done
        cat >"$tmp/move-stage" <<END
#!/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
for host in production standby; do
        [ \$host = \$UNDERSTUDY_TO ] || ip -n \$host address del $service/32 dev eth0 2>/dev/null
done
ip -n \$UNDERSTUDY_TO address replace $service/32 dev eth0
nsenter --net=/proc/1/ns/net ip neighbour flush to $service dev switch
ip neighbour flush to $service dev eth0 2>/dev/null
exit 0
END
        cat >"$tmp/who-is-on-stage" <<END
#!/bin/sh
curl -sS -m 2 -o /dev/null -w '%header{x-served-by}\\n' http://$service/css/site.css
END
        chmod 0755 "$tmp/move-stage" "$tmp/who-is-on-stage"
        # shellcheck disable=SC2034 # for stage.sh
        stage_moves=exec
        by_names=
        stage_config "$tmp/site.conf" "ssh_config = \"$tmp/ssh/config\"" "limits { drain = 1s hold_down = $hold_down flips = 50 }" \
                "check \"health\" { url = \"http://$service/portal/health\" expect = \"well\" timeout = 2s }" \
                "exec { move = \"$tmp/move-stage\" look = \"$tmp/who-is-on-stage\" timeout = 2s settle = 500ms ttl = 1 }"
        UNDERSTUDY_TO=production "$tmp/move-stage"
}

# ---------------------------------------------------------------- looking

by_names=yes # any: a failover leaves the TTL of moves

journal() { "$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json 2>/dev/null; }
# of_move FILTER: of the records of the move that was begun last.
of_move() { journal | jq -rs 'map(select(.move)) | (map(select(.kind == "move_began")) | last.move) as $id | map(select(.move == $id)) | '"$1"; }
in_flight() { [[ $(of_move 'length > 0 and (any(.[]; .kind == "move_ended") | not)') == true ]]; }
# outcome: of the move that was begun last; nothing when it has no end.
outcome() { of_move '[.[] | select(.kind == "move_ended") | .outcome] | last // ""' | tr -d '"'; }
left_steps() { of_move '[.[] | select(.kind == "step_left") | .step] | join(" ")'; }

names_at()
{
        "$build_folder/tests/support/traffic_driver" dns example.org understudy hmac-sha256 x 3000 "$1" "$1" -- ask "$1" "$name"
}
places() { drive database fence-look && sed 's/^ok //' "$tmp/stdout" | jq -r '" " + ([.members[] | "\(.server)=\(.place) "] | join(""))'; }
other_than() { if [[ $1 == production ]]; then echo standby; else echo production; fi; }
relay_traces()
{
        local host
        for host in production standby; do
                lab_in "$host" nft list tables | grep relay
                ip -n "$host" -o address show dev lo | grep "$service/"
        done
}
well() { [[ $(curl -sS -m 2 "http://$service/portal/health" 2>/dev/null) == *well* ]]; }
genuine() { diff -r --no-dereference --exclude uploads "$tmp/src" "$tmp/$1/www/site" >"$tmp/differs" || { diag "$(head -n 3 "$tmp/differs")"; return 1; }; }

# names_are ADDRESS: at both servers.
names_are()
{
        local names
        names="$(names_at 192.0.2.53) $(names_at 192.0.2.54)"
        [[ $by_names == any && $names =~ ^[0-9]+\ $1\ [0-9]+\ $1$ ]] || [[ $names == "$ttl $1 $ttl $1" ]]
}

# in_good_state WHO WORDS: one assertion; what is not good is named.
in_good_state()
{
        local who=$1 other bad=() places
        other=$(other_than "$who")
        wait_for 10 is_served_by "$who" || bad+=("visitors are served by '$(served 2>&1)'")
        wait_for 10 well || bad+=('no page from the database')
        has_not "$other" || bad+=("$other has the address")
        places=$(places)
        [[ $places == *" $who=in "* && $places == *" $other=out "* ]] || bad+=("at the database:$places")
        ! may_write "$other" || bad+=("$other can write")
        [[ -z $by_names ]] || names_are "${stage_addresses[$who]}" || bad+=("the name is $(names_at 192.0.2.53), $(names_at 192.0.2.54)")
        [[ " $(left_steps) " == *' relay-end '* || -z $(relay_traces) ]] || bad+=("left behind: $(relay_traces | tr '\n' ' ')")
        genuine "$who" || bad+=("$who is not genuine")
        ! in_flight || bad+=('the move has no end')
        is "$2: $who is on stage, alone, proven, and may write" "$(printf '%s; ' "${bad[@]}")" '; '
        [[ ${#bad[@]} -eq 0 ]]
}

watch_holders()
{
        rm -f "$tmp/watch.stop" "$tmp/watched"
        "$source_folder/tests/support/holders.pl" "$service" eth0 "$tmp/watch.stop" production standby >"$tmp/watched" 2>&1 &
}

# ---------------------------------------------------------------- the moment

# frozen_at STEP BINDS COMMAND...: 0 when the move was begun and stands still in that step; $move is its number.
frozen_at()
{
        local step=$1 binds=$2
        shift 2
        rm -f "$tmp/frozen" "$tmp/move.log" "$tmp/move.log.pid"
        nsenter --net=/run/netns/database "$source_folder/tests/support/freeze.pl" "$step" "$binds" "$tmp/move.log" "$tmp/frozen" "$tmp/controller/journal" \
                "$UNDERSTUDY" "$@" -v --config "$tmp/site.conf" --state "$tmp/controller" </dev/null >"$tmp/frozen.out" 2>&1 &
        freezer=$!
        wait_for 90 test -s "$tmp/frozen" || return
        move=$(cat "$tmp/move.log.pid")
        [[ $(cat "$tmp/frozen") == frozen ]]
}

# move_over SECONDS: waits for the end of the move. 1: it has not ended.
move_over()
{
        local end=$((SECONDS + $1))
        while kill -0 "$freezer" 2>/dev/null; do
                [[ $SECONDS -lt $end ]] || return 1
                sleep 0.05
        done
        wait "$freezer"
        moved=$?
}

# ---------------------------------------------------------------- faults

# Where programs of the operator's lead visitors there are neither keepers nor names.
exists_here() { [[ -n $by_names || $1 != @(keeper|holder|names)-* ]]; }
is_on() { [[ -n $(processes_of "$1" sshd) ]] || [[ $1 == dns* ]]; }

# let_go SECONDS: the move goes on under the fault, for so long or until it ends.
let_go()
{
        kill -CONT "$move"
        move_over "$1"
}

# A process that stands still keeps its right to the move: no other can go on with it.
stands_still()
{
        kill -CONT "$move"
        sleep "0.0$((RANDOM % 5))"
        kill -STOP "$move"
        sleep "$1"
        if kill -0 "$freezer"; then
                by_hand switch --resume
                # shellcheck disable=SC2034 # for planned_rounds.sh
                held=$status
        fi
        kill -CONT "$move"
}

# overtaken_for HOST: while it stands still, somebody on another machine, with a state of his own and no coordination, moves the site
# back to HOST. (Where nothing is moved yet there is nothing for him to do.)
overtaken_for()
{
        run lab_in database "$UNDERSTUDY" switch "$1" --config "$tmp/site.conf" --state "$tmp/another"
        # shellcheck disable=SC2034 # for planned_rounds.sh
        [[ $status -ne 0 ]] || grep -q already "$tmp/stdout" || overtaken=yes
        kill -CONT "$move"
}

# fault KIND HOST SECONDS: the move stands still; it has ended when this returns, or does not end at all: 1.
fault()
{
        local kind=$1 host=$2 seconds=$3
        case $kind in
        controller | tampered) kill -KILL "$move" ;;
        controller-stopped) stands_still "$seconds" ;;
        controller-overtaken) overtaken_for "$host" ;;
        disk)
                head -c 16M /dev/zero >"$tmp/controller/filler" 2>/dev/null
                let_go 60
                rm "$tmp/controller/filler"
                ;;
        *)
                # What is dead is dead for a while; on a slow line the whole move is made.
                [[ $kind != *-killed ]] || seconds=4
                [[ $kind != slow ]] || seconds=60
                if [[ $kind == *-killed ]] || ! is_on "$host"; then
                        kill -CONT "$move"
                        wait_for 5 is_on "$host"
                        sleep "0.0$((RANDOM % 5))"
                fi
                break_it "$kind" "$host"
                let_go "$seconds"
                mend_it "$kind" "$host"
                ;;
        esac
        move_over 120
} 2>/dev/null
