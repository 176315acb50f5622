#!/bin/bash
# planned_lab.sh FIGURES - planned moves of a site in a lab, by Understudy and by keepalived's priority, with connections that
# stand meanwhile. For the row `planned` of run.sh. FIGURES gets a JSON object for each figure.
#
#     BENCH_RUNS   moves each way (20)
figures=$(realpath "$1")
. "$(dirname "$0")/../tests/t/lib.sh"
use namespaces database agent stage failover established
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")" "$figures"
        exit
fi
runs=${BENCH_RUNS:-20}
downloads=50 kept=25

figure() { jq -nc --arg who "$1" --arg what "$2" --argjson figure "$3" '$ARGS.named' >>"$figures"; }
give_up() { echo "$*" >&2 && exit 3; }

# exact: how many downloads came to their end with the right digest
exact() { awk -v wanted="$big_digest" '$1 == "download" && $3 == wanted { n = $4 } END { print n + 0 }' "$tmp/established"; }

# came_through WHO: the figures of one move
came_through()
{
        figure "$1" 'new requests' "$(came_of new 2)"
        figure "$1" 'failed new requests' "$(came_of new 3)"
        figure "$1" 'kept connections' "$kept"
        figure "$1" 'broken kept connections' "$(came_of kept 3)"
        figure "$1" downloads "$downloads"
        figure "$1" 'downloads not byte-exact' "$((downloads - $(exact)))"
}

# ---------------------------------------------------------------- keepalived

keepalived_config()
{
        cat >"$tmp/$1/keepalived.conf" <<END
global_defs {
        router_id $1
        vrrp_version 3
}
vrrp_instance site {
        interface eth0
        state BACKUP
        virtual_router_id 51
        priority $2
        advert_int 0.1
        virtual_ipaddress { $service/32 dev eth0 }
}
END
}
keepalived_move() # FROM TO
{
        keepalived_config "$1" 50
        keepalived_config "$2" 150
        kill -HUP "$(cat "$tmp/$1/keepalived.pid")" "$(cat "$tmp/$2/keepalived.pid")"
}

failover_servers_with_files()
{
        local i
        big_file 16
        mkdir -p "$tmp/src/many" && for ((i = 0; i < 3000; i++)); do echo "page $i" >"$tmp/src/many/$i.html"; done
        failover_servers
}
failover_servers_with_files
for host in production standby; do
        keepalived_config "$host" "$([[ $host == production ]] && echo 150 || echo 100)"
        lab_in "$host" keepalived --dont-fork --vrrp --log-console --use-file "$tmp/$host/keepalived.conf" \
                --pid "$tmp/$host/keepalived.pid" --vrrp_pid "$tmp/$host/vrrp.pid" >"$tmp/$host/keepalived.log" 2>&1 </dev/null &
done
wait_for 20 is_served_by production || give_up 'keepalived does not start'
for ((run = 0; run < 2 * runs; run++)); do
        from=production to=standby
        ((run % 2 == 0)) || { from=standby to=production; }
        sleep 2
        established "$downloads" "$kept"
        keepalived_move "$from" "$to"
        wait_for 20 is_served_by "$to" || give_up "keepalived does not move: $(tail -n 3 "$tmp/$to/keepalived.log")"
        sleep 1
        established_end
        came_through keepalived
done
for host in production standby; do
        processes_of "$host" keepalived | xargs -r kill -KILL
        ip -n "$host" address del "$service/32" dev eth0 2>/dev/null
        lab_in "$host" nft flush ruleset
done

# ---------------------------------------------------------------- Understudy

failover_roles 'flips = 100'
drain 60s
keeper production
keeper standby
wait_for 30 is_served_by production || give_up "the keeper does not start: $(tail -n 3 "$tmp/keeper-production.log")"
for ((run = 0; run < 5; run++)); do
        began=$(date +%s%N)
        by_hand switch standby --plan
        figure understudy plan "$((($(date +%s%N) - began) / 1000000))"
done
for ((run = 0; run < 2 * runs; run++)); do
        way='switch standby' to=standby
        ((run % 2 == 0)) || { way=return to=production; }
        established "$downloads" "$kept"
        # shellcheck disable=SC2086
        move_begins $way
        wait_for 60 is_served_by "$to" || give_up "the site does not move: $(tail -n 3 "$tmp/move.log")"
        sleep 1
        established_end
        move_ends
        [[ $moved -eq 0 ]] || give_up "$way: $(tail -n 3 "$tmp/move.log")"
        came_through understudy
done
exit 0
