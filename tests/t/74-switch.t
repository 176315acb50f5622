#!/bin/bash
# The planned switch by address and the return, on real servers: nginx with a portal that writes to PostgreSQL, sshd with
# agents, a visitor who opens a new page all the time. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nft psql jq nginx ssh ssh-keygen curl
        lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/agent_driver
stage_network || bail_out 'no network'
make_site "$tmp/src"
make_repository
stage_database || bail_out 'no accounts'
stage_server production && stage_server standby || bail_out 'the web servers do not start'

cat >"$tmp/site.conf" <<END
site = test
ssh_config = "$tmp/ssh/config"
server "production" {
        role = production
        ssh = "production"
        addresses = {192.0.2.77}
        interface = eth0
        roots = {"docroot=$tmp/production/www/site"}
}
server "standby" {
        role = standby
        ssh = "standby"
        addresses = {192.0.2.78}
        interface = eth0
        roots = {"docroot=$tmp/standby/www/site"}
}
server "database" {
        role = database
        ssh = "database"
        addresses = {192.0.2.10}
}
move { planned = address failover = address }
service {
        addresses = {"$service/24"}
        ports = {80}
}
database {
        kind = postgresql
        host = database
        port = 5432
        connection = "host=/run/postgresql-database user=postgres dbname=postgres"
        hba_file = "$LAB_FOLDER/postgres-database/data/pg_hba.conf"
}
check "health" {
        url = "http://www.example.org/portal/health"
        expect = "well"
        timeout = 2s
}
limits { drain = 5s }
repository {
        url = "$repo"
        pub = "$pub"
}
END
site=$(sed -n 's/.*"site": *"\([^"]*\)".*/\1/p' "$repo/releases/1/release.json")
sed -i "1s/.*/site = $site/" "$tmp/site.conf"
us check --config "$tmp/site.conf" --offline
is 'the configuration is good' "$status" 0
[[ $status -eq 0 ]] || output_diag

agent_keys
for host in production standby database; do
        mkdir -p "$tmp/$host/state"
        us agent --config "$tmp/site.conf" --server "$host" --state "$tmp/$host/state" --authorize "$tmp/ssh/controller.pub"
        agent_host "$host" "$(output)"
        sed -i "/^Host $host\$/,/HostKeyAlias/s|ProxyCommand |ProxyCommand $(command -v nsenter) --net=/run/netns/$host |" "$tmp/ssh/config"
done
drive() { run "$driver" "$1" "$1" "$tmp/ssh/config" "$2" "${3:-}" 20000 1; }
drive database fence '{"action":"begin","server":"production"}'
like 'the fence is begun: production is in' "$(output)" '^ok'
drive production address '{"action":"take"}'
like 'production has the address' "$(output)" '^ok'

# ---------------------------------------------------------------- a visitor, who begins a new connection each time
visit()
{
        while [[ ! -e $tmp/stop ]]; do
                curl -sS -m 2 -o "$tmp/visit" -w '%{http_code} %header{x-served-by}\n' "http://$service/portal/health" 2>/dev/null || echo "000 -"
                sleep 0.005
        done >"$tmp/visits"
}
served() { curl -sS -m 2 -o /dev/null -w '%header{x-served-by}' "http://$service/"; }
lost() { grep -vc '^200 ' "$tmp/visits"; }
is 'visitors are served by production' "$(served)" production
switch() { us "$@" --config "$tmp/site.conf" --state "$tmp/controller"; }
mkdir -p "$tmp/controller"
place() { drive database fence-look && sed 's/^ok //' "$tmp/stdout" | jq -r ".members[] | select(.server == \"$1\") | .place"; }

status_is 0 'the plan' switch switch standby --plan
like 'says what changes' "$(output)" "$service goes from production to standby"
is 'and changes nothing' "$(served)" production
visit & visitor=$!
wait_for 10 test -s "$tmp/visits"
switch switch standby
is 'the switch is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
sleep 0.3
: >"$tmp/stop"
wait "$visitor"
diag "switch: $(wc -l <"$tmp/visits") visits, $(lost) failed"
is 'visitors are served by the stand-by' "$(served)" standby
is 'the database has shut production out' "$(place production)" out
is 'and let the stand-by in' "$(place standby)" in
ok 'at most one visit failed' test "$(lost)" -le 1
not_ok 'production cannot reach the database' lab_in production curl -fsS -m 5 -o "$tmp/health" http://127.0.0.1/portal/health
is 'the journal has it to its end' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "move_ended") | .outcome')" 'done'

rm "$tmp/stop"
visit & visitor=$!
switch return
is 'the return is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
: >"$tmp/stop"
wait "$visitor"
diag "return: $(wc -l <"$tmp/visits") visits, $(lost) failed"
is 'visitors are served by production again' "$(served)" production
ok 'at most one visit failed on the way back' test "$(lost)" -le 1

# ---------------------------------------------------------------- a rule of the register that is broken in the middle of a move
intents() { "$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | grep -c '"step_intent"'; }
before=$(intents)
began() { [[ $(intents) -gt $before ]]; }
web_of_standby() { for pid in $(ip netns pids standby); do [[ $(cat "/proc/$pid/comm") != nginx ]] || kill "-$1" "$pid"; done; }
web_of_standby STOP # so that it cannot get beyond its probe
"$UNDERSTUDY" switch standby --config "$tmp/site.conf" --state "$tmp/controller" >/dev/null 2>&1 &
moving=$!
cleanup_process "$moving"
ok 'a switch has begun' wait_for 20 began
kill -KILL "$moving"
wait "$moving" 2>/dev/null
web_of_standby CONT
us fleet add production --role production --state "$tmp/controller"
switch switch --resume
is 'it does not go on to a server that the register does not know' "$status" 4
like 'which is said, and what to do' "$(errors)" 'undo.*standby is not in the register'
status_is 1 'but it is undone' switch switch --undo
is 'and production is on stage' "$(served)" production
rm -r "$tmp/controller/fleet"

# ---------------------------------------------------------------- a stand-by that rests powered off
# Off: nobody answers there. What starts it needs some time, as a machine does; when it answers it is not kept waiting.
sed "/role = standby/a standby_rest = powered_off web_start = true web_stop = true power_on = \"echo on >>$tmp/power; setsid -f sh -c 'sleep 11; touch $tmp/standby.on' >/dev/null 2>&1; sleep 0.5\"" \
        "$tmp/site.conf" >"$tmp/off.conf"
off() { us "$@" --config "$tmp/off.conf" --state "$tmp/controller"; }
cp "$tmp/ssh/config" "$tmp/ssh/config.on"
sed -i "/^Host standby\$/,/HostKeyAlias/s|ProxyCommand \(.*\)|ProxyCommand sh -c 'test -e $tmp/standby.on \&\& { test ! -e $tmp/asked \&\& touch $tmp/asked; exec \1; }'|" "$tmp/ssh/config"
off switch standby --plan
like 'the plan of a move to one that is powered off says so' "$(output)" 'standby is started where it is powered off'
like 'and that it could not be asked' "$(output)" 'powered off now'
not_ok 'and starts nothing' test -e "$tmp/power"
off switch standby
is 'the switch starts it and is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
is 'by the command, once' "$(cat "$tmp/power")" on
ok 'and asks it soon after it is there' test "$(($(stat -c %Y "$tmp/asked") - $(stat -c %Y "$tmp/standby.on")))" -le 3
is 'visitors are served by it' "$(served)" standby
off return
is 'and the return is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
rm "$tmp/standby.on"
sed -i 's/power_on = "[^"]*"/power_on = "echo no wire >\&2; exit 3"/' "$tmp/off.conf"
off switch standby
is 'a stand-by that cannot be started ends the move' "$status" 1
like 'with what the command said' "$(errors)" 'ended in 3: no wire'
is 'and production is on stage' "$(served)" production
cp "$tmp/ssh/config.on" "$tmp/ssh/config"

# ---------------------------------------------------------------- what must not go on stage
echo '<script src="http://malware.invalid/x.js"></script>' >"$tmp/standby/www/site/index.html"
sed -i 's/^limits/on_tamper { planned = refuse failover = refuse }\nlimits/' "$tmp/site.conf"
switch switch standby
is 'a tampered stand-by is refused, and the move undone' "$status" 1
like 'which is said' "$(errors)" 'standby is not equal to its release'
is 'production stays on stage' "$(served)" production
is 'and in at the database' "$(place production)" in
is 'the stand-by out' "$(place standby)" out
done_testing
