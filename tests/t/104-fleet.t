#!/bin/bash
# The register of servers, with a real sshd for each: in 2009 the first analysis server was moved to the in-house build,
# the second and third were forgotten. What finds them, what they may not do until they are replaced, and the replacement.
# Each server has an /etc and a package database of its own, in a mount namespace around its sshd.
[[ -n ${FLEET_TEST_APART:-} || $EUID -ne 0 ]] || FLEET_TEST_APART=1 exec unshare --net --mount -- "$0" "$@"
. "$(dirname "$0")/lib.sh"
use agent
need_root
need ssh ssh-keygen perl jq ip nft dpkg dpkg-query unshare mount
ip link set lo up
[[ -x $(PATH=$PATH:/usr/sbin:/sbin command -v sshd) ]] || skip_all 'sshd is not installed'
mount --make-rprivate / || skip_all 'no mount namespace of our own'

make_site "$tmp/src"
make_repository
make_standby

# machine NAME BUILD: its /etc, and one package.
machine()
{
        local name=$1 build=$2 here=$tmp/machines/$1
        mkdir -p "$here/etc/ssh" "$here/etc/nginx" "$here/etc/understudy" "$here/dpkg/info" "$here/dpkg/updates" "$here/opt"
        cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/os-release /etc/ld.so.cache "$here/etc/" 2>/dev/null
        cp -aL /etc/localtime "$here/etc/" 2>/dev/null
        { echo root:x:0:0::/root:/bin/sh && grep ^sshd: /etc/passwd; } >"$here/etc/passwd"
        printf 'root:*:14000::::::\nsshd:!:14000::::::\n' >"$here/etc/shadow"
        [[ -z $build ]] || echo "$build" >"$here/etc/understudy/build"
        echo "collector of ${build:-a vendor}" >"$here/opt/collector"
        cat >"$here/dpkg/status" <<END2
Package: collector
Status: install ok installed
Architecture: all
Maintainer: operations
Version: 1.0${build:++$build}
Description: counts visitors

END2
        echo 1 >"$here/dpkg/info/format"
        printf '/.\n%s\n' "$here/opt/collector" >"$here/dpkg/info/collector.list"
        echo "$(md5sum <"$here/opt/collector" | cut -d' ' -f1)  ${here#/}/opt/collector" >"$here/dpkg/info/collector.md5sums"
}

# server NAME BUILD: the machine, and an agent behind sshd on it.
server()
{
        machine "$1" "$2"
        us agent --config "$tmp/site.conf" --server "$1" --state "$state" --authorize "$tmp/ssh/controller.pub"
        agent_host "$1" "$(output)"
        cp "$tmp/ssh/$1/sshd_config" "$tmp/machines/$1/etc/ssh/"
        cat >"$tmp/machines/$1/sshd" <<END2
#!/bin/sh
mount --bind $tmp/machines/$1/etc /etc && mount --bind $tmp/machines/$1/dpkg /var/lib/dpkg && exec "\$@"
END2
        chmod +x "$tmp/machines/$1/sshd"
        sed -i "s|ProxyCommand \(.*/$1/sshd_config\)|ProxyCommand unshare --mount $tmp/machines/$1/sshd \1|" "$tmp/ssh/config"
}

config()
{
        local number
        cat <<END2
site = example
ssh_config = "$tmp/ssh/config"
server "web1" {
        role = production
        ssh = "web1"
        addresses = {192.0.2.1}
        interface = lo
        roots = {"docroot=$dest"}
}
server "web2" {
        role = standby
        ssh = "web2"
        addresses = {192.0.2.2}
        interface = lo
        roots = {"docroot=$dest"}
}
service { addresses = {"192.0.2.10/24"} }
check "front" { url = "http://www.example.org/" }
repository {
        url = "$repo"
        pub = "$pub"
}
END2
        for number; do
                echo "server \"analysis$number\" { role = analysis ssh = \"analysis$number\" addresses = {192.0.2.2$number} }"
        done
}

# upstreams NUMBER...: whom web1 sends the beacons to.
upstreams()
{
        local number
        {
                echo 'http { upstream analysis {'
                for number; do echo "        server 192.0.2.2$number:8080;"; done
                echo '} server { location = /beacon { proxy_pass http://analysis; } } }'
        } >"$tmp/machines/web1/etc/nginx/nginx.conf"
}

agent_keys
config 1 2 3 4 >"$tmp/site.conf"
status_is 0 'the configuration is good' us check --config "$tmp/site.conf" --offline
server web1 house-3
server analysis1 house-3
server analysis2 ''
server analysis3 ''
server analysis4 house-3
upstreams 1 2 3
us_fleet() { us fleet "$@" --config "$tmp/site.conf" --state "$tmp/controller"; }
rules() { json "[.findings[] | select(.server == \"$1\") | .rule] | unique | join(\" \")"; }
journaled() { us journal show --state "$tmp/controller" --json && json 'select(.kind | startswith("fleet_")) | .kind' | tr '\n' ' '; }

# ---------------------------------------------------------------- nothing entered yet
status_is 0 'no register: an empty list' us_fleet list --json
json_is 'of nothing' .servers '[]'
status_is 2 'and nothing to check' us_fleet check
like 'the words say what to do' "$(errors)" 'no register'

# ---------------------------------------------------------------- what the register does not know
status_is 0 'web1 is entered' us_fleet add web1 --origin in-house --build house-3 --owner operations
status_is 0 'so is the first analysis server' us_fleet add analysis1 --origin in-house --build house-3 --owner operations
status_is 1 'the check finds something' us_fleet check --json
json_is 'web1 sends to an address that nobody has registered' \
        '[.findings[] | select(.rule == "not-registered" and .server == null) | .what | scan("192.0.2.2[0-9]")] | join(" ")' \
        '192.0.2.22 192.0.2.23'
is 'the configuration has servers that the register lacks' "$(rules analysis2)" not-registered
is 'keys that nobody entered' "$(rules analysis1)" unknown-key
status_is 0 'a person looked at them and enters them' us_fleet add analysis1 --as-found
us_fleet add web1 --as-found
status_is 0 'the first analysis server breaks no rule' us_fleet list analysis1
status_is 2 'a credential without a date' us_fleet add analysis1 --credential ftp
status_is 2 'an unknown origin' us_fleet add analysis1 --origin heaven

# ---------------------------------------------------------------- clocks
us journal show --state "$tmp/controller" --json --kind fleet_clock
json_is 'the clock of each that answered was measured' 'select(.subject == "web1") | [.offset_us, .error_us] | map(fabs < 2000000) | all' true
moment() { date -u -d "${1:-now}" +%Y-%m-%dT%H:%M:%SZ; }
us incident open --server web1 --path /clock --from "$(moment '2 minutes ago')" --to "$(moment '1 minute ago')" --first-good never --state "$tmp/controller"
printf '192.0.2.9 - - [%s] "GET /other HTTP/1.1" 200 1 "-" "-"\n' "$(date -u '+%d/%b/%Y:%H:%M:%S +0000')" >"$tmp/clock.log"
us incident exposure 1 --log "web1=$tmp/clock.log" --json --state "$tmp/controller"
json_is 'and is what the times of an incident are widened by' '.clocks[] | select(.of == "web1") | .error < 2 and (.offset | fabs) < 2' true
if [[ -e $build_folder/tests/support/libclock_shim.so ]]; then
        perl -e 'print pack("q", 90)' >"$tmp/ahead"
        CLOCK_SHIM=$tmp/ahead LD_PRELOAD=$build_folder/tests/support/libclock_shim.so us_fleet check web1 --json
        us journal show --state "$tmp/controller" --json --kind fleet_clock
        is 'a clock that is 90 seconds behind is seen to be' "$(jq -s '[.[] | select(.offset_us < -85000000 and .offset_us > -95000000)] | length' "$tmp/stdout")" 1
        us incident exposure 1 --json --state "$tmp/controller"
        json_is 'and widens, for it may have been either' '.clocks[] | select(.of == "web1") | .error > 44 and .error < 60' true
        us_fleet check web1 --json
fi
us incident exposure 1 --clock web1=0~0.5 --json --state "$tmp/controller"
json_is 'what a person says goes before it' '.clocks[] | select(.of == "web1") | .error' 0.5

# ---------------------------------------------------------------- the forgotten servers of 2009
for number in 2 3; do
        us_fleet add "analysis$number" --origin outsourced --build vendor-1 --owner operations --contractor builders \
                --contract-end 2009-01-31 --credential "ftp upload=2008-04-01"
done
status_is 1 'the check' us_fleet check --json
is 'the second analysis server is found' "$(rules analysis2)" \
        'build-behind contract-over not-managed other-build unknown-key'
is 'and the third' "$(rules analysis3)" 'build-behind contract-over not-managed other-build unknown-key'
is 'the first one is in order' "$(rules analysis1)" ''
json_is 'each finding says what to do' '[.findings[] | select(.remedy == "")] | length' 0
status_is 1 'it is not eligible' us_fleet list analysis2 --json
json_is 'which the list says' '.servers[0] | "\(.eligible) \(.role)"' 'false analysis'
us status --state "$tmp/controller" --json
json_is 'status on the controller says it, too' '[.servers[] | select(.eligible | not) | .server] | join(" ")' \
        'analysis2 analysis3'
status_is 4 'no visitors to a server that is not registered' us switch web2 --config "$tmp/site.conf" --state "$tmp/controller"
like 'and the words say so' "$(errors)" 'web2 is not in the register'

# What follows an access log and asks for figures: nothing is sent to a server that is shut out, nor is it asked.
{
        cat "$tmp/site.conf"
        echo 'analyze { clickhouse { shard "analysis2" { url = "http://127.0.0.1:9/" } } }'
} >"$tmp/analyze.conf"
status_is 4 'an analysis server that breaks a rule is not asked' \
        us analyze query --config "$tmp/analyze.conf" --state "$tmp/controller"
like 'and the words say so' "$(errors)" 'analysis2 breaks a rule of the register'
echo '192.0.2.9 - - [01/Jul/2009:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"' >"$tmp/followed.log"
status_is 3 'it gets no data' us analyze --follow "$tmp/followed.log" --spool "$tmp/spool" --once \
        --config "$tmp/analyze.conf" --state "$tmp/controller"
like 'for the same reason' "$(errors)" 'analysis2 breaks a rule of the register'
ok 'which waits in the spool' test "$(find "$tmp/spool" -type f -path '*analysis2*' | wc -l)" -gt 0

# ---------------------------------------------------------------- facts
echo 'altered' >>"$tmp/machines/analysis1/opt/collector"
status_is 1 'a program is altered' us_fleet check analysis1 --json
is 'which dpkg sees' "$(rules analysis1)" altered
like 'and the finding names' "$(json '.findings[] | select(.rule == "altered") | .what')" 'opt/collector: content'
echo "collector of house-3" >"$tmp/machines/analysis1/opt/collector"
echo 'backdoor:x:0:0::/root:/bin/sh' >>"$tmp/machines/analysis1/etc/passwd"
us_fleet check analysis1 --json
like 'a second root' "$(rules analysis1)" second-root
sed -i /backdoor/d "$tmp/machines/analysis1/etc/passwd"
mv "$tmp/ssh/analysis1/authorized_keys" "$tmp/ssh/analysis1/away"
us_fleet check analysis1 --json
like 'one that does not answer counts as broken' "$(rules analysis1)" stale
mv "$tmp/ssh/analysis1/away" "$tmp/ssh/analysis1/authorized_keys"
us_fleet check analysis1 --json
is 'and is in order when it does again' "$(rules analysis1)" ''

# ---------------------------------------------------------------- the replacement
status_is 0 'a new server is entered in its place' \
        us_fleet add analysis4 --replaces analysis2 --origin in-house --build house-3 --owner operations
us_fleet check analysis4 --json
like 'it is a candidate' "$(rules analysis4)" not-taken-over
us_fleet add analysis4 --as-found
echo 'altered' >>"$tmp/machines/analysis4/opt/collector"
status_is 2 'a person retires a server' us_fleet retire analysis2 --by analysis4
status_is 4 'one that is altered takes no role over' us_fleet retire analysis2 --by analysis4 --approve kim
like 'and the words say why' "$(errors)" 'collector'
status_is 4 'nor one that was not entered for it' us_fleet retire analysis3 --by analysis4 --approve kim
echo "collector of house-3" >"$tmp/machines/analysis4/opt/collector"

# Killed while it asks: nothing is half done.
cp "$tmp/ssh/config" "$tmp/ssh/good"
sed -i "s|ProxyCommand .*/analysis4/sshd_config.*|ProxyCommand sleep 30|" "$tmp/ssh/config"
"$UNDERSTUDY" fleet retire analysis2 --by analysis4 --approve kim --config "$tmp/site.conf" --state "$tmp/controller" \
        >/dev/null 2>&1 &
killed=$!
cleanup_process "$killed"
began() { [[ $(journaled | grep -o fleet_retire_began | wc -l) -eq 2 ]]; }
ok 'the flow began' wait_for 10 began
kill -KILL "$killed"
wait "$killed" 2>/dev/null
cp "$tmp/ssh/good" "$tmp/ssh/config"
us_fleet list --json
json_is 'after a kill the old one has its role still' \
        '[.servers[] | select(.server == "analysis2" or .server == "analysis4") | .role] | join(",")' 'analysis,'

status_is 1 'the same command ends it; the old one is still named' \
        us_fleet retire analysis2 --by analysis4 --approve kim --json
json_is 'by an upstream and by the configuration' '[.findings[].rule] | unique | join(" ")' still-named
like 'the upstream is told' "$(json '[.findings[].what] | join(" ")')" 'nginx.conf:3 on web1'
like 'each step is in the journal' "$(journaled)" \
        'fleet_retire_began (fleet_clock )?fleet_facts (fleet_clock )?fleet_facts fleet_build_verified fleet_role_taken fleet_retired $'
us_fleet list analysis4 --json
json_is 'the new one has the role' '.servers[0] | "\(.role) \(.eligible)"' 'analysis true'
status_is 4 'the old one does not come back under its name' us_fleet add analysis2 --origin in-house
status_is 1 'asked again, it says the same' us_fleet retire analysis2 --by analysis4 --approve kim
config 1 3 4 >"$tmp/site.conf"
upstreams 1 4 3
us_fleet check --json
is 'nobody names it any more' "$(rules analysis2)" ''
json_is 'one is left to do' '[.servers[] | select(.eligible | not) | .server] | join(" ")' analysis3

# ---------------------------------------------------------------- an incident is not closed before the others were looked at
us_incident() { us incident "$@" --state "$tmp/controller"; }
for number in 1 4; do us_fleet add "analysis$number" --credential 'deploy key=2009-06-01'; done
us_incident open --server analysis1 --path /tag.js --from 2009-07-01 --to 2009-07-02
echo '192.0.2.9 - - [01/Jul/2009:10:00:00 +0000] "GET /other HTTP/1.1" 200 1 "-" "-"' >"$tmp/access.log"
us_incident exposure 2 --log "analysis1=$tmp/access.log"
us_incident set 2 cause=upload told=all credentials=changed others=see measures=built
status_is 4 'it is not closed' us_incident close 2 --approve kim
like 'for a credential that is older' "$(errors)" "analysis1: 'deploy key' was last changed on 2009-06-01"
like 'on each server that has it' "$(errors)" "analysis4: 'deploy key'"
like 'and for a server that shares the credential' "$(errors)" 'analysis4 has the same credential \(deploy key\)'
like 'or the build' "$(errors)" 'web1 has the same build \(house-3\)'
unlike 'not for one that shares nothing' "$(errors)" 'analysis3 has the same'
us_incident show 2 --json
json_is 'the tasks' '[.tasks[] | "\(.server) \(.because) \(.done)"] | join(", ")' 'analysis4 credential false, web1 build false'
us_fleet add analysis1 --credential 'deploy key=2009-06-20'
status_is 4 'a change before the end of the incident does not count' us_incident close 2 --approve kim
like 'and is told' "$(errors)" "last changed on 2009-06-20"
for number in 1 4; do us_fleet add "analysis$number" --credential 'deploy key=2009-07-10'; done
status_is 2 'what is no task' us_incident task 2 analysis3 'nothing found' --approve kim
status_is 2 'a person must have looked' us_incident task 2 web1 'nothing found'
status_is 0 'one was looked at' us_incident task 2 web1 'nothing found' --approve kim
status_is 4 'the other was not' us_incident close 2 --approve kim
is 'which is all that is left' "$(errors)" \
        "understudy: incident 2 cannot be closed; analysis4 has the same credential (deploy key) and was not looked at: \
'incident task 2 analysis4'"
us_incident task 2 analysis4 'nothing found' --approve kim
mv "$tmp/ssh/analysis1/authorized_keys" "$tmp/ssh/analysis1/away"
us_fleet check analysis1
status_is 4 'the server that was hit does not answer' us_incident close 2 --approve kim
mv "$tmp/ssh/analysis1/away" "$tmp/ssh/analysis1/authorized_keys"
us_fleet check analysis1
status_is 0 'now it is closed' us_incident close 2 --approve kim
status_is 0 'the journal is whole' us journal verify --state "$tmp/controller"
done_testing
