#!/bin/bash
# 84-beacon.t - the tag in a real browser, nginx as the collector, and the analyzer's figures: they equal what visitors are
# known to have done; who asks not to be followed is in no log; nginx lets nobody fill it who is not a page of the site.
. "$(dirname "$0")/lib.sh"
need jq nginx openssl perl
support=$source_folder/tests/support

# ---------------------------------------------------------------- the tag
mkdir -p "$tmp/site" "$tmp/log"
status_is 0 'a tag' us analyze tag --into "$tmp/site"
cp "$tmp/stdout" "$tmp/tag"
script=$(sed -n "1s/.* src=\"\([^\"]*\)\".*/\1/p" "$tmp/tag")
like 'the script has a versioned place below the site' "$script" '^/understudy/visits-1-[0-9a-f]{16}\.js$'
is 'it is there' "$(stat -c %a "$tmp/site$script")" 644
ok "it has less than 1 KB ($(stat -c %s "$tmp/site$script"))" test "$(stat -c %s "$tmp/site$script")" -lt 1024
is 'integrity is its hash' "$(sed -n '1s/.* integrity="\([^"]*\)".*/\1/p' "$tmp/tag")" \
        "sha256-$(openssl dgst -sha256 -binary "$tmp/site$script" | base64)"
is 'its name, too' "$(sha256sum <"$tmp/site$script" | cut -c 1-16)" "${script:21:16}"
status_is 0 'again: it is there already' us analyze tag --into "$tmp/site" --json
json_is 'as JSON' .script "${script#/understudy/}"
echo '/* better */' >>"$tmp/site$script"
status_is 3 'a script that was changed is not overwritten' us analyze tag --into "$tmp/site"
like 'and told' "$(errors)" 'is not what its name says'
rm "$tmp/site$script"
us analyze tag --into "$tmp/site"
status_is 2 'a place that would break out of the tag' us analyze tag --at '/x"onload="/'
status_is 3 'a folder that is not there' us analyze tag --into "$tmp/nowhere"

# ---------------------------------------------------------------- nginx with the shipped snippets
port=$((21000 + $$ % 10000))
for file in nginx-beacon-http.conf nginx-beacon.conf; do
        sed -e "s|/var/log/nginx/|$tmp/log/|; s|/etc/understudy/|$tmp/|" "$source_folder/data/$file" >"$tmp/$file"
done
echo 'http://listed.example 1;' >"$tmp/beacon-origins.map"
cat >"$tmp/nginx.conf" <<END
$([[ $EUID -ne 0 ]] || echo 'user root;')
daemon off; master_process off; pid $tmp/nginx.pid; error_log $tmp/log/error.log;
events { worker_connections 200; }
http {
        types { text/html html; }
        client_body_temp_path $tmp/body; proxy_temp_path $tmp/t1; fastcgi_temp_path $tmp/t2; uwsgi_temp_path $tmp/t3; scgi_temp_path $tmp/t4;
        include $tmp/nginx-beacon-http.conf;
        server {
                listen 127.0.0.1:$port;
                root $tmp/site; add_header Cache-Control no-store; access_log $tmp/log/access.log combined;
                include $tmp/nginx-beacon.conf;
        }
}
END
page() { printf '<!doctype html><html lang="en"><head><title>%s</title>%s</head><body><h1>%s</h1>%s</body></html>' "$1" "$(<"$tmp/tag")" "$1" "$2" >"$tmp/site/$1.html"; }
page a '<a id="out" href="https://other.example/there?secret=1#x" onclick="return false">out</a> <a id="mail" href="mailto:x@y.example" onclick="return false">mail</a>'
page b ''
nginx -c "$tmp/nginx.conf" -p "$tmp" 2>"$tmp/nginx.err" &
cleanup_process $!
wait_for 10 test -s "$tmp/nginx.pid" || { diag "$(cat "$tmp/nginx.err" "$tmp/log/error.log")"; bail_out 'nginx does not start'; }
base=http://localhost:$port
wait_for 10 curl -s -o "$tmp/none" "$base/"
wait_for 10 test -s "$tmp/log/access.log" # nginx writes its line when the answer has been sent
: >"$tmp/log/access.log"
lines() { [[ ! -e $tmp/log/beacon.log ]] || wc -l <"$tmp/log/beacon.log"; }

# ---------------------------------------------------------------- who may send
body="e=v&u=http%3A%2F%2Flocalhost%3A$port%2Fx"
send() { curl -s -o "$tmp/none" -w '%{http_code}' -H 'Content-Type: text/plain;charset=UTF-8' -A Firefox "$@" "$base/understudy/b"; }
is 'a page of the site' "$(send -H "Origin: $base" -d "$body")" 204
is 'is one line' "$(lines)" 1
is 'a page of a site that is listed' "$(send -H 'Origin: http://listed.example' -d 'e=v&u=http%3A%2F%2Flisted.example%2F')" 204
is 'of another site' "$(send -H 'Origin: http://other.example' -d "$body")" 403
is 'of one whose name begins so' "$(send -H "Origin: $base.example" -d "$body")" 403
is 'nobody' "$(send -d "$body")" 403
is 'a GET' "$(send -H "Origin: $base")" 403
is 'too much' "$(send -H "Origin: $base" -d "$(printf '%05000d' 7)")" 413
is 'asks not to be followed' "$(send -H "Origin: $base" -H 'Sec-GPC: 1' -d "$body")" 204
is 'has opted out' "$(send -H "Origin: $base" -H 'Cookie: us_off=1' -d "$body")" 204
is 'the pixel of another site' "$(curl -s -o "$tmp/none" -w '%{http_code}' -e http://other.example/ "$base/understudy/p.gif")" 403
is 'none of them is a line' "$(lines)" 2
is 'the copy cannot be asked for' "$(curl -s -o "$tmp/none" -w '%{http_code}' "$base/understudy/b/copy")" 404
printf 'e=v&u=http%%3A%%2F%%2Flocalhost%%2F"\\\n\x01\xff\xe6\x97\xa5' >"$tmp/odd"
send -H "Origin: $base" --data-binary "@$tmp/odd" >"$tmp/none"
us analyze "$tmp/log/beacon.log" --json --top 0
json_is 'a body with quotes, newlines and other bytes is one line' '[.lines, .invalid, .hits]' '[3,0,3]'
is 'no line of this is in the access log' "$(awk '{ print $7 }' "$tmp/log/access.log")" /understudy/b/copy
rm "$tmp/log/"*.log
kill -USR1 "$(<"$tmp/nginx.pid")"
wait_for 5 test -e "$tmp/log/beacon.log"

# ---------------------------------------------------------------- visitors
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || {
        skip 'no chromium: no visitor came'
        done_testing
}
chrome='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36'
status_is 0 'visitors' bash -c 'perl "$1" <"$2"' - "$support/visitor.pl" <(cat <<END
visitor $chrome
open $base/a.html?utm_source=news&utm_campaign=spring#token=secret
do history.pushState(null, "", "/app/one?x=1")
do history.pushState(null, "", "/app/two")
do history.pushState(null, "", "/app/two")
do history.replaceState(null, "", "/app/two?state=1")
do understudy("signup", { plan: "gold", "odd key": "a&b=c" })
do understudy("signup")
do document.querySelector("#out").click(); document.querySelector("#mail").click()
do history.go(-2)
leave
visitor $chrome Second
open $base/a.html
open $base/b.html
open $base/b.html
visitor $chrome Private
private
open $base/a.html
do typeof understudy == "function" && understudy("signup")
visitor $chrome Out
open $base/understudy/off
open $base/a.html
do understudy("signup")
open $base/understudy/on
open $base/b.html
visitor $chrome Scriptless
scriptless
open $base/a.html
visitor Googlebot/2.1
open $base/a.html
END
)
mv "$tmp/stdout" "$tmp/requests"
is 'nothing was complained of' "$(grep '^!' "$tmp/requests")" ''
is 'no request went elsewhere' "$(grep -v "^[A-Z]* $base/" "$tmp/requests")" ''
is 'no question was asked before' "$(grep -c '^OPTIONS' "$tmp/requests")" 0
unlike 'no fragment was sent' "$(cat "$tmp/log/beacon.log")" 'token'
unlike 'no query of a link out' "$(cat "$tmp/log/beacon.log")" 'secret'
is 'the immutable script is fetched once by each' "$(grep -c "\"GET $script " "$tmp/log/access.log")" 5

status_is 0 'the beacon alone' us analyze "$tmp/log/beacon.log" --json --top 0 --goal 'joined=event:signup' --goal 'app=/app/*'
json_is 'is told as such' '[.source, .formats]' '["beacon",["beacon"]]'
json_is 'every line is understood' '[.invalid, (.lines >= 13)]' '[0,true]'
# first: a, app/one, app/two, and back to app/one; second: a, b, b; after opting in: b;
# scriptless: a; the bot: a.
json_is 'page views' '[.pages[] | [.path, .hits, .visitors]]' '[["/a.html",4,4],["/b.html",3,2],["/app/one",2,1],["/app/two",1,1]]'
json_is 'visitors' '[.visitors, .human_visitors]' '[5,4]'
json_is 'views of people, those without loading, and by the pixel' '[.human_page_views, .navigations, .pixels]' '[9,3,1]'
json_is 'campaigns' '[.campaigns[] | [.name, .hits]]' '[["spring / news / -",1]]'
json_is 'events' '[.events[] | [.name, .hits, .visitors]]' '[["signup",2,1]]'
json_is 'with their properties' '[.event_properties[] | [.name, .hits]]' '[["signup: odd key=a&b=c",1],["signup: plan=gold",1]]'
json_is 'links out' '[.outbound_links[] | [.name, .hits]]' '[["https://other.example/there",1]]'
json_is 'goals' '[.goals[] | [.name, .hits, .visitors]] | sort' '[["app",3,1],["joined",2,1]]'
json_is 'own pages are no referrers' .referrers '[]'
json_is 'vitals were measured' '[.web_vitals.lcp_ms.views, (.web_vitals.lcp_ms.p75 > 0), .web_vitals.cls_thousandths.p75]' '[1,true,0]'
cp "$tmp/stdout" "$tmp/alone.json"

status_is 0 'log and beacon' us analyze "$tmp/log/access.log" "$tmp/log/beacon.log" --json --top 0 --goal 'joined=event:signup' --goal 'app=/app/*'
json_is 'are beside each other: the first is the log' '[.source, .hits]' "[\"log\",$(wc -l <"$tmp/log/access.log")]"
is 'the beacon has the same figures as alone' "$(json '.beacon | [.hits, .visitors, .visits, .pages, .events, .goals]')" \
        "$("$json_reader" -c '[.hits, .visitors, .visits, .pages, .events, .goals]' "$tmp/alone.json")"
# The log's people: first a; second a b b; private a; out a b and the two pages of opting; scriptless a.
json_is 'views of both' '.reconciled | [.log_views, .beacon_views, .navigations, .pixels]' '[8,6,3,1]'
json_is 'people in both, and in one alone' '.reconciled | [.visitors_in_both, .visitors_in_log_alone, .visitors_in_beacon_alone]' '[4,1,0]'
json_is 'of each page' '[.reconciled.pages[] | [.path, .log_views, .beacon_views]]' '[["/a.html",5,3],["/b.html",3,3]]'
is 'whoever reads what' "$(for threads in 1 2; do "$UNDERSTUDY" analyze "$tmp/log/beacon.log" "$tmp/log/access.log" --json --top 0 \
        --threads $threads --block 500 | jq -cS 'del(.formats)'; done | sort -u | wc -l)" 1
status_is 0 'as words' us analyze "$tmp/log/access.log" "$tmp/log/beacon.log"
like 'with both' "$(output)" 'page views of the beacon +6'
status_is 0 'as a page' us analyze "$tmp/log/access.log" "$tmp/log/beacon.log" --html "$tmp/page.html"
like 'with events' "$(cat "$tmp/page.html")" 'signup: plan=gold'

# ---------------------------------------------------------------- followed
store=$tmp/store.db
status_is 0 'both are followed' us analyze --follow "$tmp/log/access.log" "$tmp/log/beacon.log" --store "$store" --once \
        --goal 'joined=event:signup' --goal 'app=/app/*'
us analyze query --store "$store" --report --json --top 0
is 'the store says of the beacon what the log says' "$(json '.beacon | [.hits, .visitors, .visits, .bounces, .pages, .events, .event_properties, .outbound_links, .goals, .campaigns, .navigations, .pixels, .web_vitals]')" \
        "$("$json_reader" -c '[.hits, .visitors, .visits, .bounces, .pages, .events, .event_properties, .outbound_links, .goals, .campaigns, .navigations, .pixels, .web_vitals]' "$tmp/alone.json")"
json_is 'and of both' '.reconciled | [.log_views, .beacon_views, .navigations, .pixels]' '[8,6,3,1]'
us analyze query --store "$store" --source beacon --by event --json
json_is 'events are asked for' '[.rows[] | [.event, .hits]]' '[["signup",2]]'
us analyze query --store "$store" --source beacon --where host=localhost --by page --json --top 1
json_is 'of one host' '[.rows[] | [.page, .hits]]' '[["/a.html",4]]'
status_is 0 'the report as a page' us analyze query --store "$store" --html "$tmp/query.html"
like 'has them, too' "$(cat "$tmp/query.html")" 'signup: plan=gold'
not_ok 'no address is in the store' grep -qaF 127.0.0.1 <(sqlite3 "$store" 'SELECT text FROM name' 2>/dev/null)

# ---------------------------------------------------------------- one that sends without end
rm -f "$tmp/codes"
curl -s -o "$tmp/none" -w '%{http_code}\n' -H "Origin: $base" -d "$body" "$base/understudy/b?[1-200]" >"$tmp/codes"
is 'is refused after a while' "$(sort -u "$tmp/codes" | xargs)" '204 429'
done_testing
