#!/bin/bash
# 89-salts.t - analysis servers and web servers that share the salts of visitors over the control channel: who meets two of
# them is one visitor; a server that is not proven gets none, and its lines wait; a salt is in two files and nowhere else.
. "$(dirname "$0")/lib.sh"
use clickhouse agent
need_root
need jq ip clickhouse-server ssh ssh-keygen perl
[[ -x $(PATH=$PATH:/usr/sbin:/sbin command -v sshd) ]] || skip_all 'sshd is not installed'
driver=$build_folder/tests/support/agent_driver
[[ -x $driver ]] || bail_out "$driver is not built"
clickhouse_network "us-sa-$$" || skip_all 'no network namespaces'
clickhouse_launch an1 8121
clickhouse_launch an2 8122
make_keys "$tmp/keys"
agent_keys
config=$tmp/site.conf
cat >"$config" <<END
site = example
ssh_config = "$tmp/ssh/config"
server "web1" { role = production ssh = "web1" addresses = {127.0.0.1} interface = lo roots = {"docroot=$tmp/www"} }
server "web2" { role = standby ssh = "web2" addresses = {127.0.0.2} interface = lo roots = {"docroot=$tmp/www2"} }
server "db" { role = database ssh = "db" addresses = {127.0.0.5} }
server "an1" { role = analysis ssh = "an1" addresses = {127.0.0.3} interface = lo roots = {"docroot=$tmp/an1/tree"} }
server "an2" { role = analysis ssh = "an2" addresses = {127.0.0.4} interface = lo roots = {"docroot=$tmp/an2/tree"} }
service { addresses = {"192.0.2.10/24"} }
check "front" { url = "http://www.example.org/" }
repository { url = "$tmp/repo" pub = "$tmp/keys/release.pub" }
analyze { clickhouse { database = portal deadline = $((2 * ${TEST_PATIENCE:-1}))s salts = an1
        shard "an1" { url = "http://127.0.0.1:8121/" }
        shard "an2" { url = "http://127.0.0.1:8122/" }
} }
END
status_is 0 'the configuration is good' us check --config "$config" --offline
sed 's/salts = an1/salts = an9/' "$config" >"$tmp/wrong.conf"
us check --config "$tmp/wrong.conf" --offline
is 'salts of a server that is none' "$status" 2
like 'and it is said' "$(errors)$(output)" "salts: there is no server 'an9' with ssh"
declare -A asks=([an2]=an1 [web1]=web [db]=database) # who asks -> what the maker is called there
for name in "${!asks[@]}"; do
        us agent --config "$config" --server an1 --state "$tmp/state1" --for "$name" --authorize "$tmp/ssh/controller.pub"
        agent_host "${asks[$name]}" "$(output)"
done
us agent --config "$config" --server an1 --state "$tmp/state1" --authorize "$tmp/ssh/controller.pub"
agent_host manager "$(output)"
us agent --config "$config" --server an2 --state "$tmp/state2" --for an1 --authorize "$tmp/ssh/controller.pub"
agent_host other "$(output)"
mkdir -p "$tmp/state1" "$tmp/state2"
clickhouse_ready an1 8121 && clickhouse_ready an2 8122 || bail_out 'ClickHouse does not start'
clickhouse_database=portal
usn() { run inside "$UNDERSTUDY" "$@" && return "$status"; }
usn analyze migrate --config "$config" --quiet

# proven I...: those and no other, as `analyze vouch` on them would say it.
proven()
{
        local i
        for i in 1 2; do clickhouse_sql "812$i" 'TRUNCATE TABLE standing'; done
        for i in "$@"; do clickhouse_sql "812$i" "INSERT INTO standing SELECT 'an$i', now(), ''"; done
}
# visit I DAY: ten visitors of server I, always the same ones.
visit()
{
        local i day
        day=$(LC_ALL=C date -u -d "$2" +%d/%b/%Y)
        for i in {1..10}; do
                printf '203.0.113.%d - - [%s:00:00:%02d +0000] "GET /page HTTP/1.1" 200 10 "-" "Firefox"\n' "$i" "$day" "$i" >>"$tmp/access$1.log"
        done
}
follow() { usn analyze --follow "$tmp/access$1.log" --spool "$tmp/spool$1" --config "$config" --state "$tmp/state$1" --server "an$1" --once; }
figures() { usn analyze query --config "$config" --json; jq -c '.rows[0] | [.hits, .visitors]' "$tmp/stdout"; }
today=$(date -u +%F)
drive() { run inside "$driver" "$2" "$1" "$tmp/ssh/config" salt "{\"day\":$(($(date -u +%s) / 86400))}" "$((10000 * ${TEST_PATIENCE:-1}))" 1; }

# ---------------------------------------------------------------- one that is not proven
proven 1
visit 1 "$today"
visit 2 "$today"
follow 2
is 'a server that is not proven gets no salt' "$status" 4
like 'and says so, and that its lines wait' "$(errors)" 'its lines wait: an1: .*an2 is left out: nobody vouches'
not_ok 'nor makes one of its own' test -e "$tmp/spool2/salts"
not_ok 'none was made for it' test -e "$tmp/state1/salts"
drive database an1
like 'a server that has no visitors gets none' "$(output)" '^EPERM an1: db is neither a web server nor an analysis server'
drive web an1
like 'a web server that does not say that it is proven gets none' "$(output)" '^EPERM an1: web1 is left out: it does not say what it is built of'
drive manager an1
like 'the controller does not either' "$(output)" "^EOPNOTSUPP an1: .*no verb 'salt'"
proven 1 2
drive other an2
like 'who does not make them gives none' "$(output)" '^EPERM an2: salts are not made by an2'

# ---------------------------------------------------------------- both
proven 1 2
follow 1
is 'the server that makes them' "$status" 0
proven 1 2
follow 2
is 'the other gets it' "$status" 0
proven 1 2
is 'a visitor of both is one, and no line is lost' "$(figures)" '[20,10]'
proven 1 2
usn analyze query --config "$config" --json --metric visits,hits
is 'and made one visit, of the requests to both' "$(jq -c '.rows[0] | [.visits, .hits]' "$tmp/stdout")" '[10,20]'
json_is 'of shared salts' '.salts' shared
hex=$(cut -d' ' -f3 "$tmp/state1/salts")
is 'a salt has 32 bytes' "${#hex}" 64
is 'both have the same one' "$(cut -d' ' -f1,3 "$tmp/spool1/salts" "$tmp/spool2/salts" | sort -u)" "$(cut -d' ' -f1,3 "$tmp/state1/salts")"
is 'it is in three files of their owner and nowhere else' "$(grep -rl -- "$hex" "$tmp" 2>/dev/null | sort | xargs stat -c '%a %n')" \
        "$(printf '600 %s\n' "$tmp/spool1/salts" "$tmp/spool2/salts" "$tmp/state1/salts")"
is 'made at the same time' "$(cut -d' ' -f2 "$tmp/spool2/salts" | awk -v at="$(cut -d' ' -f2 "$tmp/state1/salts")" '{ print ($1 - at) ^ 2 <= 4 }')" 1

proven 1 2
usn analyze query --config "$config" --json
json_is 'no day is marked' '.salts_replaced | length' 0

# ---------------------------------------------------------------- a web server, which has no tables
make_site "$tmp/src"
mkdir "$tmp/src/bin"
cp "$UNDERSTUDY" "$tmp/src/bin/understudy"
make_repository
make_standby
us verify "$dest" --pub "$pub"
sed 's/ssh = "an1"/ssh = "web"/' "$config" >"$tmp/web.conf"
cp "$tmp/access1.log" "$tmp/web.log"
# web PROGRAM OPTION...: web1 follows its log.
web() { run inside "$1" analyze --follow "$tmp/web.log" --spool "$tmp/spoolw" --config "$tmp/web.conf" --server web1 --once "${@:2}" && return "$status"; }
proven 1 2
web "$UNDERSTUDY"
is 'a web server that is bound to nothing gets no salt' "$status" 4
like 'and says what it lacks' "$(errors)" 'its lines wait: an1: .*web1 is left out: .*needs --require'
us fleet add web1 --state "$tmp/state1" --role production --origin in-house --quiet
web "$dest/bin/understudy" --require "$dest" --pub "$pub"
like 'one that breaks a rule of the register neither' "$(errors)" 'its lines wait: an1: .*web1'
rm -r "$tmp/state1/fleet"
echo '<?php evil();' >>"$dest/index.php"
us verify "$dest" --pub "$pub"
web "$dest/bin/understudy" --require "$dest" --pub "$pub"
is 'nor one whose pages were changed' "$status" 4
not_ok 'none of them has one' test -s "$tmp/spoolw/salts"
us pull "$dest" --repo "$repo" --pub "$pub"
us verify "$dest" --pub "$pub"
web "$dest/bin/understudy" --require "$dest" --pub "$pub"
is 'one that is proven gets it' "$status" 0
is 'the same one' "$(cut -d' ' -f1,3 "$tmp/spoolw/salts")" "$(cut -d' ' -f1,3 "$tmp/state1/salts")"
proven 1 2
is 'its visitors are those that the others know' "$(figures)" '[30,10]'
rm "$tmp/spoolw/salts"

# ---------------------------------------------------------------- a day that has none any more
visit 2 "$today - 5 days"
proven 1 2
follow 2
is 'a day long over is counted' "$status" 0
like 'and it is said that its salt is gone' "$(errors)" "the salt of $(date -u -d "$today - 5 days" +%F) is gone: .*without visitors"
proven 1 2
is 'in hits, not in visitors' "$(figures)" '[40,10]'

# ---------------------------------------------------------------- the maker's salt is replaced, and one more server asks
cp -p "$tmp/state1/salts" "$tmp/kept"
printf '%s %s %064d\n' "$(cut -d' ' -f1 "$tmp/kept" | tail -n 1)" "$(date +%s)" 7 >"$tmp/state1/salts"
rm -rf "$tmp/spool2"
visit 2 "$today"
proven 1 2
follow 2
proven 1 2
usn analyze query --config "$config"
like 'that two servers know the day by two salts is said' "$(output)" "Visitors of $today may be counted twice: its salt was replaced"
proven 1 2
usn analyze query --config "$config" --json
json_is 'and in JSON' '[.salts_replaced[].day]' "[\"$today\"]"
proven 1 2
usn analyze query --config "$config" --to "$today" --json
json_is 'not of other days' '.salts_replaced | length' 0
cp -p "$tmp/kept" "$tmp/state1/salts"

# ---------------------------------------------------------------- nobody answers
mv "$tmp/ssh/an1/authorized_keys" "$tmp/ssh/an1/away"
rm -rf "$tmp/spool2"
follow 2
is 'the server that makes them does not answer' "$status" 3
like 'the lines wait' "$(errors)" 'its lines wait: .*an1'
mv "$tmp/ssh/an1/away" "$tmp/ssh/an1/authorized_keys"
us analyze --follow "$tmp/access1.log" --spool "$tmp/spool3" --config "$config" --state "$tmp/state1" --server nobody --once
is 'a server that the configuration does not know' "$status" 2
done_testing
