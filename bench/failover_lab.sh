#!/bin/bash
# failover_lab.sh FIGURES - measures failovers of a site in a lab, by Understudy, keepalived and ucarp in turn, at the fastest
# settings that each has. For the row `failover` of run.sh. FIGURES gets a JSON object for each figure.
#
#     BENCH_RUNS   how often each fault is made (7)
#     BENCH_WHO    'understudy keepalived ucarp'
figures=$(realpath "$1")
. "$(dirname "$0")/../tests/t/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")" "$figures"
        exit
fi
runs=${BENCH_RUNS:-7}

# figure WHO WHAT NUMBER
figure() { jq -nc --arg who "$1" --arg what "$2" --argjson figure "$3" '$ARGS.named' >>"$figures"; }
give_up() { echo "$*" >&2 && exit 3; }

# ---------------------------------------------------------------- the peers

keepalived_start()
{
        local priority=100
        [[ $1 != production ]] || priority=150
        cat >"$tmp/$1/keepalived.conf" <<END
global_defs {
        router_id $1
        script_user root
        vrrp_version 3
}
vrrp_script web {
        script "/usr/bin/curl -fsS -m 0.5 -o /dev/null http://${stage_addresses[$1]}/portal/health"
        interval 1
        timeout 1
        fall 1
        rise 1
}
vrrp_instance site {
        interface eth0
        state BACKUP
        virtual_router_id 51
        priority $priority
        advert_int 0.1
        virtual_ipaddress { $service/32 dev eth0 }
        track_script { web }
}
END
        lab_in "$1" keepalived --dont-fork --vrrp --log-console --use-file "$tmp/$1/keepalived.conf" \
                --pid "$tmp/$1/keepalived.pid" --vrrp_pid "$tmp/$1/vrrp.pid" >"$tmp/$1/keepalived.log" 2>&1 </dev/null &
}
keepalived_pids() { processes_of "$1" keepalived; }

ucarp_start()
{
        printf '#!/bin/sh\nip address %s %s/32 dev eth0\n' add "$service" >"$tmp/$1/up"
        printf '#!/bin/sh\nip address %s %s/32 dev eth0\n' del "$service" >"$tmp/$1/down"
        chmod +x "$tmp/$1/up" "$tmp/$1/down"
        local skew=50
        [[ $1 != production ]] || skew=0
        lab_in "$1" ucarp -i eth0 -s "${stage_addresses[$1]}" -v 1 -p secret -a "$service" -b 1 -k "$skew" -P \
                -u "$tmp/$1/up" -d "$tmp/$1/down" >"$tmp/$1/ucarp.log" 2>&1 </dev/null &
}
ucarp_pids() { processes_of "$1" ucarp; }

understudy_start() { keeper "$1"; }
understudy_pids() { processes_of "$1" understudy; }

# ---------------------------------------------------------------- faults

# settled WHO: production is on stage, alone, and whoever takes over is ready.
settled()
{
        if [[ $1 == understudy ]]; then
                [[ $(by_hand return && echo "$status") == 0 ]] || give_up "return: $(errors)"
        fi
        wait_for 20 is_served_by production && wait_for 20 has_not standby || give_up "$1: production does not come back"
        sleep 2.5
}

fault()
{
        case $1 in
        'power cut') cut_power production ;;
        'web server killed') signal KILL production nginx ;;
        'web server hung') signal STOP production nginx ;;
        esac
}
mend()
{
        case $2 in
        'power cut')
                ip link set port-production up
                [[ $1 != understudy ]] || stage_sshd production "$(cat "$tmp/ssh/production/authorized_keys")"
                stage_web production
                "$1_start" production
                [[ $1 != understudy ]] || wait_for 40 reach production
                ;;
        'web server killed') start_web production ;;
        'web server hung') signal CONT production nginx ;;
        esac
}

measure()
{
        local who=$1 what=$2 run
        for ((run = 0; run < runs; run++)); do
                visit
                fault "$what"
                wait_for 20 is_served_by standby || give_up "$who: nobody takes over ($what): $(tail -n 3 "$tmp/controller.log")"
                figure "$who" "$what" "$(gap)"
                [[ $who != understudy ]] || took fence
                mend "$who" "$what"
                settled "$who"
        done
}

# took STEP: by what the controller says; from the end of the step before.
took()
{
        figure understudy "$1" "$(awk -v step="$1" '$2 == "s" { if ($3 == step) printf "%d", ($1 - last) * 1000; last = $1 }' "$tmp/controller.log")"
        : >"$tmp/controller.log"
}

stopped()
{
        local who=$1 run pids
        for ((run = 0; run < runs; run++)); do
                pids=$("$who"_pids production)
                holders
                # shellcheck disable=SC2086
                kill -STOP $pids
                sleep 5
                figure "$who" 'two holders' "$(held_twice)"
                # shellcheck disable=SC2086
                kill -CONT $pids
                sleep 2
                settled "$who"
        done
}

# The bare act, as the agent does it, to the first answer that a visitor gets: from when the process that acts begins. An agent
# runs already; that a program for it is loaded here is no part of it.
take_over()
{
        local run began
        for ((run = 0; run < 3 * runs; run++)); do
                rm -f "$tmp/stop"
                "$source_folder/lab/gap.pl" "$service" /css/site.css "$tmp/stop" 1 >"$tmp/visits" 2>&1 &
                visitor=$!
                wait_for 10 grep -q ' 200 production' "$tmp/visits"
                lab_in production "$build_folder/tests/support/traffic_driver" address drop eth0 "$service" || give_up 'drop'
                began=$(lab_in standby "$build_folder/tests/support/traffic_driver" address take eth0 "$service" probe=9 began) || give_up 'take'
                wait_for 10 grep -q ' 200 standby' "$tmp/visits"
                : >"$tmp/stop"
                wait "$visitor"
                figure understudy take-over "$(awk -v began="$began" '$2 == 200 && $3 == "standby" { print $1 - began; exit }' "$tmp/visits")"
                lab_in standby "$build_folder/tests/support/traffic_driver" address drop eth0 "$service"
                lab_in production "$build_folder/tests/support/traffic_driver" address take eth0 "$service"
        done
        lab_in production "$build_folder/tests/support/traffic_driver" address drop eth0 "$service"
}

failover_servers
lab_in production "$build_folder/tests/support/traffic_driver" address take eth0 "$service" && take_over
for who in ${BENCH_WHO:-keepalived ucarp understudy}; do
        if [[ $who == understudy ]]; then
                fast_setting
                failover_roles 'flips = 100'
        fi
        "$who"_start production
        wait_for 20 is_served_by production || give_up "$who does not start: $(tail -n 5 "$tmp/production/$who.log")"
        "$who"_start standby
        [[ $who != understudy ]] || controller
        sleep 3
        measure "$who" 'power cut'
        [[ $who == ucarp ]] || measure "$who" 'web server killed'
        [[ $who == ucarp ]] || measure "$who" 'web server hung'
        stopped "$who"
        [[ $who == understudy ]] || for host in production standby; do "$who"_pids "$host" | xargs -r kill -KILL; ip -n "$host" address del "$service/32" dev eth0 2>/dev/null; done
        # keepalived's own table, and what it left
        for host in production standby; do lab_in "$host" nft flush ruleset; done
done
exit 0
