#!/bin/bash
# 109-incident-portal.t - a notice at the login of the lab's portal, end to end: nginx, the portal with its accounts in
# PostgreSQL, the service; who was served a planted page sees it in his language until he acknowledges it, nobody else
# does, and no login waits for it.
. "$(dirname "$0")/lib.sh"
use namespaces database
need_root
need nginx jq curl ip perl
lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
[[ -x $build_folder/lab/understudy-portal ]] || skip_all 'the portal is not built'
if [[ -z ${LAB_FOLDER:-} ]]; then
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi
use stage
stage_network || bail_out 'no network'
stage_database || bail_out 'no accounts'
for name in taro jiro hanako; do
        language=ja
        [[ $name != jiro ]] || language=en
        lab_postgres_sql database "insert into account (name, language, salt, password) values ('$name <b>', '$language', 'x', encode(sha256('xsecret'), 'hex'))" portal
done
here=$tmp/production
notices=/run/notices
mkdir -p "$here/www/login" "$here/nginx"
chmod -R a+rX "$here"
echo genuine >"$here/www/login/index.html"
sed 's/us_tag/portal_tag/' "$source_folder/data/nginx-evidence.conf" >"$tmp/evidence.conf"
cat >"$here/nginx.conf" <<END
user root; daemon off; pid $here/nginx.pid; error_log $here/nginx.log crit; worker_processes 1;
events { worker_connections 512; }
http {
        include $tmp/evidence.conf; access_log $here/evidence.log understudy; include /etc/nginx/fastcgi_params; default_type text/html;
        client_body_temp_path $here/nginx/1; fastcgi_temp_path $here/nginx/2; proxy_temp_path $here/nginx/3; scgi_temp_path $here/nginx/4; uwsgi_temp_path $here/nginx/5;
        server { listen 80; root $here/www; location /portal/ { fastcgi_pass unix:$here/portal.sock; } }
}
END
lab_in production "$portal" "$here/portal.sock" "$source_folder/lab/portal/templates" \
        'host=192.0.2.10 user=portal dbname=portal password=secret connect_timeout=2' production "$notices" \
        >"$here/portal.out" 2>"$here/portal.err" </dev/null &
lab_in production nginx -c "$here/nginx.conf" -e "$here/nginx.log" >"$here/nginx.out" 2>&1 </dev/null &
site=http://192.0.2.77
wait_for 20 curl -fsS -o "$tmp/front" "$site/portal/health" 2>/dev/null || bail_out "no portal: $(cat "$here"/*.err "$here"/*.log)"

# log_in NAME [VISITOR]: his account's page is in $page, how long it took in $milliseconds.
log_in()
{
        local began=${EPOCHREALTIME/./}
        page=$(curl -sS -m 15 -c "$tmp/cookies-$1" --data-urlencode "name=$1 <b>" -d password=secret "$site/portal/login")
        milliseconds=$(((${EPOCHREALTIME/./} - began) / 1000))
}
# On a machine that is busy the service may take longer than the portal waits: then the next login has it.
sees() { log_in "$1" && [[ $page == *"$2"* ]]; }
as() { curl -sS -m 10 -b "$tmp/cookies-$1" "${@:2}"; }

# ---------------------------------------------------------------- the day: taro and jiro get the planted page, hanako does not
for name in taro jiro hanako; do
        log_in "$name"
        like "$name: nobody serves notices, the login goes on" "$page" "<h1>$name &lt;b&gt;</h1>"
        ok "$name: and did not wait" test "$milliseconds" -lt 8000
done
ok 'the portal says so in its log' wait_for 5 grep -q 'no notice is shown: the service of notices is not there' "$here/portal.err"
as hanako "$site/login/" >"$tmp/got"
sleep 2.2 # the second is cut off, and the clocks may be half of one wrong
from=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 1.1
echo 'planted <script>' >"$here/www/login/index.html"
planted_size=$(stat -c %s "$here/www/login/index.html")
for name in taro jiro; do as "$name" "$site/login/" | grep -c planted; done >"$tmp/truth"
is 'two were served it' "$(tr '\n' ' ' <"$tmp/truth")" '1 1 '
sleep 1.1
until=$(date -u +%Y-%m-%dT%H:%M:%SZ)
sleep 1.1
echo genuine >"$here/www/login/index.html"
as hanako "$site/login/" >"$tmp/got"

lab_postgres_sql database "copy (select to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as time, account, address, agent, tag from login) to stdout csv header" portal >"$tmp/logins.csv"
wait_for 5 grep -q hanako "$tmp/logins.csv"
us_incident() { us incident "$@" --state "$state"; }
us_incident open --server production --path /login/ --from "$from" --to "$until" --size "$planted_size" || fail 'open'
status_is 1 'who was served it is found by the session tags of the portal' us_incident exposure 1 --log "production=$here/evidence.log" \
        --logins "$tmp/logins.csv" --clock production=0~0.5 --clock logins=0~0.5 --list --json
json_is 'exactly those' '[.list[] | .account] | sort | join(", ")' 'jiro <b>, taro <b>'
us_incident set 1 notice_en='Please check your computer <now>.' notice_ja='パソコンをご確認ください。'
status_is 0 'a person approves notices' us_incident notices 1 --approve kim

# ---------------------------------------------------------------- at the next login
serve()
{
        : >"$tmp/ready"
        "$UNDERSTUDY" incident serve --socket "$notices" --state "$state" >"$tmp/ready" 2>"$tmp/serve.err" </dev/null &
        service=$!
        cleanup_process "$service"
        ok 'the service is ready' wait_for 20 grep -q ready "$tmp/ready"
}
serve
ok 'taro sees the notice in his language' wait_for 20 sees taro 'role="alert"><p>パソコンをご確認ください。</p>'
ok 'jiro in his, escaped' wait_for 20 sees jiro 'Please check your computer &lt;now&gt;'
log_in hanako
unlike 'hanako sees none' "$page" 'role="alert"'
next_page() { as "$1" "$site/portal/" | grep -q "$2"; }
ok 'also on the next page, until it is acknowledged' wait_for 20 next_page taro パソコン
acknowledged() { as taro -d '' "$site/portal/acknowledge" >"$tmp/got" && us_incident notices 1 --json && [[ $(json .acknowledged) == 1 ]]; }
ok 'that is known' wait_for 20 acknowledged
log_in taro
unlike 'nor has the next login' "$page" パソコン
ok 'jiro has not acknowledged his' wait_for 20 next_page jiro 'Please check'
is 'a stranger acknowledges nothing' "$(curl -sS -o "$tmp/got" -w '%{http_code}' -d '' "$site/portal/acknowledge")" 403
us_incident notices 1 --json
json_is 'seen and acknowledged are counted' '[.notices, .shown, .acknowledged]' '[2,2,1]'

# ---------------------------------------------------------------- slow, and away
kill -STOP "$service"
log_in jiro
like 'a service that hangs: jiro is logged in' "$page" '<h1>jiro'
unlike 'without the notice' "$page" 'Please check'
ok "and did not wait ($milliseconds ms)" test "$milliseconds" -lt 8000
ok 'which the portal says' wait_for 5 grep -q 'does not answer in time' "$here/portal.err"
kill -CONT "$service"
ok 'at the next login it is there again' wait_for 20 sees jiro 'Please check'
kill -KILL "$service"
wait "$service" 2>/dev/null
log_in jiro
like 'a service that was killed: jiro is logged in' "$page" '<h1>jiro'
serve
ok 'after it is back he sees it' wait_for 20 sees jiro 'Please check'
kill "$service"
wait "$service"
us journal show --state "$state" --json
is 'when nobody could be shown a notice is in the journal' \
        "$(jq -r 'select(.kind | startswith("incident_serve")) | .kind' "$tmp/stdout" | tr '\n' ' ')" \
        'incident_serve_began incident_serve_began incident_serve_ended '
unlike 'the accounts are not' "$(output)" 'taro|jiro'
done_testing
