#!/bin/bash
# Failover by address on real servers: a power cut, a web server killed, a heartbeat lost without a death, the controller down;
# a tampered stand-by; and the return. Keepers, controller and agents over a network that can be cut. In a lab of its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../../lab/namespaces.sh
. "$source_folder/lab/namespaces.sh"
# shellcheck source=../../lab/database.sh
. "$source_folder/lab/database.sh"
# shellcheck source=../support/agent.sh
. "$source_folder/tests/support/agent.sh"
# shellcheck source=../support/stage.sh
. "$source_folder/tests/support/stage.sh"
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nft psql jq nginx ssh sshd ssh-keygen curl perl
        lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

stage_network || bail_out 'no network'
make_site "$tmp/src"
make_repository
stage_database || bail_out 'no accounts'
stage_server production && stage_server standby || bail_out 'the web servers do not start'

# ---------------------------------------------------------------- keys, and who may do what with them
agent_keys
for host in production standby; do ssh-keygen -q -t ed25519 -N '' -C "keeper of $host" -f "$tmp/ssh/keeper-$host"; done
mkdir -p "$tmp/database/state" "$tmp/controller"
# Such that a loaded machine loses no lease; FAST=1 measures what an idle one can do.
lease='lease_self = 1500ms lease_take = 1700ms' probe='interval = 200ms timeout = 1s'
[[ -z ${FAST:-} ]] || lease='lease_self = 200ms lease_take = 250ms' probe='interval = 50ms timeout = 80ms'
limits="limits { drain = 1s hold_down = 1s flips = 50 $lease }"
check="check \"health\" { url = \"http://www.example.org/portal/health\" expect = \"well\" $probe failures = 2 }"
stage_ssh "$tmp/ssh/config" "$tmp/ssh/controller"
stage_config "$tmp/site.conf" "ssh_config = \"$tmp/ssh/config\"" "$check" "$limits" 'on_tamper { planned = heal failover = refuse }'
for host in production standby; do
        stage_ssh "$tmp/ssh/config-$host" "$tmp/ssh/keeper-$host"
        stage_config "$tmp/keeper-$host.conf" "ssh_config = \"$tmp/ssh/config-$host\"" "$check" "$limits"
done
us check --config "$tmp/site.conf" --offline
is 'the configuration is good' "$status" 0
[[ $status -eq 0 ]] || output_diag
authorize() { "$UNDERSTUDY" agent --config "$tmp/site.conf" --server "$1" --state "$tmp/$1/state" --authorize "$2" "${@:3}"; }
sshd_lines=()
for host in production standby; do
        stage_sshd "$host" "$(authorize "$host" "$tmp/ssh/controller.pub")"
        sshd_lines+=("$(authorize database "$tmp/ssh/keeper-$host.pub" --for "$host")")
done
like "a keeper's key may ask for a lease only" "${sshd_lines[0]}" ' --for production'
stage_sshd database "$(authorize database "$tmp/ssh/controller.pub")" "${sshd_lines[@]}"

# ---------------------------------------------------------------- helpers
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

keeper()
{
        lab_in "$1" "$UNDERSTUDY" keeper --config "$tmp/keeper-$1.conf" --server "$1" --state "$tmp/$1/state" >>"$tmp/keeper-$1.log" 2>&1 </dev/null &
}
controller()
{
        : >"$tmp/controller.log"
        nsenter --net=/run/netns/database "$UNDERSTUDY" controller --config "$tmp/site.conf" --state "$tmp/controller" >>"$tmp/controller.log" 2>&1 </dev/null &
        controller=$!
        wait_for 30 said '^ready'
}
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
visit()
{
        rm -f "$tmp/stop"
        "$source_folder/tests/support/gap.pl" "$service" /portal/health "$tmp/stop" >"$tmp/visits" 2>&1 &
        visitor=$!
        wait_for 10 test -s "$tmp/visits"
        sleep 0.3
}
# gap: the longest time between two pages that were well, in ms; nobody got any by two servers in turn
gap()
{
        sleep 0.3
        : >"$tmp/stop"
        wait "$visitor"
        awk '$2 == 200 { if (n++ && $1 - last > most) most = $1 - last; last = $1 } END { print most + 0 }' "$tmp/visits"
}
changes() { awk '$3 != "-" && $3 != last { last = $3; printf "%s ", last }' "$tmp/visits"; }
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

# ---------------------------------------------------------------- leases
for host in database production standby; do wait_for 40 reach "$host" || bail_out "no agent on $host: $(output)$(errors)"; done
by_hand fence begin production
is 'the fence is begun' "$status" 0
like 'and production is in' "$(output)" 'production +in'
keeper production
keeper standby
ok 'the keeper of production takes the address' wait_for 30 is_served_by production
ok 'that of the stand-by does not' has_not standby
controller

{ kill -KILL "$controller" && wait "$controller"; } 2>/dev/null
sleep 1.2
is 'a controller that is killed takes nobody from the stage' "$(served)" production
controller
sleep 2.5 # the stand-by was asked

# ---------------------------------------------------------------- a power cut
visit
cut_power production
ok 'a power cut: the stand-by is on stage' wait_for 40 is_served_by standby
power_gap=$(gap)
diag "power cut: gap $power_gap ms; visits by: $(changes)"
sed 's/^/#   /' "$tmp/controller.log" >&"$tap"
ok 'within ten times what these leases allow' test "$power_gap" -lt 20000
is 'the database has shut production out' "$(place production)" out
is 'and let the stand-by in' "$(place standby)" in
is 'the journal has the failover to its end' \
        "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "move_ended") | .outcome')" 'done'
is 'the fence came before the address' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json |
        jq -r 'select(.kind == "step_done") | .step' | grep -E '^(fence|admit|address)$' | tr '\n' ' ')" 'fence admit address '
boot production
sleep 1
ok 'when it is back it has not the address' has_not production
not_ok 'and cannot write to the database' may_write production
is 'visitors stay where they are' "$(served)" standby
run lab_in database "$UNDERSTUDY" status --config "$tmp/site.conf" --json
is 'status of the site: would not go further by itself' "$status" 1
json_is 'and says who is on stage and why' '.stage + " " + .failover.why' 'standby not-home'
json_is 'who may write' '[.servers[] | .server + " " + .database.place] | join(", ")' 'production out, standby in'
home 'a power cut'

by_hand status --json
is 'status of the site: all is ready' "$status" 0
json_is 'and who keeps what' '[.servers[] | .server + " " + .address + " " + (.keeper | tostring)] | join(", ")' \
        'production here true, standby nowhere true'

# ---------------------------------------------------------------- the web server dies, its machine does not
visit
for pid in $(ip netns pids production); do [[ $(cat "/proc/$pid/comm") != nginx ]] || kill -KILL "$pid"; done
ok 'a web server that is killed: the stand-by is on stage' wait_for 40 is_served_by standby
web_gap=$(gap)
diag "web server killed: gap $web_gap ms; visits by: $(changes)"
ok 'within ten times what these leases allow' test "$web_gap" -lt 20000
ok 'the old one has let go of the address' has_not production
not_ok 'and cannot write to the database' may_write production
lab_in production nginx -c "$tmp/production/nginx.conf" -e "$tmp/production/nginx.log" >"$tmp/production/nginx.out" 2>&1 </dev/null &
wait_for 10 lab_in production curl -fsS -o "$tmp/front" http://127.0.0.1/css/site.css 2>/dev/null
home 'the death of a web server'

# ---------------------------------------------------------------- a heartbeat is lost, but nobody died
visit
lab_in production nft -f - <<'END'
table inet cut {
        chain in { type filter hook prerouting priority -400; ip saddr { 192.0.2.10, 192.0.2.78 } drop; }
        chain out { type filter hook output priority -400; ip daddr { 192.0.2.10, 192.0.2.78 } drop; }
}
END
ok 'cut off from the others: the stand-by is on stage' wait_for 40 is_served_by standby
cut_gap=$(gap)
diag "heartbeat lost: gap $cut_gap ms; visits by: $(changes)"
ok 'production, which nobody could tell, has dropped the address by itself' has_not production
is 'visitors went from the one to the other, once' "$(changes)" 'production standby '
lab_in production nft delete table inet cut
ok 'it stays away when it hears again' has_not production
not_ok 'and cannot write to the database' may_write production
wait_for 40 reach production
home 'a lost heartbeat'

# ---------------------------------------------------------------- a stand-by that is not genuine
echo '<script src="http://malware.invalid/x.js"></script>' >"$tmp/standby/www/site/index.html"
run lab_in standby "$UNDERSTUDY" verify "$tmp/standby/www/site" --pub "$pub" --state "$tmp/standby/state"
sleep 2
cut_power production
ok 'a tampered stand-by is refused' wait_for 30 said 'not equal to its release'
sleep 0.5
ok 'and is not on stage' has_not standby
is 'nor in at the database' "$(place standby)" out
run lab_in standby "$UNDERSTUDY" pull "$tmp/standby/www/site" --repo "$repo" --pub "$pub" --state "$tmp/standby/state"
ok 'when it has been pulled it is' wait_for 40 is_served_by standby
done_testing
