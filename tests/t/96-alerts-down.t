#!/bin/bash
# Alerts when their receivers are down, broken or hostile: kept, tried again, given up visibly, and nobody waits for them.
. "$(dirname "$0")/lib.sh"
use alerts
need jq openssl nginx

quick=(first=200 last=500 try=1000)

# ---------------------------------------------------------------- down, then up

free_port
target="http://127.0.0.1:$port/hook"
drive "${quick[@]}" "$target" <<'END'
post finding - while nobody listens
drain 1500
counters
END
is 'posting does not need the receiver' "$(head -n 1 "$tmp/stdout")" ok
is 'it waits' "$(counter queued):$(counter delivered)" 1:0
is 'on the disk' "$(find "$state/notify/test/queue" -type f | wc -l)" 1
like 'the operator is told once' "$(grep -c 'could not be delivered' "$tmp/stderr")" '^1$'
id=$(ls "$state/notify/test/queue")
start_sink http accept "$port" && hooks=$got
drive "${quick[@]}" "$target" <<<$'drain 30000\ncounters'
is 'another process delivers it' "$(received "$hooks"):$(counter queued)" 1:0
like 'under the id that it had' "$(cat "$hooks"/*)" "webhook-id: $id"

# In one life: the receiver comes while the caller lives.
free_port
late_port=$port
(sleep 1 && exec "$notify_sink" http "$hooks" accept "$late_port" <"$tmp/alive" >/dev/null 2>&1 {tap}>&-) &
cleanup_process $!
drive "${quick[@]}" "http://127.0.0.1:$late_port/" <<<$'post finding - early\nwait 500\ndrain 30000\ncounters'
is 'delivered when it is up' "$(counter queued)" 0
has_received "$hooks" 2 && pass 'it has arrived' || fail 'it has arrived'

# ---------------------------------------------------------------- hostile servers: never delivered, never waited for

# All of them at once, beside one that is well.
healthy() { start_sink udp && seen=$got healthy="syslog://127.0.0.1:$port"; }
declare -A names # MODE by the target's words in the books
bad=()
while read -r kind mode; do
        start_sink "$kind" "$mode"
        [[ $mode == redirect ]] && redirected=$got
        case $kind in
        smtp) bad+=("mailto:$mode@example.org?server=smtp://127.0.0.1:$port") && names[$kind $mode]="mailto:$mode@example.org" ;;
        http) bad+=("http://127.0.0.1:$port/hook") && names[$kind $mode]="http://127.0.0.1:$port/..." ;;
        esac
done <<'END'
smtp silent
smtp drip
smtp endless
smtp close
smtp 451
smtp 554
smtp rcpt550
http silent
http drip
http endless
http close
http 500
http 404
http 413
http redirect
END
rm -rf "$state"
healthy
drive "${quick[@]}" "${bad[@]}" "$healthy" <<'END'
post finding - one
wait 6000
counters
END
is 'posting to all of them does not wait' "$(head -n 1 "$tmp/stdout")" ok
is 'one has it, and the alert waits for the others' "$(counter delivered):$(counter queued):$(received "$seen")" 1:1:1
words_are()
{
        local got
        got=$(jq -r --arg target "${names[$1 $2]}" '.targets[] | select(.target == $target) | "\(.delivered) \(.words)"' "$state/notify/test/counters.json")
        like "$1, $2: not taken for delivered, and why" "$got" "^0 .*($3)"
}
words_are smtp silent 'takes too long'
words_are smtp drip 'takes too long'
words_are smtp endless 'takes too long|no end'
words_are smtp close '.'
words_are smtp 451 451
words_are smtp 554 554
words_are smtp rcpt550 550
words_are http silent 'takes too long'
words_are http drip 'takes too long'
words_are http endless 'no end'
words_are http close '.'
words_are http 500 500
words_are http 404 404
words_are http 413 413
words_are http redirect 'not followed'
is 'nobody went where the redirect led' "$(received "$redirected")" 0

# A server that has said 2xx has taken it, whatever else it does.
for mode in endlessbody dripbody slow=300; do
        rm -rf "$state"
        start_sink http "$mode"
        drive "${quick[@]}" "http://127.0.0.1:$port/" <<<$'post finding - one\ndrain 20000\ncounters'
        is "http, $mode: delivered once" "$(counter delivered):$(received "$got")" 1:1
done

# It took the mail and hung up before it said so: it comes again, as the same mail.
for kind in smtp http; do
        rm -rf "$state"
        start_sink "$kind" killonce
        [[ $kind == smtp ]] && target="mailto:ops@example.org?server=smtp://127.0.0.1:$port" || target="http://127.0.0.1:$port/"
        drive "${quick[@]}" "$target" <<<$'post finding - one\ndrain 20000\ncounters'
        is "$kind: sent again when nobody can know" "$(counter delivered):$(received "$got")" 1:2
        is "$kind: under one id" "$(tr -d '\r' <"$got/0001.$kind" | grep -E '^(Message-ID|webhook-id):')" \
                "$(tr -d '\r' <"$got/0002.$kind" | grep -E '^(Message-ID|webhook-id):')"
done

# ---------------------------------------------------------------- TLS

rm -rf "$state"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/tls.key" -out "$tmp/tls.pem" -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1
free_port
tls_port=$port
mkdir -p "$tmp/nginx"
cat >"$tmp/nginx.conf" <<END
master_process off; daemon off; pid $tmp/nginx/pid; error_log $tmp/nginx/error; events { }
http { access_log $tmp/nginx/access; client_body_temp_path $tmp/nginx/b; proxy_temp_path $tmp/nginx/p;
  fastcgi_temp_path $tmp/nginx/f; uwsgi_temp_path $tmp/nginx/u; scgi_temp_path $tmp/nginx/s;
  server { listen 127.0.0.1:$tls_port ssl; ssl_certificate $tmp/tls.pem; ssl_certificate_key $tmp/tls.key; location / { return 204; } } }
END
nginx -p "$tmp/nginx" -c "$tmp/nginx.conf" >/dev/null 2>&1 &
cleanup_process $!
wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$tls_port" 2>/dev/null
status_is 0 'https with a certificate that is trusted' us alert "https://127.0.0.1:$tls_port/#ca-file=$tmp/tls.pem"
status_is 3 'https with one that is not' us alert "https://127.0.0.1:$tls_port/"
like 'why not' "$(errors)" '[Cc]ertificate'
start_sink http
status_is 3 'https to a server that has none' us alert "https://127.0.0.1:$port/"
is 'nothing is sent in the clear' "$(received "$got")" 0
start_sink smtp
status_is 3 'a mail server without the TLS that is asked for' us alert "mailto:a@b?server=smtp://127.0.0.1:$port&tls=required"
is 'no mail is sent in the clear' "$(received "$got")" 0

# ---------------------------------------------------------------- given up, visibly

rm -rf "$state"
start_sink http 500
drive "${quick[@]}" giveup=1000 "http://127.0.0.1:$port/" "$healthy" <<'END'
post finding - hopeless
drain 30000
counters
END
is 'given up after its time' "$(counter failed):$(counter undeliverable):$(counter queued)" 1:1:0
like 'said' "$(cat "$tmp/stderr")" 'is given up for http://127.0.0.1:[0-9]+/\.\.\. and kept as undeliverable: .*500'
kept=$(find "$state/notify/test/undeliverable" -type f ! -name '*.why')
is 'it is kept, readable' "$(jq -r .alert.what "$kept")" hopeless
is 'with what became of it at each target' "$(jq -r '.[]' "$kept.why" | grep -c delivered)" 1
drive "${quick[@]}" "http://127.0.0.1:$port/" <<<counters
is 'counters survive' "$(jq -c '[.failed, .undeliverable]' "$state/notify/test/counters.json")" '[1,1]'

# A message that is rejected does not hold up the next.
rm -rf "$state"
start_sink http 413
drive first=5000 last=5000 try=1000 "http://127.0.0.1:$port/" <<<$'post a - one\npost b - two\nwait 1500\ncounters'
is 'both were tried' "$(counter retried)" 2

# Two targets, one down: what one has got is not sent to it again by the next process.
rm -rf "$state"
healthy
free_port
drive "${quick[@]}" "$healthy" "http://127.0.0.1:$port/" <<<$'post finding - one\nwait 1000'
drive "${quick[@]}" "$healthy" "http://127.0.0.1:$port/" <<<$'wait 1500\ncounters'
is 'once is once' "$(received "$seen"):$(jq .queued "$state/notify/test/counters.json")" 1:1

# A damaged file of the queue is told of and put aside.
rm -rf "$state"
mkdir -p "$state/notify/test/queue"
head -c 3000 /dev/urandom >"$state/notify/test/queue/0000000000000001-0000000000000001"
echo 'no message' >"$state/notify/test/queue/README"
drive "${quick[@]}" "$healthy" <<<$'post finding - good\ndrain 20000\ncounters'
is 'the damaged one is undeliverable, the good one is delivered' "$(counter undeliverable):$(counter delivered)" 1:1

# ---------------------------------------------------------------- rights, and who waits for whom

rm -rf "$state"
start_sink http silent
mkfifo "$tmp/commands"
timeout 60 "$notify_driver" "$state" try=30000 "http://127.0.0.1:$port/" <"$tmp/commands" >"$tmp/out" 2>/dev/null 7</dev/zero &
driver=$!
cleanup_process "$driver"
exec {commands}>"$tmp/commands"
echo 'post finding - held' >&"$commands"
children() { local p; for p in "$@"; do pgrep -P "$p"; done; }
caller() { pgrep -P "$driver" -f notify_driver | head -n 1; }
wait_for 20 caller >/dev/null
worker=$(children "$(caller)" | head -n 1)
has_sender() { [[ -n $(children "$worker") && $(awk '/^Seccomp:/ { print $2 }' "/proc/$(children "$worker" | head -n 1)/status" 2>/dev/null) == 2 ]]; }
ok 'a process of its own speaks to the server' wait_for 20 has_sender
sender=$(children "$worker" | head -n 1)
is 'it has a seccomp filter and no capability, and gains none' \
        "$(awk '/^(NoNewPrivs|CapEff|CapBnd|Seccomp):/ { printf "%s ", $2 }' "/proc/$sender/status")" \
        "$([[ $EUID -eq 0 ]] && echo '0000000000000000 0000000000000000 1 2 ' || awk '/^CapBnd:/ { print "0000000000000000 " $2 " 1 2 " }' /proc/self/status)"
if [[ $EUID -eq 0 ]]; then
        isnt 'it is not root' "$(awk '/^Uid:/ { print $2 }' "/proc/$sender/status")" 0
        is 'it holds no file of ours' "$(find "/proc/$sender/fd" -lname "$tmp/*" | wc -l)" 0
else
        skip 'not root' && skip 'not root'
fi
# A build with sanitizers keeps the first three: there its findings are told.
standard=x
nm "$notify_driver" 2>/dev/null | grep -q __asan_init && standard='[012]'
is "the worker holds nothing of the caller's but the queue" \
        "$(find "/proc/$worker/fd" ! -name "$standard" \( -lname '/dev/zero' -o -lname '*commands' \) | wc -l)" 0
kill -STOP "$worker"
start=$SECONDS
for i in $(seq 100); do echo "post kind-$i - while it is stopped"; done | sed 's/kind-/kind_/' >&"$commands"
posted() { [[ $(grep -c ok "$tmp/out") -ge 101 ]]; }
ok 'the caller does not wait for a worker that is stopped' wait_for 40 posted
ok 'nor for long' test $((SECONDS - start)) -lt 30
ok 'all is on the disk' test "$(find "$state/notify/test/queue" "$state/notify/test/groups" -type f | wc -l)" -ge 17
kill -KILL "$worker"
echo 'wait 500' >&"$commands"
another_worker() { local w; w=$(children "$(caller)" | head -n 1) && [[ -n $w && $w != "$worker" ]]; }
ok 'a worker that dies is started again' wait_for 20 another_worker
is_gone() { [[ ! -d /proc/$1 || $(awk '/^State:/ { print $2 }' "/proc/$1/status") == Z ]]; }
ok 'its sender died with it' wait_for 20 is_gone "$sender"
exec {commands}>&-
wait "$driver"
is 'nothing is left running' "$(pgrep -f "^$notify_driver $state")" ''
done_testing
