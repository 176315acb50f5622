#!/bin/bash
# Shutting a server out of a real PostgreSQL: each hole that was demonstrated is tried, every step is killed once, and
# nobody is let in beside one that is not proven out. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nft psql perl jq strace
        lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/traffic_driver
lab_network && lab_host database 192.0.2.10 && lab_host production 192.0.2.77 && lab_host standby 192.0.2.78 ||
        bail_out 'no network'
# What an administrator has: everything that is established passes, then the port.
lab_in database nft -f - <<'END_NFT' || skip_all 'no nftables'
table inet admin {
        chain input {
                type filter hook input priority 0; policy drop;
                iif lo accept
                ct state established,related accept
                tcp dport 5432 accept
                icmp type echo-request accept
        }
}
END_NFT
lab_postgres database 192.0.2.10 <<'END_HBA' || bail_out 'no PostgreSQL'
# the administrator's own
local   all all peer
host    app app 192.0.2.0/24 password
host    all probe 192.0.2.0/24 trust
END_HBA
lab_postgres_sql database "create user app password 'secret'" &&
        lab_postgres_sql database 'create database app owner app' &&
        lab_postgres_sql database 'create table page (id int, who text)' app &&
        lab_postgres_sql database 'grant all on page to app' app || bail_out 'no database'
hba=$LAB_FOLDER/postgres-database/data/pg_hba.conf
cp -p "$hba" "$tmp/hba"
hba_before=$(stat -c '%U %a' "$hba")
state=$tmp/fence
mkdir -m 0700 "$state"

# fence ARGUMENTS...
under=() # a program that runs it
fence()
{
        lab_in database "${under[@]}" "$driver" fence "$state" 'host=/run/postgresql-database user=postgres dbname=postgres' 192.0.2.10 5432 \
                production=192.0.2.77 standby=192.0.2.78 -- "$@"
}
# by HOST SQL: as the application does it
by()
{
        lab_in "$1" timeout 20 env PGPASSWORD=secret PGCONNECT_TIMEOUT=5 \
                psql -X -q -A -t -h 192.0.2.10 -U app -d app -c "$2" 2>&1
}
may() { by "$1" 'select 1' >"$tmp/may" 2>&1; }
rows() { lab_postgres_sql database "select count(*) from page where who = '$1'" app; }
counts() { [[ $(lab_postgres_sql database "$1" app) == "$2" ]]; }
place() { fence look >"$tmp/look" && jq -r ".servers.$1.place" "$tmp/look"; }
outside() { sed '/^# BEGIN understudy/,/^# END understudy/d' "$hba"; }

status_is 3 'nothing works before the fence is begun' fence look
like 'and says how to begin' "$(errors)" 'never begun'
status_is 0 'begun: production is on stage' fence begin production
status_is 3 'only once' fence begin standby
ok 'production is admitted' may production
not_ok 'the standby is not' may standby
status_is 0 'looked at' fence look
json_is 'as the state says' '[.epoch, .holder, .filter, .servers.production.place, .servers.standby.place] | join(" ")' \
        '1 production true in out'
is 'the rules keep their owner and mode' "$(stat -c '%U %a' "$hba")" "$hba_before"
is 'and all that the administrator wrote' "$(outside)" "$(cat "$tmp/hba")"

# ---------------------------------------------------------------- who may do what

status_is 4 'a claim that saw an older epoch' fence claim 0 2 standby
status_is 4 'an act in the name of another epoch' fence shut 2 production
status_is 4 'the standby is not let in beside production' fence admit 1 standby
like 'and says who is in the way' "$(errors)" 'production is in'
status_is 2 'an unknown server' fence shut 1 elsewhere
status_is 0 'a failover is claimed' fence claim 1 2 standby
status_is 4 'the old epoch may not act any more' fence admit 1 standby
status_is 4 'nor flip back at once' fence claim 2 3 production
like 'hold-down' "$(errors)" 'hold-down'
status_is 0 'a person may' fence claim 2 3 standby planned

# ---------------------------------------------------------------- the holes

# A connection that was opened before and authenticates after: the protocol by hand. It says what became of it.
cat >"$tmp/stalled.pl" <<'END_PERL'
use strict; use warnings; use IO::Socket::INET;
my ($go, $ready, $who) = @ARGV;
$SIG{PIPE} = 'IGNORE';
alarm 30;
my $s = IO::Socket::INET->new(PeerAddr => '192.0.2.10', PeerPort => 5432) or die "cannot connect: $!";
my $start = pack('N', 196608) . "user\0app\0database\0app\0\0";
$s->syswrite(pack('N', 4 + length $start) . $start);
$s->sysread(my $asked, 100);
print "asked\n" if $asked =~ /^R/;
open(my $r, '>', $ready) or die;
close $r;
select(undef, undef, undef, 0.01) until -e $go;
my $password = "secret\0";
my $sql = "insert into page values (1, '$who')\0";
my $sent = $s->syswrite('p' . pack('N', 4 + length $password) . $password . 'Q' . pack('N', 4 + length $sql) . $sql);
my $n = $s->sysread(my $answer, 1000);
print defined $n && $n > 0 ? "answered " . substr($answer, 0, 1) . "\n" : "shut out\n";
END_PERL
lab_in production perl "$tmp/stalled.pl" "$tmp/go" "$tmp/stalled.ready" stalled >"$tmp/stalled" 2>&1 &
stalled=$!
# The same, with the password and a query sent already and waiting in the server's receive buffer: the process that should
# read them is stopped for that long.
lab_in production perl "$tmp/stalled.pl" "$tmp/go.early" "$tmp/early.ready" early >"$tmp/early" 2>&1 &
early=$!
# A transaction in flight.
mkfifo "$tmp/pipe"
lab_in production env PGPASSWORD=secret psql -X -q -h 192.0.2.10 -U app -d app <"$tmp/pipe" >"$tmp/transaction" 2>&1 &
transaction=$!
exec 7>"$tmp/pipe"
echo "begin; insert into page values (1, 'transaction');" >&7
# A statement that is being worked at and would commit by itself.
by production "insert into page select 1, 'statement' from pg_sleep(4)" >"$tmp/statement" &
statement=$!
ok 'a stalled connection is there' wait_for 10 test -e "$tmp/stalled.ready"
ok 'another one' wait_for 10 test -e "$tmp/early.ready"
ok 'a transaction and a statement are in flight' wait_for 10 counts \
        "select count(*) from pg_stat_activity where client_addr = '192.0.2.77' and (state = 'idle in transaction' or wait_event = 'PgSleep')" 2

# The unauthenticated server processes are those that no list of sessions has.
unlisted()
{
        local pid listed
        listed=" $(lab_postgres_sql database "select string_agg(pid::text, ' ') from pg_stat_activity") "
        for pid in $(cat /proc/"$(head -n 1 "$LAB_FOLDER/postgres-database/data/postmaster.pid")"/task/*/children); do
                [[ $listed != *" $pid "* ]] && grep -q authentication "/proc/$pid/cmdline" && echo "$pid"
        done
}
mapfile -t waiting < <(unlisted)
is 'two server processes wait for a password' "${#waiting[@]}" 2
kill -STOP "${waiting[@]}"
touch "$tmp/go.early"
sleep 0.2
# They go on when the new rules are written: sockets are ended, and sessions being ended.
has_rules() { grep -q '^host all,replication all 192.0.2.77/32 reject' "$hba"; }
(wait_for 20 has_rules && sleep 0.2 && kill -CONT "${waiting[@]}") &

status_is 0 'production is shut out' fence shut 3 production
diag "shut out and proven in $(json .ms) ms, with two processes stopped for more than 200 ms of it"
json_is 'sockets, sessions and processes: nothing is left' '.left | [.sockets, .sessions, .holders] | join(" ")' '0 0 0'
ok 'four connections were ended' test "$(json .ended.sockets)" -ge 4
touch "$tmp/go"
echo "commit;" >&7
exec 7>&-
wait $stalled $early $transaction $statement
like 'the stalled connection was asked for a password before' "$(cat "$tmp/stalled")" 'asked'
like 'and is shut out' "$(cat "$tmp/stalled")" 'shut out'
like 'so is the one whose password was in the buffer' "$(cat "$tmp/early")" 'shut out'
isnt 'the transaction was not committed' "$(cat "$tmp/transaction")" ''
is 'nothing of them is in the table' "$(rows stalled) $(rows early) $(rows transaction) $(rows statement)" '0 0 0 0'
not_ok 'a new connection is refused' may production
is 'production is out' "$(place production)" out
ok 'the standby is let in now' fence admit 3 standby
ok 'and works' may standby
not_ok 'production still does not' may production

# Each of the two fences alone says no.
lab_in database nft delete table inet understudy_fence
not_ok 'without the packet filter the rules say no' may production
like 'in words of the server' "$(cat "$tmp/may")" 'pg_hba.conf rejects connection'
fence look >"$tmp/stdout"
json_is 'the missing filter is seen' .filter false
ok 'and put back' fence restore
fence look >"$tmp/stdout"
json_is 'it is there' .filter true
lab_in database nft insert rule inet understudy_fence fence ip saddr 192.0.2.77 accept
fence look >"$tmp/stdout"
json_is 'a rule that somebody put before ours is seen' .filter false
lab_in database nft add table inet understudy_fence '{ flags dormant; }'
ok 'and gone after a restore' fence restore
not_ok 'production is out' may production
like 'by a reset, not by silence' "$(cat "$tmp/may")" 'refused|reset'

# ---------------------------------------------------------------- the way back

status_is 0 'a person claims the return' fence claim 3 4 production planned
status_is 4 'not without saying that both are in for a while' fence admit 4 production
# What is written meanwhile is written by who began, while it connects to the database as another user.
under=(strace -f -qq -o "$tmp/trace" -e "trace=write,fchmod,connect" -e inject=write:delay_exit=1000000 -e inject=connect:delay_enter=300000)
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 status_is 0 'both are in' fence admit 4 production overlap
under=()
like 'the one waited for the other' "$(cat "$tmp/trace")" 'DELAYED'
unlike 'and not refused' "$(cat "$tmp/trace")" EPERM
ok 'production works again' may production
ok 'the standby, too' may standby
status_is 0 'the standby is shut out' fence shut 4 standby
not_ok 'it is' may standby
ok 'production goes on' may production

# ---------------------------------------------------------------- killed at each step

# An established connection whose packets the administrator's rules let through, also when connection tracking has
# forgotten it and takes it up again.
trap '' PIPE
answered() { grep -qx 1 "$tmp/session"; }
for step in 0 1 2 3 4 5 6; do
        fence admit 4 production overlap 2>"$tmp/stderr" || fail "step $step: production is let in again"
        mkfifo "$tmp/pipe.$step"
        lab_in production env PGPASSWORD=secret psql -X -q -A -t -h 192.0.2.10 -U app -d app \
                <"$tmp/pipe.$step" >"$tmp/session" 2>&1 &
        session=$!
        exec 7>"$tmp/pipe.$step"
        echo 'select 1;' >&7
        ok "step $step: a session" wait_for 10 answered
        run fence shut 4 production "die=$step"
        is "step $step: killed" "$status" 137
        if [[ $step -ge 1 ]]; then
                isnt "step $step: not said to be in" "$(place production)" in
                status_is 4 "step $step: nobody is let in beside it" fence admit 4 standby overlap
        fi
        if [[ $step -ge 2 ]]; then
                # Filtered, whatever connection tracking thinks of the session.
                echo "insert into page values (1, 'step$step');" >&7
                not_ok "step $step: no new connection" may production
        fi
        if [[ $((step % 2)) -eq 0 ]]; then
                status_is 0 "step $step: the same call finishes it" fence shut 4 production
        else
                status_is 0 "step $step: so does a restart" fence restore
        fi
        is "step $step: proven" "$(place production)" out
        exec 7>&-
        wait "$session"
        is "step $step: nothing was written after it" "$(rows "step$step")" 0
        not_ok "step $step: out" may production
done
ok 'undone: let in again' fence admit 4 production overlap
ok 'it works' may production

# ---------------------------------------------------------------- rules that cannot be loaded, and a server that hangs

echo 'host all all 192.0.2.0/33 trust' >>"$hba"
status_is 3 'an error in the rules' fence shut 4 production
like 'is told with its line' "$(errors)" 'pg_hba.conf, line [0-9]+: .*invalid'
is 'and production is not called out' "$(place production)" closing
not_ok 'although the filter keeps it out' may production
sed -i '$d' "$hba"
ok 'put right, the same call works' fence shut 4 production

# The loopback network is let in by somebody: the canary turns the other way.
echo 'host all all 127.0.0.0/8 trust' >>"$hba"
lab_postgres_sql database 'select pg_reload_conf()' >"$tmp/reload"
sleep 0.3
ok 'seen in force also then' fence admit 4 production overlap
ok 'it works' may production
like 'by a line that rejects' "$(grep canary "$hba")" 'reject$'

postmaster=$(head -n 1 "$LAB_FOLDER/postgres-database/data/postmaster.pid")
kill -STOP "$postmaster"
status_is 3 'a server that hangs is no proof' fence shut 4 production
like 'and says so' "$(errors)" 'did not answer within'
kill -CONT "$postmaster"
ok 'it goes on when it answers again' fence shut 4 production
is 'one block in the rules, whatever happened' "$(grep -c 'BEGIN understudy' "$hba")" 1
is 'and the administrator wrote the rest' "$(outside | head -n 4)" "$(cat "$tmp/hba")"

echo '{' >"$state/fence.json"
status_is 3 'a damaged state admits nobody' fence admit 4 production
like 'and says so' "$(errors)" 'damaged'

# ---------------------------------------------------------------- how long it takes

rm "$state/fence.json"
lab_postgres_sql database 'truncate page' app
ok 'begun anew' fence begin production
: >"$tmp/times"
for _ in 1 2 3 4 5 6 7; do
        run fence shut 1 production
        json .ms >>"$tmp/times"
        run fence admit 1 production
done
diag "shut out and proven, nothing in flight: $(sort -n "$tmp/times" | tr '\n' ' ')ms"
is 'each time' "$(grep -c '^[0-9]' "$tmp/times")" 7
lab_postgres_stop database
done_testing
