#!/bin/bash
# Shutting a server out of a real MariaDB: what ACCOUNT LOCK alone leaves open is shown first, then each hole is tried
# against the fence, every step is killed once, and nobody is let in beside one that is not proven out. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces mariadb agent
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nft mariadbd mariadb mariadb-install-db perl jq ssh ssh-keygen sshd
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
                tcp dport 3306 accept
                icmp type echo-request accept
        }
}
END_NFT
lab_mariadb database 192.0.2.10 --skip-name-resolve || bail_out 'no MariaDB'
sql() { lab_mariadb_sql database "$1" app; }
# An account of the very address, one of a pattern that has both servers, one of everybody; and one that is locked by its
# administrator, which must stay so.
lab_mariadb_sql database "
create database app;
create table app.page (id int, who varchar(20)) engine=innodb;
create user app@'192.0.2.77' identified by 'secret', app@'192.0.2.%' identified by 'secret', report@'%' identified by 'secret';
create user retired@'192.0.2.77' identified by 'secret' account lock;
create user 'o''brien'@'192.0.2.77' identified by 'secret';
grant all on app.* to app@'192.0.2.77', app@'192.0.2.%', report@'%';
grant reload on *.* to app@'192.0.2.77'" || bail_out 'no accounts'
state=$tmp/fence
mkdir -m 0700 "$state"

# fence ARGUMENTS...
fence()
{
        lab_in database "$driver" fence "$state" 'mariadb:socket=/run/mariadb-database/socket user=root' 192.0.2.10 3306 \
                production=192.0.2.77 standby=192.0.2.78 -- "$@"
}
# client HOST [USER]: as the application does it
client() { lab_in "$1" timeout 30 mariadb --no-defaults -N -B -h 192.0.2.10 -u "${2:-app}" -psecret --connect-timeout=5 app; }
by() { client "$1" <<<"$2" 2>&1; }
may() { client "$1" "${2:-app}" <<<'select 1' >"$tmp/may" 2>&1; }
rows() { sql "select count(*) from page where who = '$1'"; }
counts() { [[ $(sql "$1") == "$2" ]]; }
place() { fence look >"$tmp/look" && jq -r ".servers.$1.place" "$tmp/look"; }
accounts() { lab_mariadb_sql database "select concat(user, '@', host, if(json_value(priv, '\$.account_locked'), ' locked', '')) from global_priv where host like '%2.%' or host = '%' order by 1" | paste -sd,; }
begun=$(accounts)

# ---------------------------------------------------------------- what a lock alone is worth

# One who says who he is, is asked for his password, and gives it when the file $go is there: the protocol by hand.
cat >"$tmp/stalled.pl" <<'END_PERL'
use strict; use warnings; use IO::Socket::INET; use Digest::SHA 'sha1';
my ($go, $ready, $who) = @ARGV;
$SIG{PIPE} = 'IGNORE';
alarm 60;
my $s = IO::Socket::INET->new(PeerAddr => '192.0.2.10', PeerPort => 3306) or die "cannot connect: $!";
sub packet { my $n = $s->sysread(my $head, 4); return '' unless $n && $n == 4;
        my $length = unpack('V', substr($head, 0, 3) . "\0"); $s->sysread(my $body, $length); return $body // ''; }
sub put { my ($number, $body) = @_; $s->syswrite(substr(pack('V', length $body), 0, 3) . chr($number) . $body); }
packet();
# A way to authenticate that the server does not know: it asks for the account's own, which it has looked up by now.
put(1, pack('VVC', 0x8a209, 1 << 24, 33) . "\0" x 23 . "app\0" . "\0" . "app\0" . "no_such_way\0");
my $asked = packet();
print "asked\n" if $asked =~ /^\xfemysql_native_password\0(.{20})/s;
my $salt = $1 // '';
open(my $r, '>', $ready) or die;
close $r;
select(undef, undef, undef, 0.01) until -e $go;
put(3, sha1('secret') ^ sha1($salt . sha1(sha1('secret'))));
my $answer = packet();
if ($answer =~ /^\0/) {
        print "entered\n";
        put(0, "\x03insert into page values (1, '$who')");
        packet();
} else { print "shut out\n"; }
END_PERL

# stalled NAME PID-VARIABLE: in the background, until $tmp/NAME.go is there
stalled()
{
        lab_in production perl "$tmp/stalled.pl" "$tmp/$1.go" "$tmp/$1.ready" "$1" >"$tmp/$1" 2>&1 &
        stalled_pid=$!
        wait_for 20 test -e "$tmp/$1.ready"
}
# session NAME: one that reads from descriptor 7
session()
{
        mkfifo "$tmp/$1.pipe"
        lab_in production mariadb --no-defaults -N -B -n -h 192.0.2.10 -u app -psecret app <"$tmp/$1.pipe" >"$tmp/$1" 2>&1 &
        session_pid=$!
        exec 7>"$tmp/$1.pipe"
        echo 'select 1;' >&7
        wait_for 20 grep -qx 1 "$tmp/$1"
}

ok 'a session' session alone
ok 'one that is asked for its password' stalled control
lab_mariadb_sql database "alter user app@'192.0.2.77' account lock"
not_ok 'a locked account lets nobody in' may production
echo "insert into page values (1, 'alone');" >&7
ok 'but the session that outlives its lock writes' wait_for 10 counts "select count(*) from page where who = 'alone'" 1
touch "$tmp/control.go"
wait "$stalled_pid"
is 'and one who said his name before enters after' "$(paste -sd' ' "$tmp/control")" 'asked entered'
exec 7>&-
wait "$session_pid"
lab_mariadb_sql database "alter user app@'192.0.2.77' account unlock"
sql 'truncate page'

# ---------------------------------------------------------------- begun

status_is 3 'nothing works before the fence is begun' fence look
status_is 0 'begun: production is on stage' fence begin production
ok 'production is admitted' may production
ok 'by the account of everybody, too' may production report
not_ok 'the standby is not' may standby
not_ok 'by none' may standby report
status_is 0 'looked at' fence look
json_is 'as the state says' '[.epoch, .holder, .filter, .servers.production.place, .servers.standby.place] | join(" ")' \
        '1 production true in out'
like 'one account for the standby, without a name' "$(accounts)" '^@192.0.2.78 locked,'
is 'and nothing else is touched' "$(accounts | sed 's/^@192.0.2.78 locked,//')" "$begun"

# ---------------------------------------------------------------- the holes

status_is 0 'a person claims a move' fence claim 1 2 standby planned
ok 'a stalled connection is there' stalled stalled
ok 'a transaction in flight' session transaction
echo "begin; insert into page values (1, 'transaction'); select 'in flight';" >&7
# A statement that is being worked at and would commit by itself.
by production "insert into page select 1, 'statement' from (select sleep(6)) as slow" >"$tmp/statement" &
statement=$!
ok 'which has written' wait_for 10 grep -q 'in flight' "$tmp/transaction"
ok 'and a statement' wait_for 10 counts \
        "select count(*) from information_schema.processlist where host like '192.0.2.77:%' and state = 'User sleep'" 1
status_is 0 'looked at' fence look
json_is 'all three are seen' '.servers.production | [.sockets, .sessions] | join(" ")' '3 3'
status_is 0 'production is shut out' fence shut 2 production
diag "shut out and proven in $(json .ms) ms"
json_is 'sockets, sessions and processes: nothing is left' '.left | [.sockets, .sessions, .holders] | join(" ")' '0 0 0'
ok 'three connections were ended' test "$(json .ended.sockets)" -ge 3
touch "$tmp/stalled.go"
echo 'commit;' >&7
exec 7>&-
wait "$stalled_pid" "$session_pid" "$statement"
is 'the stalled one was asked for its password before, and is shut out' "$(paste -sd' ' "$tmp/stalled")" 'asked shut out'
is 'nothing of them is in the table' "$(rows stalled) $(rows transaction) $(rows statement)" '0 0 0'
not_ok 'a new connection is refused' may production
is 'production is out' "$(place production)" out
ok 'the standby is let in now' fence admit 2 standby
ok 'and works, by the account that both had' may standby
ok 'and by the one of everybody' may standby report

# Each of the two fences alone says no.
lab_in database nft delete table inet understudy_fence
not_ok 'without the packet filter the account of its address is locked' may production
like 'in words of the server' "$(cat "$tmp/may")" 'ERROR 4151 .*account is locked'
not_ok 'and the one of everybody is not reached' may production report
like 'although it is open' "$(cat "$tmp/may")" 'ERROR 1045 .*Access denied'
not_ok 'nor is one made since' eval 'lab_mariadb_sql database "create user late@\"%\" identified by \"secret\"" && may production late'
lab_mariadb_sql database "drop user late@'%'"
lab_mariadb_sql database "update global_priv set priv = json_set(priv, '\$.account_locked', false) where user = 'app' and host = '192.0.2.77'; flush privileges"
ok 'one that somebody unlocks is open' may production
ok 'until what the state says is put in force' fence restore
not_ok 'then it is locked again' may production
lab_in database nft delete table inet understudy_fence
not_ok 'not by the filter alone' may production
like 'but by the server' "$(cat "$tmp/may")" 'account is locked'
ok 'all of it' fence restore
fence look >"$tmp/stdout"
json_is 'is in force' .filter true

# ---------------------------------------------------------------- the way back

status_is 0 'a person claims the return' fence claim 2 3 production planned
status_is 0 'both are in' fence admit 3 production overlap
ok 'production works again' may production
not_ok 'but not by the account that its administrator had locked' may production retired
is 'all accounts are as they were' "$(accounts)" "$begun"
status_is 0 'the standby is shut out' fence shut 3 standby
not_ok 'it is' may standby
ok 'production goes on' may production

# A session that holds a lock on all tables would keep the accounts from being changed.
by production 'flush tables with read lock; select sleep(20)' >"$tmp/holds" &
holds=$!
ok 'a session holds the tables' wait_for 10 counts \
        "select count(*) from information_schema.processlist where host like '192.0.2.77:%' and state = 'User sleep'" 1
status_is 0 'it is shut out with the others' fence shut 3 production
wait "$holds"

# ---------------------------------------------------------------- killed at each step

for step in 0 1 2 3 4 5 6; do
        fence admit 3 production overlap 2>"$tmp/stderr" || fail "step $step: production is let in again"
        ok "step $step: a session" session "step$step"
        run fence shut 3 production "die=$step"
        is "step $step: killed" "$status" 137
        if [[ $step -ge 1 ]]; then
                isnt "step $step: not said to be in" "$(place production)" in
                status_is 4 "step $step: nobody is let in beside it" fence admit 3 standby overlap
        fi
        if [[ $((step % 2)) -eq 0 ]]; then
                status_is 0 "step $step: the same call finishes it" fence shut 3 production
        else
                status_is 0 "step $step: so does a restart" fence restore
        fi
        echo "insert into page values (1, 'step$step');" >&7
        exec 7>&-
        wait "$session_pid"
        is "step $step: proven" "$(place production)" out
        is "step $step: nothing was written after it" "$(rows "step$step")" 0
        not_ok "step $step: out" may production
done
ok 'undone: let in again' fence admit 3 production overlap
ok 'it works' may production

# ---------------------------------------------------------------- what cannot be fenced, and a server that hangs

lab_mariadb_sql database "create user mask@'192.0.2.0/255.255.255.0' identified by 'secret'"
status_is 0 'what the accounts cannot shut out' fence remarks
like 'is told' "$(output)" "'mask'@'192.0.2.0/255.255.255.0' lets production in by a netmask"
lab_mariadb_sql database "drop user mask@'192.0.2.0/255.255.255.0'"
status_is 0 'nothing' fence remarks
is 'otherwise' "$(output)" ''

server=$(cat "$LAB_FOLDER/mariadb-database/pid")
kill -STOP "$server"
status_is 3 'a server that hangs is no proof' fence shut 3 production
like 'and says so' "$(errors)" 'database server'
kill -CONT "$server"
is 'production is not called out' "$(place production)" closing
ok 'it goes on when it answers again' fence shut 3 production
mv "$state/accounts.json" "$tmp/accounts.json"
echo '{' >"$state/accounts.json"
status_is 3 'it is not known which accounts are ours' fence admit 3 production overlap
like 'and says so' "$(errors)" 'accounts.json .* damaged'
mv "$tmp/accounts.json" "$state/accounts.json"
ok 'put back, it is' fence admit 3 production overlap
is 'all accounts are as they were, but for the standby' "$(accounts | sed 's/^@192.0.2.78 locked,//')" "$begun"

: >"$tmp/times"
for _ in 1 2 3 4 5 6 7; do
        run fence shut 3 production
        json .ms >>"$tmp/times"
        run fence admit 3 production overlap
done
diag "shut out and proven, nothing in flight: $(sort -n "$tmp/times" | tr '\n' ' ')ms"
is 'each time' "$(grep -c '^[0-9]' "$tmp/times")" 7

# ---------------------------------------------------------------- by the agent of the database's host, as a switch does it

agent_keys && mkdir "$tmp/database"
cat >"$tmp/site.conf" <<END
site = example
ssh_config = "$tmp/ssh/config"
server "production" { role = production ssh = production addresses = {192.0.2.77} interface = eth0 roots = {"docroot=$tmp/www"} }
server "standby" { role = standby ssh = standby addresses = {192.0.2.78} interface = eth0 roots = {"docroot=$tmp/www"} }
server "database" { role = database ssh = database addresses = {192.0.2.10} }
service { addresses = {"192.0.2.80/24"} }
check "front" { url = "http://www.example.org/" }
database {
        kind = mariadb
        host = database
        connection = "socket=/run/mariadb-database/socket user=root"
}
repository {
        url = "$tmp/repository"
        pub = "$tmp/release.pub"
}
END
us agent --config "$tmp/site.conf" --server database --state "$tmp/database" --authorize "$tmp/ssh/controller.pub"
agent_host database "$(output)"
us_fence() { lab_in database "$UNDERSTUDY" fence "$@" --config "$tmp/site.conf"; }
ask() { run lab_in database "$build_folder/tests/support/agent_driver" database database "$tmp/ssh/config" "$1" '' 60000 1; sed -i 's/^ok //' "$tmp/stdout"; }
fence admit 3 standby overlap
status_is 0 'begun by the configuration' us_fence begin production
status_is 0 'shown' us_fence show
like 'who is in' "$(output)" 'production +in'
ok 'production is' may production
lab_in database nft delete table inet understudy_fence
not_ok 'the standby is not, by its accounts' may standby
lab_mariadb_sql database "create user mask@'192.0.2.0/255.255.255.0' identified by 'secret'"
run lab_in database "$UNDERSTUDY" check --config "$tmp/site.conf"
like 'the check says that the database can be asked' "$(output)" 'the fence can ask MariaDB who is connected'
like 'and what cannot be shut out' "$(output)" "'mask'@'192.0.2.0/255.255.255.0' lets standby in by a netmask"
# (No package of this machine is verified: it takes minutes.)
mkdir -p "$tmp/dpkg/info" "$tmp/dpkg/updates" && : >"$tmp/dpkg/status" && mount --bind "$tmp/dpkg" /var/lib/dpkg
ask inventory
json_is 'the register hears whom the database lets in' \
        '[.names[] | select(.source == "database") | .where + " " + .address] | sort | join(", ")' \
        "'app'@'192.0.2.%' 192.0.2.0/24, 'app'@'192.0.2.77' 192.0.2.77, 'mask'@'192.0.2.0/255.255.255.0' 192.0.2.0/24, \
'o'brien'@'192.0.2.77' 192.0.2.77, 'report'@'%' 0.0.0.0/0"
unlike 'not whom it does not' "$(output)" 'retired'

lab_mariadb_stop database
lab_mariadb_start database 192.0.2.10 || bail_out 'no MariaDB'
status_is 2 'one that asks DNS who connects cannot be fenced' fence shut 3 production
like 'and what to write' "$(errors)" 'skip_name_resolve = ON'
run lab_in database "$UNDERSTUDY" check --config "$tmp/site.conf"
like 'which the check says before' "$(output)" 'skip_name_resolve = ON'
lab_mariadb_stop database
done_testing
