#!/bin/bash
# 108-incident-complaint.t - what is told from outside: entered, compared at that moment with the signed release and as
# several visitors get it, answered by a person; in the timeline and the report; and no word of a stranger anywhere that
# it could do harm.
. "$(dirname "$0")/lib.sh"
use alerts
need jq nginx
us_incident() { us incident "$@" --state "$state"; }
complaint() { us_incident complaint "$@"; }
journaled() { us journal show --state "$state" --json --kind "$1" && output; }

make_site "$tmp/src"
echo '<!doctype html><title>Log in</title>' >"$tmp/src/login.html"
make_repository
make_standby
chmod a+rx "$tmp/www" "$dest"

# The page as it is on the disk, but for one kind of visitor as long as there is a file `planted`.
free_port
web=http://127.0.0.1:$port
mkdir -p "$tmp/nginx" "$tmp/other"
sed 's|</title>|&<script src=http://malware.invalid/x.js></script>|' "$tmp/src/login.html" >"$tmp/other/login.html"
cat >"$tmp/nginx.conf" <<END
user root; daemon off; pid $tmp/nginx.pid; error_log $tmp/nginx.log crit; worker_processes 1;
events { worker_connections 64; }
http {
        access_log off;
        client_body_temp_path $tmp/nginx/1; fastcgi_temp_path $tmp/nginx/2; proxy_temp_path $tmp/nginx/3; scgi_temp_path $tmp/nginx/4; uwsgi_temp_path $tmp/nginx/5;
        map \$http_user_agent \$folder { default $dest; "~iPhone" $tmp/other; }
        server { listen 127.0.0.1:$port; root $dest; location = /login.html { root \$folder; } location ~ php$ { return 200 "made now"; } }
}
END
nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.log" </dev/null >"$tmp/nginx.out" 2>&1 &
cleanup_process $!
wait_for 10 curl -fsS -o "$tmp/front" "$web/css/site.css" 2>/dev/null || bail_out 'nginx does not start'

# ---------------------------------------------------------------- the first one, of no incident yet
status_is 2 'nothing was told' complaint new
status_is 2 'of no incident' complaint 7 'The login page is odd'
status_is 2 'by nobody that we know' complaint new 'The login page is odd' --source neighbour
status_is 2 'a path that is none' complaint new 'The login page is odd' --path login.html
tree=(--tree "$dest" --pub "$pub")
status_is 0 'a mail of a customer about a page that is genuine' \
        complaint new 'My virus scanner says that http://www.example.org/login.html is bad' --source customer \
        --who 'Taro <taro@example.org>' --path /login.html --at 2009-07-06T05:00:00Z "${tree[@]}" --json
json_is 'is compared at that moment' '"\(.incident) \(.complaint) \(.comparison.verdict) \(.comparison.trees[0].release)"' \
        '1 1 genuine 1'
like 'with its time' "$(json .comparison.time)" "^$(date -u +%Y)-"
like 'it is in the journal' "$(journaled incident_complaint)" '"source": ?"customer"'
unlike 'without the name' "$(output)" 'taro'
like 'as a commitment' "$(output)" '"who": ?"hmac-sha256:[0-9a-f]{64}"'
verdict=$(journaled incident_complaint_compared)
like 'and so is the result' "$verdict" '"verdict": ?"genuine"'
like 'with its digest' "$verdict" '"evidence": ?"[0-9a-f]{64}"'

# ---------------------------------------------------------------- as visitors get it
status_is 1 'a researcher is right: some visitors get another page than the tree has' \
        complaint 1 'iPhones get malware' --source researcher --url "$web" --path /login.html "${tree[@]}" --json
json_is 'the tree is genuine, one kind of visitor gets something else' \
        '[.comparison.verdict, .comparison.trees[0].verdict, ([.comparison.served[] | select(.verdict == "differs") | .as] | join(","))] | join(" ")' \
        'differs genuine telephone'
is 'what came is known by its digest' "$(json '.comparison.served[] | select(.as == "telephone") | .sha256')" \
        "$(sha256sum <"$tmp/other/login.html" | cut -d' ' -f1)"
is 'and so is what belongs there' "$(json '.comparison.served[0].expected')" "$(sha256sum <"$tmp/src/login.html" | cut -d' ' -f1)"
cp "$tmp/src/login.html" "$tmp/other/login.html"
status_is 0 'gone again, all of it is genuine' \
        complaint 1 'And now?' --source researcher --url "$web/" --path /login.html "${tree[@]}" --json
status_is 1 'what a program makes cannot be compared, and is not called genuine' \
        complaint 1 'The front page is odd' --url "$web" --path / --path /index.php "${tree[@]}" --json
json_is 'but unknown' '"\(.comparison.verdict) \([.comparison.served[].verdict] | unique | join(" "))"' 'unknown unknown'
status_is 1 'nor is what does not come' complaint 1 'It is down' --url http://127.0.0.1:1 --path /login.html "${tree[@]}" --json
json_is 'which is said' '.comparison.served[0].verdict + " " + (.comparison.served[0].why | test("did not come") | tostring)' \
        'unknown true'

# ---------------------------------------------------------------- the planted page
sed 's|</title>|&<script src=http://malware.invalid/x.js></script>|' "$tmp/src/login.html" >"$dest/login.html"
echo x >"$dest/extra.html"
status_is 1 'a search engine warns of it' \
        complaint 1 'This site may harm your computer' --source search-engine --path /login.html "${tree[@]}" --json
json_is 'the tree differs, and at that page' '.comparison | "\(.verdict) \(.trees[0].differences) \(.trees[0].here)"' 'differs 2 true'
json_is 'each difference is listed' '[.comparison.trees[0].listed[] | .path + " " + .kind] | sort | join(", ")' \
        'extra.html extra, login.html content'
like 'verify has written it in the journal, too' "$(journaled difference)" 'login.html'
status_is 1 'of another page' complaint 1 'docs' --path /docs/ "${tree[@]}" --json
json_is 'it differs, but not there' '.comparison.trees[0] | "\(.verdict) \(.here)"' 'differs false'

# ---------------------------------------------------------------- cut short, and nothing to compare
status_is 1 'nothing was named to compare with' complaint 1 'Something is wrong' --json
json_is 'so nothing is said' '"\(.complaint) \(.comparison)"' '8 null'
status_is 1 'it is compared later' complaint 1 --compare 8 "${tree[@]}"
status_is 2 'once' complaint 1 --compare 8 "${tree[@]}"
status_is 2 'a tree that nobody has signed' complaint 1 'x' --tree "$dest"

# ---------------------------------------------------------------- the list
complaint 1 --json
json_is 'all of them, the first one first' '[.complaints[] | .complaint] | map(tostring) | join(" ")' '1 2 3 4 5 6 7 8 9'
unlike 'without the words of persons' "$(output)" 'taro|virus scanner'
complaint 1 --list
like 'unless they are asked for' "$(output)" 'Taro <taro@example.org>'
like 'which is in the journal' "$(journaled incident_complaints_read)" '"incident": ?1'

# ---------------------------------------------------------------- what strangers write
printf 'line one\nSet-Cookie: x=1\n<script>alert(1)</script> \e[2J\e]0;title\a \xff\n' >"$tmp/mail"
"$UNDERSTUDY" incident complaint 1 - --source customer --who $'Eve\r\nBcc: x\e[31m' --path $'/a\n<b>\e[2J' \
        --state "$state" "${tree[@]}" <"$tmp/mail" >"$tmp/stdout" 2>"$tmp/stderr"
unlike 'no escape reaches a terminal' "$(output; errors)" $'[\x01-\x09\x0b-\x1f\x7f]'
complaint 1 --list
unlike 'nor with the list' "$(output)" $'[\x01-\x09\x0b-\x1f\x7f]'
is 'and no line of its own' "$(grep -c '^Set-Cookie\|^Bcc' "$tmp/stdout")" 0
complaint 1 --list --json
ok 'as JSON it is whole' jq -e '.complaints[] | select(.text // "" | test("line one.012Set-Cookie"))' "$tmp/stdout" >"$tmp/jq"
us journal show --state "$state" --kind incident_complaint
unlike 'nor in the journal' "$(output)" $'[\x01-\x09\x0b-\x1f\x7f]|Set-Cookie|Eve'
head -c 70000 /dev/zero | tr '\0' a >"$tmp/long"
run "$UNDERSTUDY" incident complaint 1 "$(head -c 66000 "$tmp/long")" --state "$state"
is 'what is too long is refused' "$status" 2

# ---------------------------------------------------------------- report and timeline
us_incident add 1 --server web1 --path /login.html --from 2009-07-06T04:00:00Z --to 2009-07-06T14:00:00Z
us_incident report 1 --form public --lang en
like 'the report says when it was first told' "$(output)" 'first told of it from outside at 2009-07-06T05:00:00Z, by a customer'
like 'and what was compared then' "$(output)" 'all of it was equal to the release'
unlike 'not by whom' "$(output)" '[Tt]aro|Eve'
us_incident report 1 --form technical --format html --lang en
like 'the technical form has each with its row' "$(output)" 'a search engine told of it.*\(complaint 6\)'
unlike 'no markup of a stranger' "$(output)" '<script|<b>'
us_incident report 1 --form public --lang ja
ok 'in Japanese, too' grep -q 2009-07-06T05:00:00Z "$tmp/stdout"
us_incident timeline 1 --format jsonl
is 'they are events of the timeline' "$(jq -rs 'map(select(.source == "outside") | .act) | unique | join(" ")' "$tmp/stdout")" told
is 'also long after the page was good again' "$(jq -rs 'map(select(.source == "outside")) | length > 8' "$tmp/stdout")" true
us_incident timeline 1
like 'and the first one is said' "$(output)" 'first told from outside at 2009-07-06T05:00:00Z, by a customer; all of it was equal'

# ---------------------------------------------------------------- the answer, and the end
status_is 4 'the incident is not closed before' us_incident close 1 --approve kim
like 'each is answered' "$(errors)" 'complaint 1 is not answered'
status_is 2 'a person answers' complaint 1 --answer '1=We looked: it is genuine.'
status_is 0 'the first one is answered' complaint 1 --answer '1=We looked, Taro: at 14:00 it was genuine.' --approve kim
status_is 2 'once' complaint 1 --answer '1=Something else' --approve kim
status_is 2 'none that there is not' complaint 1 --answer '99=Something' --approve kim
like 'which is in the journal' "$(journaled incident_complaint_answered)" '"answer": ?"hmac-sha256:'
us_incident show 1 --json
json_is 'what is open is told' '"\(.told.all) \(.told.open)"' '10 9'
us_incident forget 1 --approve kim
complaint 1 --list --json
json_is 'forgotten: nobody and no words are left' '[.complaints[] | .who, .text, .answer] | unique | map(tostring) | join(" ")' null
json_is 'but that it was told, and what was compared' '.complaints[0] | "\(.source) \(.came) \(.comparison.verdict)"' \
        'customer 2009-07-06T05:00:00Z genuine'
not_ok 'nor in the file' grep -qa 'taro@' "$state/incident/casebook.db"
is 'and no key to what the journal has' "$(find "$state/journal/personal" -name '*.key' | wc -l)" 0
status_is 0 'the journal is whole' us journal verify --state "$state"
done_testing
