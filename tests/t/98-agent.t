#!/bin/bash
# The agent behind a real sshd: what its line in authorized_keys lets through, what a hostile or broken controller gets,
# and what the controller sees when the agent, sshd or the way between them ends.
# The packet filter that withdraw closes is one of our own.
[[ -n ${AGENT_TEST_APART:-} || $EUID -ne 0 ]] || AGENT_TEST_APART=1 exec unshare --net -- "$0" "$@"
. "$(dirname "$0")/lib.sh"
use agent
need_root
need ssh ssh-keygen perl jq ip nft
ip link set lo up
[[ -x $(PATH=$PATH:/usr/sbin:/sbin command -v sshd) ]] || skip_all 'sshd is not installed'
driver=$build_folder/tests/support/agent_driver
[[ -x $driver ]] || bail_out "$driver is not built"

make_site "$tmp/src"
make_repository
make_standby
make_keys "$tmp/other"

# The web server's commands are files, so that a test sees what ran.
cat >"$tmp/site.conf" <<END
site = example
serial = 3
ssh_config = "$tmp/ssh/config"
server "web1" {
        role = production
        ssh = "web1"
        addresses = {127.0.0.1}
        interface = lo
        roots = {"docroot=$dest"}
        web_start = "echo start >>$tmp/web.log"
        web_reload = "echo reload >>$tmp/web.log; $tmp/linger"
}
server "web2" {
        role = standby
        ssh = "web2"
        addresses = {127.0.0.2}
        interface = lo
        roots = {"docroot=$tmp/www/other"}
}
service { addresses = {"192.0.2.10/24"} }
check "front" { url = "http://www.example.org/" }
repository {
        url = "$repo"
        pub = "$pub"
}
END
cp "$(command -v sleep)" "$tmp/sleeper" # a name that is ours alone
printf '#!/bin/sh\n[ -e %s ] || exec %s 60\n' "$tmp/quick" "$tmp/sleeper" >"$tmp/linger"
printf '#!/bin/sh\nexec sleep 20\n' >"$tmp/silence"
chmod +x "$tmp/linger" "$tmp/silence"
status_is 0 'the configuration is good' us check --config "$tmp/site.conf" --offline
status_is 0 'it is signed' us publish --config "$tmp/site.conf" --key "$key"

# ---------------------------------------------------------------- the line
agent_keys
authorize=(agent --config "$tmp/site.conf" --server web1 --pub "$pub" --state "$state")
status_is 0 'the line for authorized_keys' us "${authorize[@]}" --authorize "$tmp/ssh/controller.pub"
line=$(output)
like 'it restricts' "$line" '^restrict,command="/[^ "]+ agent --config '
status_is 2 'a private key is none' us "${authorize[@]}" --authorize "$tmp/ssh/controller"
like 'and the words say which one' "$(errors)" 'controller\.pub'
echo "no-pty $(cat "$tmp/ssh/controller.pub")" >"$tmp/options.pub"
status_is 2 'nor is a line with options' us "${authorize[@]}" --authorize "$tmp/options.pub"
{ cat "$tmp/ssh/controller.pub" && cat "$tmp/ssh/controller.pub"; } >"$tmp/two.pub"
status_is 2 'nor are two' us "${authorize[@]}" --authorize "$tmp/two.pub"
status_is 2 'nor a command in the name' \
        us agent --config "/etc/a\" ssh-rsa" --server web1 --authorize "$tmp/ssh/controller.pub"

agent_host web1 "$line"
us agent --config "$tmp/site.conf" --server web2 --authorize "$tmp/ssh/controller.pub"
agent_host web2 "$(output)"
us agent --config "$tmp/site.conf" --server web1 --authorize "$tmp/ssh/controller.pub"
agent_host web3 "$(output)" # says that it is web1
agent_host silent "restrict,command=\"$tmp/silence\" $(cat "$tmp/ssh/controller.pub")"
agent_host shell "restrict,command=\"echo Welcome to this server; sleep 1\" $(cat "$tmp/ssh/controller.pub")"
agent_host nokey "# nothing"
us_ssh() { ssh -F "$tmp/ssh/config" -oBatchMode=yes "$@"; }
drive() { run "$driver" "$1" "${3:-$1}" "$tmp/ssh/config" "$2" "${4:-}" "${5:-10000}" "${6:-1}"; }

# ---------------------------------------------------------------- it answers
drive web1 hello
like 'hello' "$(output)" '^ok .*"protocol":1,.*"serial":3,"server":"web1","site":"example"'
drive web1 clock
like 'the clock' "$(output)" '^ok .*"realtime_ns":[0-9]{19}'
drive web1 facts
like 'facts' "$(output)" '^ok .*"address":"127.0.0.1"'
drive web1 status
like 'the genuine tree is eligible' "$(output)" '"eligible":true'
drive web1 verify
like 'it verifies' "$(output)" '^ok .*"genuine":true.*"status":0'
echo planted >"$dest/planted.html"
drive web1 verify
like 'what was planted is found' "$(output)" 'planted.html.*"status":1'
drive web1 status
like 'and then it is not eligible' "$(output)" '"eligible":false'
drive web1 web '' '{"action":"start"}'
like 'the web server starts' "$(output)" '^ok'
is 'by the command of the configuration' "$(cat "$tmp/web.log")" start
drive web1 web '' '{"action":"stop"}'
like 'a command that is not configured' "$(output)" '^EINVAL web1: .*no web_stop'
drive web1 web '' '{"action":"start; id"}'
like 'an argument is a choice' "$(output)" '^EINVAL web1: .*action'
drive web1 sh
like 'a verb that is none' "$(output)" "^EOPNOTSUPP web1: .*no verb 'sh'"

# The agent's process, found by its configuration's path, which is this test's own.
agents() { pgrep -f "^$(readlink -f "$UNDERSTUDY") agent --config $tmp/site.conf --server web1"; }
agent_runs() { [[ -n $(agents) ]]; }

# ---------------------------------------------------------------- what cannot be had beside it
# Together, for each waits for an agent that does not speak its language.
mkdir "$tmp/out"
before=$(ls "$tmp")
us_ssh web1 id </dev/null >"$tmp/out/id" 2>&1 &
us_ssh web1 "touch $tmp/escaped" </dev/null >/dev/null 2>&1 &
us_ssh web1 "agent; touch $tmp/escaped" </dev/null >/dev/null 2>&1 &
LC_X='() { :; }; touch '"$tmp/escaped" us_ssh -oSendEnv=LC_X web1 </dev/null >/dev/null 2>&1 &
us_ssh -oSetEnv=LD_PRELOAD="$tmp/x.so" -oSetEnv=UNDERSTUDY_STATE="$tmp/escaped" web1 </dev/null >/dev/null 2>&1 &
us_ssh -tt web1 "touch $tmp/escaped" </dev/null >/dev/null 2>&1 &
echo "put $tmp/site.conf $tmp/escaped" | timeout 60 sftp -F "$tmp/ssh/config" -b - web1 >/dev/null 2>&1 &
timeout 10 scp -O -F "$tmp/ssh/config" "$tmp/site.conf" "web1:$tmp/escaped" </dev/null >/dev/null 2>&1 &
timeout 60 ssh -F "$tmp/ssh/config" -oBatchMode=yes -W 127.0.0.1:1 web1 </dev/null >"$tmp/out/forward" 2>&1 &

# ---------------------------------------------------------------- a controller that is broken or hostile
{ agent_frame 1 1 '{"verb":"hello"}' && sleep 1; } | us_ssh web1 2>/dev/null | agent_frames >"$tmp/out/hello" &
{ perl -e 'print pack("CxxxVQ<", 1, 70000, 1)' && sleep 1; } | us_ssh web1 2>"$tmp/out/said" |
        agent_frames >"$tmp/out/oversized" &
{ head -c 5000 /dev/urandom && sleep 1; } | us_ssh web1 2>/dev/null | agent_frames >"$tmp/out/garbage" &
{ agent_frame 1 1 'nonsense' && agent_frame 1 2 '{"verb":"clock"}' && sleep 1; } | us_ssh web1 2>/dev/null |
        agent_frames >"$tmp/out/nonsense" &
mkfifo "$tmp/out/fifo"
exec {fifo}<>"$tmp/out/fifo" # so that its other end has no end
agent_frame 1 1 '{"verb":"hello"}' | head -c 20 >&"$fifo"
us_ssh web1 <"$tmp/out/fifo" 2>/dev/null | agent_frames >"$tmp/out/half" &
wait
exec {fifo}>&-
# One that asks and never reads: what waits for it is limited, and then it is left. What the agent says of it reaches
# us only when we read at last, for ssh keeps one window for both outputs.
agent_is_gone() { ! agent_runs; }
wait_for 30 agent_is_gone
agent_frame 1 7 '{"verb":"none"}' >"$tmp/out/one"
perl -e 'open my $f, "<", $ARGV[0]; local $/; my $one = <$f>; $SIG{PIPE} = "IGNORE";
        for (1 .. 100000) { syswrite(STDOUT, $one) or last }' "$tmp/out/one" 2>/dev/null |
        timeout 120 ssh -F "$tmp/ssh/config" -oBatchMode=yes web1 2>"$tmp/out/slow" |
        { wait_for 30 agent_runs; wait_for 60 agent_is_gone; cat >/dev/null; }

unlike 'a command is not run' "$(cat "$tmp/out/id")" 'uid='
is 'no file was made by any way' "$(ls "$tmp")" "$before"
like 'nothing is forwarded' "$(cat "$tmp/out/forward")" 'prohibited|forwarding failed|refused'
like 'frames as documented' "$(cat "$tmp/out/hello")" '^2 1 \{"ok":true,"result":\{"protocol":1,'
like 'an oversized frame: told' "$(cat "$tmp/out/oversized")" '^2 0 \{"ok":false,"error":"protocol"'
like 'and said on standard error' "$(cat "$tmp/out/said")" 'no frame, or one longer'
like 'garbage: told' "$(cat "$tmp/out/garbage")" '^2 0 \{"ok":false,"error":"protocol"'
like 'a frame without JSON: that request alone' "$(sed -n 1p "$tmp/out/nonsense")" '^2 1 .*"error":"request"'
like 'the next is answered' "$(sed -n 2p "$tmp/out/nonsense")" '^2 2 .*"ok":true'
like 'half a frame: told after a while' "$(cat "$tmp/out/half")" 'half a request'
like 'a controller that does not read: left, and told' "$(cat "$tmp/out/slow")" 'does not read its answers'

# ---------------------------------------------------------------- what the controller is told
drive web3 clock '' '' 20000
like 'another server than expected' "$(output)" "says that it is 'web1', not web3"
drive shell clock '' '' 20000
like 'a shell that greets' "$(output)" "is no agent; it begins with 'Welcome to this server"
drive nokey clock '' '' 20000
like 'a key that is not accepted' "$(output)" 'cannot be reached; .*authorized_keys.*Permission denied'
sed -i 's/^web2 .*/web2 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjkVvo0uJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0mJ0/' "$tmp/ssh/known_hosts"
drive web2 clock '' '' 20000
like 'a host key that is not known' "$(output)" 'Host key verification failed'
drive silent clock '' '' 3000
like 'one that hangs' "$(output)" '^ETIMEDOUT .*in time'
sed -i '/^web2 /d' "$tmp/ssh/known_hosts"
echo "web2 $(cut -d' ' -f1,2 "$tmp/ssh/web2/host_key.pub")" >>"$tmp/ssh/known_hosts"

# ---------------------------------------------------------------- long work
lingers() { pgrep -f "^$tmp/sleeper"; }
# The sshd above a process.
sshd_of()
{
        local pid=$1
        while [[ $pid -gt 1 ]]; do
                pid=$(ps -o ppid= -p "$pid" | tr -d ' ')
                [[ $(cat "/proc/$pid/comm" 2>/dev/null) != sshd ]] || { echo "$pid" && return; }
        done
        return 1
}
reload_runs() { grep -q reload "$tmp/web.log"; }

begin_long()
{
        : >"$tmp/web.log"
        "$driver" web1 web1 "$tmp/ssh/config" web '{"action":"reload"}' 50000 >"$tmp/long" 2>&1 &
        long=$!
        cleanup_process "$long"
        wait_for 10 reload_runs
}

begin_long
agents | head -n 1 | xargs -r kill -KILL
wait "$long"
like 'the agent killed: the connection ended' "$(cat "$tmp/long")" '^ECONNRESET the connection to the agent of web1 ended'
not_ok 'and what it did ended with it' lingers
begin_long
sshd_of "$(agents | head -n 1)" | xargs -r kill -KILL
wait "$long"
like 'sshd killed: the connection ended' "$(cat "$tmp/long")" '^ECONNRESET the connection to the agent of web1 ended'

drive web1 web '' '{"action":"reload"}' 1500
like 'a deadline' "$(output)" '^ETIMEDOUT'
gone() { ! agent_runs; }
wait_for 10 gone
not_ok 'no agent is left behind' agent_runs
not_ok 'nor what it started' lingers

# A client whose agent is killed again and again goes on by itself.
"$driver" web1 web1 "$tmp/ssh/config" clock '' 10000 30 >"$tmp/many" 2>&1 &
many=$!
for _ in 1 2 3; do
        wait_for 10 agent_runs
        sleep 0.7
        agents | xargs -r kill -KILL
done
wait "$many"
is 'it ends with an answer' "$(tail -n 1 "$tmp/many" | cut -c1-3)" 'ok '
ok 'most were answered' test "$(grep -c '^ok ' "$tmp/many")" -ge 20

# ---------------------------------------------------------------- pull, with progress and its own words
touch "$tmp/quick"
drive web1 pull '' '' 60000
like 'a pull heals' "$(tail -n 1 "$tmp/stdout")" '^ok .*"release":1.*"status":1'
not_ok 'what was planted is gone' test -e "$dest/planted.html"
drive web1 withdraw '' '{"reason":"maintenance"}'
like 'off the stage' "$(output)" '^ok .*maintenance'
drive web1 status
like 'which status says' "$(output)" '"withdrawn":\{.*maintenance'
drive web1 readmit
like 'not back without a proof since' "$(output)" '^EPERM web1: '
sleep 1.1 # proofs have whole seconds, and one of the same second may be from before
drive web1 verify '' '' 60000
drive web1 readmit
like 'on the stage again' "$(output)" '^ok '
rm -rf "$repo.away" && mv "$repo" "$repo.away"
drive web1 pull '' '' 60000
like 'a pull that fails gives its reason' "$(tail -n 1 "$tmp/stdout")" '^EIO web1: .*repo'
mv "$repo.away" "$repo"

# ---------------------------------------------------------------- check of the whole site
status_is 1 'check of the whole site' us check --config "$tmp/site.conf" --json
found() { json ".findings[] | select(.check == \"$1\") | .result + \" \" + .text"; }
like 'web1 answers' "$(found web1)" 'ok its agent answers, with this configuration'
like 'web2 was never pulled' "$(found web2)" 'problem .*was never pulled there'
echo '# changed' >>"$tmp/site.conf"
us check --config "$tmp/site.conf" --json --pub "$pub"
like 'a changed file is not believed' "$(errors)" 'site\.conf'
drive web1 clock '' '' 20000
like 'nor by the agent' "$(output)" 'cannot be reached'
us publish --config "$tmp/site.conf" --key "$key"
drive web1 clock '' '' 20000
like 'the same serial with other bytes is refused' "$(output)" 'raise its serial'
sed -i 's/^serial = 3/serial = 4/' "$tmp/site.conf"
us publish --config "$tmp/site.conf" --key "$key"
drive web1 hello
like 'a newer one is taken' "$(output)" '"serial":4'
sed -i 's/^serial = 4/serial = 2/' "$tmp/site.conf"
us publish --config "$tmp/site.conf" --key "$key"
drive web1 clock '' '' 20000
like 'an older one is refused' "$(output)" 'it is an old one'
sed -i 's/^serial = 2/serial = 5/' "$tmp/site.conf"
us publish --config "$tmp/site.conf" --key "$tmp/other/release.key"
drive web1 clock '' '' 20000
like "a stranger's signature does not count" "$(output)" 'cannot be reached'
done_testing
