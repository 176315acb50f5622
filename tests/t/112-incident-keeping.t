#!/bin/bash
# 112-incident-keeping.t - how long accounts are kept, revisions that were kept, what strangers write and nobody sees, a log of
# logins that was edited, and a casebook that is damaged, of a newer version, or has no room.
. "$(dirname "$0")/lib.sh"
need jq perl
us_incident() { us incident "$@" --state "$state"; }
journaled() { us journal show --state "$state" --json --kind "$1" && wc -l <"$tmp/stdout"; }

bidi=$'\xe2\x80\xae' zero=$'\xe2\x80\x8b' separator=$'\xe2\x80\xa8' joiner=$'\xe2\x80\x8d'
hostile="<b>$bidi$zero$separator$joiner"$'\e[31m\x9b'
printf '192.0.2.1 - - [06/Jul/2009:09:31:00 +0000] "GET /login HTTP/1.1" 200 10 "-" "%s"\n' "$hostile" >"$tmp/log"
printf 'time,account,address,agent\n2009-07-06T09:31:20Z,"taro %s",192.0.2.1,"%s"\n' "$hostile" "$hostile" >"$tmp/logins.csv"
us_incident open --title "Tampered $bidi" --server web2 --path "/login" --from 2009-07-06T09:00:00Z --to 2009-07-06T20:00:00Z --size 10
us_incident exposure 1 --log web2="$tmp/log" --logins "$tmp/logins.csv" --clock logins=0~5 --clock web2=0~1

# ---------------------------------------------------------------- what nobody sees
unseen="[\\x01-\\x09\\x0b-\\x1f\\x7f]|\\xe2\\x80[\\x8b-\\x8f\\xa8-\\xae]|\\xe2\\x81[\\xa6-\\xa9]|\\xc2[\\x80-\\x9f]"
# clean NAME: nothing in what was printed turns or hides the text around it.
clean() { ok "$1" perl -0777 -ne "exit(/$unseen/ ? 1 : 0)" "$tmp/stdout"; }
us_incident exposure 1 --list
clean 'the list of accounts'
like 'has the name, escaped' "$(output)" 'taro <b>\\342\\200\\256'
us_incident exposure 1 --explain "taro $hostile"
clean 'the rows of an account'
us_incident exposure 1 --list --json
clean 'its JSON'
ok 'which is whole' jq -e '.list[0].account | test("taro")' "$tmp/stdout" >"$tmp/jq"
us_incident set 1 "cause=It came $hostile from http://evil.example/x" retain_until=2009-12-31 --approve kim
for form in public regulator technical; do
        for format in md html json; do
                us_incident report 1 --form "$form" --format "$format" --lang en
                clean "$form report as $format"
                unlike 'without a link to the intruder' "$(output)" 'http://evil'
        done
done
us_incident report 1 --form public --format html --lang en
unlike 'and without a stranger'\''s markup' "$(output)" '<b>'
us_incident timeline 1 --log web2="$tmp/log" --format jsonl
clean 'the timeline as JSONL'
us_incident timeline 1 --log web2="$tmp/log"
clean 'and as words'
us_incident list
clean 'the list of incidents'
us_incident show 1
clean 'what is known'
ok 'that accounts were read is in the journal' test "$(journaled incident_accounts_read)" -ge 3

# ---------------------------------------------------------------- revisions
us_incident report 1 --form public --format json --lang en
revision=$(json .revision)
us_incident set 1 'cause=Something else' --approve kim
us_incident report 1 --form public --format md --lang en
status_is 0 'the revision before can be read' us_incident report 1 --form public --format md --lang en --revision "$revision"
like 'as it was' "$(output)" 'It came'
unlike 'and not as it is' "$(output)" 'Something else'
status_is 0 'in each format' us_incident report 1 --form public --format html --lang en --revision "$revision"
clean 'as harmless as it was'
like 'defanged once' "$(output)" 'hxxp://evil\[\.\]example'
status_is 2 'none that there is not' us_incident report 1 --form public --lang en --revision 999

# ---------------------------------------------------------------- how long accounts are kept
status_is 2 'no date' us_incident set 1 retain_until=soon
us_incident set 1 'mail_en=Please check.' 'notice_en=Please check.'
us_incident notices 1 --approve kim --json
json_is 'an account has a notice' .notices 1
mkdir "$tmp/other"
us incident open --server web1 --path /x --from 2009-07-06 --to 2009-07-07 --state "$tmp/other" # a journal to watch
status_is 0 'the date is over: watch forgets' us_incident watch --once --journal "$tmp/other/journal"
not_ok 'no account is left' grep -qa taro "$state/incident/casebook.db"
us_incident notices 1 --json
json_is 'nor a notice' .notices 0
us journal show --state "$state" --json --kind incident_forgotten
like 'on whose word is in the journal' "$(output)" '"by": ?"kim"'
us_incident watch --once --journal "$tmp/other/journal"
is 'once' "$(journaled incident_forgotten)" 1
us_incident exposure 1
status_is 4 'nobody is written to after that: who was is not known any more' us_incident mail 1 --addresses "$tmp/logins.csv" \
        --smtp smtp://127.0.0.1:9 --sender help@example.org --approve kim
us_incident report 1 --form public --lang en --revision "$revision"
like 'reports are kept' "$(output)" 'It came'

# ---------------------------------------------------------------- a log of logins that was edited
us_incident open --server standby --path /login.html --last-good 2009-06-01 --from 2009-07-06T00:10:00Z --to 2009-07-06T14:00:00Z
perl -e 'print pack("s x2 l a32 a4 a32 a256 s s l l l x16 x20", 7, 5, "pts/0", "1", "webmaster", "192.0.2.66", 0, 0, 1, 1245035460, 0)' >"$tmp/wtmp"
{
        echo 'May 31 00:00:00 standby CRON[1]: (root) CMD (x)'
        echo 'Jun 15 03:11:00 standby sshd[9]: Accepted password for webmaster from 192.0.2.66 port 4 ssh2'
        echo 'Jul  6 23:00:00 standby CRON[1]: (root) CMD (x)'
} >"$tmp/auth.log"
us_incident timeline 2 --trace "auth:standby=$tmp/auth.log" --trace "wtmp:standby=$tmp/wtmp" --json
unlike 'wtmp and auth.log agree' "$(json '[.conclusions[0].evidence[].what] | join(" ")')" 'wtmp has a login'
sed -i /webmaster/d "$tmp/auth.log"
us_incident timeline 2 --trace "auth:standby=$tmp/auth.log" --trace "wtmp:standby=$tmp/wtmp" --json
like 'a line was taken out of auth.log: wtmp tells it' "$(json '[.conclusions[0].evidence[].what] | join(" ")')" \
        'wtmp has a login, and the log of logins, which reaches over that time, does not.*webmaster, 192\.0\.2\.66'

# ---------------------------------------------------------------- the casebook
need sqlite3
book=$state/incident/casebook.db
cp "$book" "$tmp/book"
sqlite3 "$book" 'PRAGMA user_version = 99'
status_is 3 'of a newer version' us_incident list
like 'it is left alone' "$(errors)" 'another version'
is 'and is as it was' "$(sqlite3 "$book" 'PRAGMA user_version')" 99
head -c 5000 "$tmp/book" >"$book"
status_is 3 'cut off' us_incident exposure 1
head -c 20000 /dev/urandom >"$book"
status_is 3 'no database at all' us_incident show 1
status_is 3 'is not taken for an empty one' us_incident open --server a --path /a --from 2009-07-06 --to 2009-07-07
cp "$tmp/book" "$book"
status_is 0 'it is well again' us_incident show 1
for number in 0 -1 99999999999999999999 1x 999; do status_is 2 "incident $number" us_incident show "$number"; done

# ---------------------------------------------------------------- no room
if [[ $EUID -eq 0 ]] && unshare --mount true 2>/dev/null; then
        cat >"$tmp/full.sh" <<END
mkdir -p $tmp/small && mount -t tmpfs -o size=1200k none $tmp/small && cp -a $state/. $tmp/small/ || exit 99
head -c 10M /dev/zero >$tmp/small/filler 2>/dev/null
"$UNDERSTUDY" incident set 1 cause="\$(head -c 100000 /dev/zero | tr '\\0' a)" --state $tmp/small >$tmp/full.out 2>&1
echo \$? >$tmp/full.status
rm $tmp/small/filler
"$UNDERSTUDY" incident show 1 --state $tmp/small >$tmp/full.show 2>&1
echo \$? >>$tmp/full.status
"$UNDERSTUDY" journal verify --state $tmp/small >>$tmp/full.out 2>&1
echo \$? >>$tmp/full.status
END
        unshare --mount bash "$tmp/full.sh"
        is 'no room: it is said, and nothing is broken' "$(tr '\n' ' ' <"$tmp/full.status")" '3 0 0 '
        diag "$(tail -n 2 "$tmp/full.out")"
fi
done_testing
