#!/bin/bash
# Alerts as their receivers see them: each kind whole and once, signed, grouped, and nothing in it that somebody added.
. "$(dirname "$0")/lib.sh"
use alerts
need jq openssl base64

head -c 33 /dev/urandom | base64 | sed 's/^/whsec_/' >"$tmp/hook.key"
chmod 600 "$tmp/hook.key"

# ---------------------------------------------------------------- every kind

start_sink smtp && mails=$got mail="mailto:ops@example.org?from=us@web1.example.org&server=smtp://127.0.0.1:$port"
start_sink http && hooks=$got hook="http://127.0.0.1:$port/T0/secret?x=1#secret-file=$tmp/hook.key"
start_sink udp && udp=$got udp_target="syslog://127.0.0.1:$port?facility=local0"
start_sink tcp && tcp=$got tcp_target="syslog+tcp://127.0.0.1:$port?format=json"
start_sink unix accept "$tmp/log" && local=$got
all=("$mail" "$hook" "$udp_target" "$tcp_target" "syslog:$tmp/log")

drive "${all[@]}" <<'END'
post finding - login.html of /var/www/html is not genuine (ログイン)
drain 30000
counters
END
is 'an alert is posted and delivered' "$(head -n 2 "$tmp/stdout")" $'ok\nok'
is 'to each of five targets' "$(counter delivered)" 5
for folder in "$mails" "$hooks" "$udp" "$tcp" "$local"; do is "one in ${folder##*/}" "$(received "$folder")" 1; done
is 'the queue is empty' "$(find "$state/notify/test/queue" "$state/notify/test/progress" -type f)" ''
is 'the folder is for its owner only' "$(stat -c %a "$state/notify/test")" 700

one=$mails/0001.smtp
is 'envelope' "$(head -n 2 "$one")" $'MAIL FROM:<us@web1.example.org>\nRCPT TO:<ops@example.org>'
like 'date as RFC 5322 has it' "$(tr -d '\r' <"$one")" $'\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} \\+0000\n'
like 'a Message-ID' "$(tr -d '\r' <"$one")" $'\nMessage-ID: <[0-9a-f-]{33}@web1.example.org>\n'
like 'words in another language arrive' \
        "$(tr -d '\r' <"$one" | sed '1,/^Content-Transfer/d' | perl -MMIME::QuotedPrint -0777 -ne 'print decode_qp($_)')" 'ログイン'

# ---------------------------------------------------------------- a webhook, checked without our code

one=$hooks/0001.http
header() { tr -d '\r' <"$one" | sed -n "s/^$1: //p"; }
sed '1,/^\r$/d' "$one" >"$tmp/body"
hex=$(sed 's/^whsec_//' "$tmp/hook.key" | base64 -d | od -An -v -tx1 | tr -d ' \n')
is 'openssl(1) computes the same signature' "v1,$({ printf '%s.%s.' "$(header webhook-id)" "$(header webhook-timestamp)" && cat "$tmp/body"; } |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -binary | base64)" "$(header webhook-signature)"
ok 'its time is now' test "$(($(date +%s) - $(header webhook-timestamp)))" -lt 60
is 'the path and query are ours, the fragment is not sent' "$(head -n 1 "$one" | tr -d '\r')" 'POST /T0/secret?x=1 HTTP/1.1'
is 'its type' "$(header content-type)" application/json
is 'OCSF class and severity' "$(jq -c '[.class_uid, .type_uid, .severity_id, .count]' "$tmp/body")" '[2004,200401,5,1]'
is 'who did it' "$(jq -r '.evidences[0] | .file.path, .process.file.path, .src_endpoint.ip' "$tmp/body" | tr '\n' ' ')" \
        'login.html /usr/sbin/vsftpd 192.0.2.7 '
is 'no secret of it stands in the books' "$(grep -c secret "$state/notify/test/counters.json")" 0

# ---------------------------------------------------------------- syslog

like 'RFC 5424 over UDP' "$(cat "$udp/0001.udp")" \
        '^<130>1 20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z web1.example.org understudy [0-9]+ finding \[understudy@32473 id="[0-9a-f-]{33}" count="1" '
frame=$(cat "$tcp/0001.tcp")
is 'octets are counted over TCP' "${frame%% *}" "$(printf '%s' "${frame#* }" | wc -c)"
is 'the finding as JSON' "$(sed 's/^[^]]*\] //' <<<"$frame" | jq .class_uid)" 2004
like 'the local form' "$(cat "$local/0001.unix")" '^<26>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} understudy\[[0-9]+\]: '

# ---------------------------------------------------------------- nobody adds a header or a line

printf 'x\r\nBcc: victim@example.net\r\n\r\n.\r\nQUIT\r\n<0>1 - - - - - forged\n"] \\ \033[2J \377 =?UTF-8?Q?evil?=' >"$tmp/evil"
drive "${all[@]}" <<END
raw $tmp/evil
drain 30000
END
is 'a hostile alert is delivered' "$(tail -n 1 "$tmp/stdout")" ok
one=$mails/0002.smtp
is 'one sender, one recipient' "$(sed '/^$/,$d' "$one" | wc -l)" 2
is 'no header is added' "$(tr -d '\r' <"$one" | sed '1,/^$/d' | sed '/^$/,$d' | grep -ciE '^(bcc|cc|to|from|subject):')" 3
is 'no control character' "$(LC_ALL=C tr -d '\r\n -~' <"$one" | wc -c)" 0
for one in "$udp/0002.udp" "$local/0002.unix" "$tcp/0002.tcp"; do
        is "one line: ${one##*.}" "$(wc -l <"$one"):$(LC_ALL=C tr -d '\200-\377 -~' <"$one" | wc -c)" 0:0
done
like 'structured data is closed once' "$(cat "$udp/0002.udp")" 'dest="[^"]*\\"\\\] '

# ---------------------------------------------------------------- a storm

rm -f "$mails"/* "$hooks"/*
drive window=2000 "${all[0]}" "${all[1]}" <<'END'
storm 10000 tampering
drain 60000
counters
END
is 'ten thousand alerts' "$(counter posted)" "$((10000 + 2))"
is 'none is lost' "$(counter dropped)" 0
ok "a handful of mails: $(received "$mails")" test "$(received "$mails")" -le 20
is 'no count is lost on the way' "$(for one in "$hooks"/*; do sed '1,/^\r$/d' "$one" | jq .count; done | jq -s add)" 10000
like 'first lines' "$(cat "$mails"/*)" 'finding number 11'
like 'last lines' "$(cat "$mails"/*)" 'finding number 10000'

# Ten thousand groups are no way round it.
rm -f "$mails"/*
{ for i in $(seq 10000); do echo "post finding group-$i finding $i"; done && echo 'drain 60000' && echo counters; } |
        drive window=3000 "${all[0]}"
ok "few mails of ten thousand groups: $(received "$mails")" test "$(received "$mails")" -le 120
is 'none is lost' "$(counter dropped)" 0

# ---------------------------------------------------------------- the heartbeat

start_sink http && beats=$got
drive "http://127.0.0.1:$port/beat#heartbeat=1s" <<'END'
beat
wait 1500
beat
wait 500
wait 2500
END
is 'as often as the guard says that it is well, and no more' "$(received "$beats")" 2
like 'what it is' "$(cat "$beats"/*)" '"activity_name":"heartbeat".*"genuine":true'

# ---------------------------------------------------------------- by hand

start_sink smtp && mails=$got
status_is 0 'a test mail' us alert "mailto:ops@example.org?server=smtp://127.0.0.1:$port" "syslog:$tmp/log" --message 'Hello, night shift.'
like 'says that it was taken' "$(output)" 'mailto:ops@example.org took the alert'
like 'the words arrive' "$(cat "$mails"/*)" 'Hello, night shift.'
free_port
status_is 3 'nobody listens' us alert "mailto:ops@example.org?server=smtp://127.0.0.1:$port" "syslog:$tmp/log" --json
json_is 'each is said for itself' '[.targets[].delivered]' '[false,true]'
like 'why not' "$(json '.targets[0].words')" 'mailto:ops@example.org did not take the alert: .+'
status_is 2 'no target' us alert
status_is 2 'a target that is none' us alert ops@example.org
like 'how it is written' "$(errors)" 'mailto:ADDRESS'
chmod 644 "$tmp/hook.key"
status_is 2 'a key that others may read' us alert "$hook"
like 'what to do' "$(errors)" 'chmod 600'
status_is 3 'a password file that is not there' us alert "mailto:a@b?user=u&password-file=$tmp/nothing"
like 'is said' "$(errors)" 'cannot open the password file'
done_testing
