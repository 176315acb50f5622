#!/bin/bash
# 106-incident-timeline.t - how a planted file came: one timeline from all logs, a conclusion with what speaks for and
# against it, whether the database was reached, and Timesketch's JSONL.
. "$(dirname "$0")/lib.sh"
need jq perl
us_incident() { us incident "$@" --state "$state"; }
us_incident open --server standby --path /login.html --last-good 2009-06-01 --from 2009-07-06T00:10:00Z \
        --to 2009-07-06T14:00:00Z
line() { printf '%s\n' "$2" >>"$tmp/$1"; }
upload='[pid 7] [webmaster] OK UPLOAD: Client "192.0.2.66", "/home/site/login.html", 6120 bytes, 90Kbyte/sec'
line ftp.log "Sun May 31 00:00:00 2009 [pid 1] [x] FAIL LOGIN: Client \"203.0.113.1\""
line ftp.log "Mon Jun 15 03:12:44 2009 $upload"
line ftp.log "Mon Jul  6 23:00:00 2009 [pid 1] [x] FAIL LOGIN: Client \"203.0.113.1\""
line auth.log 'May 31 00:00:00 standby CRON[1]: (root) CMD (x)'
line auth.log 'Jun 15 03:11:00 standby sshd[9]: Accepted password for webmaster from 192.0.2.66 port 4 ssh2'
line auth.log 'Jul  6 23:00:00 standby CRON[1]: (root) CMD (x)'
for day in 31/May 15/Jun 07/Jul; do
        line access.log "203.0.113.9 - - [$day/2009:03:00:00 +0000] \"GET /index.html HTTP/1.1\" 200 1 \"-\" \"-\""
done
line access.log "203.0.113.9 - - [06/Jul/2009:09:00:00 +0000] \"GET /login.html HTTP/1.1\" 200 6120 \"-\" \"-\""
for day in 05-31 07-07; do
        line db.log "2009-$day 00:00:00 UTC [5] host=192.0.2.1 LOG:  connection authorized: user=app database=site"
done
line dpkg.log '2009-06-14 10:00:00 upgrade vsftpd:amd64 2.0.7 2.1.0'
perl -e 'print pack("s x2 l a32 a4 a32 a256 s s l l l x16 x20", 7, 5, "pts/0", "1", "webmaster", "192.0.2.66", 0, 0, 1,
        1245035460, 0)' >"$tmp/wtmp"
is 'a record of wtmp' "$(stat -c %s "$tmp/wtmp")" 384

all=(--trace "ftp:standby=$tmp/ftp.log" --trace "auth:standby=$tmp/auth.log" --log "standby=$tmp/access.log"
        --trace "postgresql:db=$tmp/db.log" --trace "dpkg:standby=$tmp/dpkg.log" --trace "wtmp:standby=$tmp/wtmp"
        --address standby=192.0.2.2)
status_is 0 'the timeline' us_incident timeline 1 "${all[@]}" --json
json_is 'it was uploaded by hand' '.conclusions[0].cause' uploaded
like 'with this account from this address' \
        "$(json '.conclusions[0].evidence[] | select(.speaks == "for" and .weight == "strong") | .what')" \
        'login\.html was written by ftp.*webmaster, 192\.0\.2\.66'
like 'which stands there' "$(json '.conclusions[0].evidence[] | select(.weight == "strong") | "\(.file):\(.line)"')" 'ftp\.log:2$'
json_is 'no log is missing' '[.conclusions[0].evidence[] | select(.what | startswith("no "))] | length' 0
json_is 'the database was not reached from there' .conclusions[0].database.reached not_reached
like 'and how that is known' "$(json .conclusions[0].database.how)" 'reaches over the time'
us_incident timeline 1 "${all[@]}"
like 'for people' "$(output)" 'standby /login\.html: uploaded by hand'

# One source less makes it less sure, never surer.
us_incident timeline 1 --log "standby=$tmp/access.log" --json
json_is 'without the log it is unknown' '.conclusions[0].cause' unknown
json_is 'and so is the database' .conclusions[0].database.reached not_known
like 'what is missing is said' "$(json '[.conclusions[0].evidence[].what] | join(" ")')" 'no log of the FTP server'

# Packed logs are read like the others, and a damaged one is said.
mkdir "$tmp/packed"
gzip -c "$tmp/ftp.log" >"$tmp/packed/ftp"
zstd -q -c "$tmp/auth.log" >"$tmp/packed/auth" 2>/dev/null || cp "$tmp/auth.log" "$tmp/packed/auth"
gzip -c "$tmp/wtmp" >"$tmp/packed/wtmp"
gzip -c "$tmp/access.log" >"$tmp/packed/access"
us_incident timeline 1 --trace "ftp:standby=$tmp/packed/ftp" --trace "auth:standby=$tmp/packed/auth" \
        --trace "wtmp:standby=$tmp/packed/wtmp" --log "standby=$tmp/packed/access" --json
json_is 'packed logs say the same' '.conclusions[0].cause' uploaded
like 'by line' "$(json '.conclusions[0].evidence[] | select(.weight == "strong") | "\(.file):\(.line)"')" 'packed/ftp:2$'
head -c 60 "$tmp/packed/ftp" >"$tmp/packed/cut"
status_is 3 'a packed log that is cut off' us_incident timeline 1 --trace "ftp:standby=$tmp/packed/cut"

# ---------------------------------------------------------------- Timesketch
status_is 0 'all events' us_incident timeline 1 "${all[@]}" --format jsonl
is 'each a line with what Timesketch needs' \
        "$(jq -s 'map(has("message") and has("datetime") and has("timestamp_desc")) | all' "$tmp/stdout")" true
is 'in the order of time' "$(jq -rs 'map(.datetime) == (map(.datetime) | sort)' "$tmp/stdout")" true
is 'from five sources' "$(jq -rs 'map(.source) | unique | join(" ")' "$tmp/stdout")" 'ftp login package sshd web'

# ---------------------------------------------------------------- what strangers typed
printf 'Jun 15 03:11:00 standby sshd[9]: Accepted password for \e[2J\x9b from 192.0.2.66 port 4 ssh2\n' >>"$tmp/auth.log"
us_incident timeline 1 "${all[@]}"
unlike 'no escape reaches a terminal' "$(output)" $'[\x01-\x09\x0b-\x1f]'
status_is 2 'a kind that is none' us_incident timeline 1 --trace "telnet:standby=$tmp/ftp.log"
status_is 3 'a log that is not there' us_incident timeline 1 --trace "ftp:standby=$tmp/none"
status_is 2 'a folder' us_incident timeline 1 --trace "ftp:standby=$tmp"
us journal show --state "$state" --json --kind incident_timeline
isnt 'who read it is in the journal' "$(wc -l <"$tmp/stdout")" 0
done_testing
