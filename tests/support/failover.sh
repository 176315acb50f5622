# shellcheck shell=bash
# failover.sh - a site that can fail over, in a lab: everything of stage.sh with sshd, keepers and a controller, and the faults
# that are made. Sourced behind lib.sh, lab/namespaces.sh, lab/database.sh, agent.sh and stage.sh, inside of a lab.
#
#     failover_stage 'flips = 50'        the site, without keepers and controller; production is in at the database. The
#                                        argument is the rest of its limits
#     keeper production; keeper standby; controller
#     visit; cut_power production; wait_for 40 is_served_by standby; gap
#
# $lease, $probe, $failures: how soon a failure is noticed and a lease over. As they are here, a loaded machine loses no lease;
# fast_setting is what an idle one can do.

lease='lease_self = 1500ms lease_take = 1700ms'
probe='interval = 200ms timeout = 1s'
failures=2
hold_down=1s
alerts='' # targets, as the configuration has them
coordination='' # the whole section, for several controllers

fast_setting() { lease='lease_self = 200ms lease_take = 250ms' probe='interval = 20ms timeout = 40ms'; }

# failover_enter SCRIPT: in a lab of its own, which it enters by running itself again.
failover_enter()
{
        [[ -z ${LAB_FOLDER:-} ]] || return 0
        need_root
        need ip unshare nsenter setpriv nft psql jq nginx ssh sshd ssh-keygen curl perl
        lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$1"
        exit
}

failover_config()
{
        local host limits check
        limits="limits { drain = 1s hold_down = $hold_down $lease $1 }"
        check="check \"health\" { url = \"http://www.example.org/portal/health\" expect = \"well\" $probe failures = $failures }"
        stage_ssh "$tmp/ssh/config" "$tmp/ssh/controller"
        stage_config "$tmp/site.conf" "ssh_config = \"$tmp/ssh/config\"" "$check" "$limits" 'on_tamper { planned = heal failover = refuse }' ${alerts:+"alerts = {\"$alerts\"}"} ${coordination:+"$coordination"}
        for host in production standby; do
                stage_ssh "$tmp/ssh/config-$host" "$tmp/ssh/keeper-$host"
                stage_config "$tmp/keeper-$host.conf" "ssh_config = \"$tmp/ssh/config-$host\"" "$check" "$limits"
        done
}

authorize() { "$UNDERSTUDY" agent --config "$tmp/site.conf" --server "$1" --state "$tmp/$1/state" --authorize "$2" "${@:3}"; }

# In two halves: what any other way of failing over would need as well, and ours.
failover_stage() { failover_servers && failover_roles "$1"; }

failover_servers()
{
        stage_network || bail_out 'no network'
        make_site "$tmp/src"
        make_repository
        stage_database || bail_out 'no accounts'
        stage_server production && stage_server standby || bail_out 'the web servers do not start'
}

failover_roles()
{
        local host
        agent_keys
        for host in production standby; do ssh-keygen -q -t ed25519 -N '' -C "keeper of $host" -f "$tmp/ssh/keeper-$host"; done
        mkdir -p "$tmp/database/state" "$tmp/controller"
        failover_config "$1"
        "$UNDERSTUDY" check --config "$tmp/site.conf" --offline >"$tmp/checked" 2>&1 || bail_out "$(cat "$tmp/checked")"
        keeper_lines=()
        for host in production standby; do
                stage_sshd "$host" "$(authorize "$host" "$tmp/ssh/controller.pub")"
                keeper_lines+=("$(authorize database "$tmp/ssh/keeper-$host.pub" --for "$host")")
        done
        stage_sshd database "$(authorize database "$tmp/ssh/controller.pub")" "${keeper_lines[@]}"
        for host in database production standby; do wait_for 40 reach "$host" || bail_out "no agent on $host: $(output)$(errors)"; done
        by_hand fence begin production
        [[ $status -eq 0 ]] || bail_out "the fence cannot be begun: $(errors)"
}

# ---------------------------------------------------------------- looking

drive() { run lab_in database "$build_folder/tests/support/agent_driver" "$1" "$1" "$tmp/ssh/config" "$2" "${3:-}" 20000 1; }
reach() { drive "$1" clock && [[ $status -eq 0 ]]; }
has_address() { ip -n "$1" -o address show dev eth0 2>/dev/null | grep -q "inet $service/"; }
has_not() { ! has_address "$1"; }
place() { drive database fence-look && sed 's/^ok //' "$tmp/stdout" | jq -r ".members[] | select(.server == \"$1\") | .place"; }
may_write() { lab_in "$1" curl -fsS -m 5 -o "$tmp/health" http://127.0.0.1/portal/health 2>/dev/null; }
served() { curl -sS -m 2 -o /dev/null -w '%header{x-served-by}' "http://$service/"; }
is_served_by() { [[ $(served 2>/dev/null) == "$1" ]]; }
said() { grep -q "$1" "$tmp/controller.log"; }
by_hand() { run lab_in database "$UNDERSTUDY" "$@" --config "$tmp/site.conf" --state "$tmp/controller"; }
moves() { "$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "move_ended") | .outcome' | tr '\n' ' '; }

# ---------------------------------------------------------------- roles

keeper()
{
        lab_in "$1" "$UNDERSTUDY" keeper --config "$tmp/keeper-$1.conf" --server "$1" --state "$tmp/$1/state" >>"$tmp/keeper-$1.log" 2>&1 </dev/null &
}

# controller [COMMAND...]: before it, as for `strace`.
controller()
{
        : >"$tmp/controller.log"
        nsenter --net=/run/netns/database "$@" "$UNDERSTUDY" controller --config "$tmp/site.conf" --state "$tmp/controller" >>"$tmp/controller.log" 2>&1 </dev/null &
        controller=$!
        wait_for 30 said '^ready'
}
end_controller() { { kill -KILL "$controller" && wait "$controller"; } 2>/dev/null; }

# known_standby: until the controller has asked the stand-by, and knows it well.
known_standby() { sleep 2.5; }

# home AFTER: production is on stage again, and everybody knows.
home()
{
        by_hand return
        is "the return after $1 is done" "$status" 0
        [[ $status -eq 0 ]] || output_diag
        is_served_by production || sleep 0.5
        is 'production is on stage again' "$(served)" production
        is 'and alone in at the database' "$(place production) $(place standby)" 'in out'
        sleep 1.5 # the hold-down, and what the controller knows of the stand-by
}

# ---------------------------------------------------------------- faults

# processes_of HOST NAME: their numbers.
processes_of()
{
        local pid
        for pid in $(ip netns pids "$1"); do [[ $(cat "/proc/$pid/comm" 2>/dev/null) != "$2" ]] || echo "$pid"; done
}
signal() { processes_of "$2" "$3" | xargs -r kill "-$1"; }

cut_power()
{
        ip link set "port-$1" down
        ip netns pids "$1" | xargs -r kill -KILL
        ip -n "$1" address del "$service/32" dev eth0 2>/dev/null
        return 0
}
boot()
{
        ip link set "port-$1" up
        stage_sshd "$1" "$(cat "$tmp/ssh/$1/authorized_keys")"
        stage_web "$1"
        keeper "$1"
        wait_for 40 reach "$1"
}
start_web()
{
        lab_in "$1" nginx -c "$tmp/$1/nginx.conf" -e "$tmp/$1/nginx.log" >"$tmp/$1/nginx.out" 2>&1 </dev/null &
        wait_for 10 lab_in "$1" curl -fsS -o "$tmp/front" http://127.0.0.1/css/site.css 2>/dev/null
}

# ---------------------------------------------------------------- visitors, one new connection every 5 ms

visit()
{
        rm -f "$tmp/stop"
        "$source_folder/lab/gap.pl" "$service" /portal/health "$tmp/stop" >"$tmp/visits" 2>&1 &
        visitor=$!
        wait_for 20 grep -q " 200 " "$tmp/visits"
        sleep 0.3
}
# gap: the longest time between two pages that were well, in ms
gap()
{
        sleep 0.3
        : >"$tmp/stop"
        wait "$visitor"
        awk '$2 == 200 { if (n++ && $1 - last > most) most = $1 - last; last = $1 } END { print most + 0 }' "$tmp/visits"
}
# changes: who answered, in turn
changes() { awk '$3 != "-" && $3 != last { last = $3; printf "%s ", last }' "$tmp/visits"; }

# holders: watches both servers until $tmp/watch.stop is there; prints how often both had the address at once, and neither.
holders()
{
        rm -f "$tmp/watch.stop" "$tmp/watched"
        perl -e 'my ($stop, $address, @hosts) = @ARGV; my ($looks, $both, $none) = (0, 0, 0);
                while (!-e $stop) {
                        my $n = grep { qx(ip -n $_ -o address show dev eth0) =~ m{inet \Q$address\E/} } @hosts;
                        $looks++; $both++ if $n > 1; $none++ if !$n; select undef, undef, undef, 0.005;
                }
                print "$both of $looks, $none without\n"' "$tmp/watch.stop" "$service" production standby >"$tmp/watched" 2>&1 &
}
held_twice()
{
        : >"$tmp/watch.stop"
        wait_for 20 test -s "$tmp/watched"
        cut -d' ' -f1 "$tmp/watched"
}
# held_throughout: and how often both, and neither had it. "0 0": one at each look.
held_throughout() { echo "$(held_twice) $(cut -d' ' -f4 "$tmp/watched")"; }
