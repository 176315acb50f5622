# shellcheck shell=bash
# incident.sh - the rows of an incident: who was served it, how it came, and the draft of the report. Sourced by run.sh.

incident_play=$work/play

incident_time() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }

# play_incident: an incident with known truth (tests/support/incident_generator.c), opened as number 1.
play_incident()
{
        local verb=(open) server path good bad until after size genuine log name

        mkdir -p "$incident_play"
        "$build/tests/support/incident_generator" "$incident_play" "${BENCH_REQUESTS:-10000000}" "${BENCH_ACCOUNTS:-200000}" 7 ||
                stop 'the generator fails'
        while read -r server path good bad until after size genuine; do
                "$us" incident "${verb[@]}" --server "$server" --path "$path" --last-good "$(incident_time "$good")" \
                        --from "$(incident_time "$bad")" --to "$(incident_time "$until")" \
                        --first-good "$(incident_time "$after")" --size "$size" --genuine-size "$genuine" >"$work/output" ||
                        stop "incident ${verb[*]} fails"
                verb=(add 1)
        done <"$incident_play/intervals"
        incident_logs=()
        for log in "$incident_play"/web*.log; do
                name=${log##*/}
                incident_logs+=(--log "${name%%.*}=$log")
        done
        while read -r server good bad; do incident_logs+=(--clock "$server=$good~$bad"); done <"$incident_play/clocks"
        incident_logs+=(--logins "$incident_play/logins.csv")
        printf '%s lines of access logs (%s), %s accounts' "$(cat "$incident_play"/web*.log | wc -l)" \
                "$(du -cbB 1000000 "$incident_play"/web*.log | awk 'END { print $1 " MB" }')" "${BENCH_ACCOUNTS:-200000}" >"$work/size"
}

# What the intervals, logs and login records are in SQLite: columns of their own, as somebody who asks SQL would have them.
sqlite_import()
{
        rm -f "$work/peer.db"
        sqlite3 "$work/peer.db" <<'END'
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE log(server TEXT, ts REAL, rt REAL, ip TEXT, method TEXT, uri TEXT, status INT, bytes INT, packed TEXT, range TEXT, ok TEXT, cache TEXT, tag TEXT, agent TEXT);
CREATE TABLE login(ts TEXT, account TEXT, ip TEXT, agent TEXT, tag TEXT);
CREATE TABLE interval(server TEXT, path TEXT, last_good REAL, first_bad REAL, last_bad REAL, first_good REAL, bad INT, good INT);
CREATE TABLE clock(server TEXT, offset REAL, error REAL);
END
        perl -ne 'BEGIN { $| = 0 }
                ($s) = $ARGV =~ m{/(web\d)}; $s //= "";
                print "$s\t$1\t$2\t$3\t$4\t$5\t$6\t$7\t$8\t$9\t$10\t$11\t$12\t$13\n"
                        if /^\{"ts":"([^"]*)","rt":"([^"]*)","ip":"([^"]*)","m":"([^"]*)","uri":"([^"]*)","p":"[^"]*","st":"(\d*)","bb":"(\d*)","ce":"([^"]*)","rng":"([^"]*)","ok":"([^"]*)","up":"([^"]*)","tag":"([^"]*)","ref":"[^"]*","ua":"((?:[^"\\]|\\.)*)"/' \
                "$incident_play"/web*.log >"$work/log.tsv"
        tail -n +2 "$incident_play/logins.csv" >"$work/login.csv"
        sqlite3 "$work/peer.db" >"$work/output" <<END
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
.mode tabs
.import $work/log.tsv log
.mode csv
.import $work/login.csv login
.separator " "
.import $incident_play/intervals interval
.import $incident_play/clocks clock
END
        rm "$work/log.tsv"
}

# The same question: each answer's grade by the interval's edges, what was sent and the copy that a browser held; its
# account by tag, else by address and browser near a login; of each account the best. (Paths as they were asked for; the
# caches' age, unknown histories and gaps, which ours looks at as well, are left out.)
sqlite_question()
{
        cat <<'END'
.timeout 1000
PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY; PRAGMA threads = 2;
CREATE TEMP TABLE graded AS
WITH answer AS (
        SELECT l.server, l.uri, l.ts - c.offset - l.rt - c.error AS began, l.ts - c.offset + c.error AS ended, l.ip, l.tag, l.agent,
               l.status, l.bytes, l.packed, l.range, l.ok, l.cache,
               CASE WHEN l.tag <> '' THEN l.tag ELSE l.ip || ' ' || l.agent END AS visitor
        FROM log l JOIN clock c ON c.server = l.server
        WHERE l.uri IN (SELECT path FROM interval) AND l.method <> 'HEAD' AND l.status IN (200, 206, 304)),
touched AS (
        SELECT a.*, CASE
                WHEN i.path IS NULL THEN 0
                WHEN a.status = 304 THEN 2
                WHEN a.bytes = 0 THEN 0
                WHEN a.cache = 'HIT' THEN 1
                WHEN a.began >= i.first_bad AND a.ended <= i.last_bad AND a.status = 200 AND a.packed = '' AND a.ok = 'OK'
                        AND a.bytes = i.bad THEN 3
                WHEN a.began >= i.first_bad AND a.ended <= i.last_bad AND a.bytes <> i.good THEN 2
                ELSE 1 END AS grade
        FROM answer a LEFT JOIN interval i ON i.server = a.server AND i.path = a.uri AND a.ended >= i.last_good AND a.began <= i.first_good),
held AS (
        SELECT *, max(CASE WHEN status = 200 THEN ended END) OVER w AS fresh,
               max(CASE WHEN grade > 0 AND status <> 304 THEN ended END) OVER w AS caught
        FROM touched WINDOW w AS (PARTITION BY visitor, uri ORDER BY ended ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
SELECT visitor, ip, tag, agent, began, ended,
       CASE WHEN status = 304 AND caught IS NOT NULL AND caught >= fresh THEN max(grade, 2) ELSE grade END AS grade
FROM held WHERE grade > 0 OR (status = 304 AND caught IS NOT NULL AND caught >= fresh);
SELECT grade, count(*) FROM (
        SELECT account, max(grade) AS grade FROM (
                SELECT l.account, g.grade FROM graded g JOIN login l ON l.tag = g.tag WHERE g.tag <> ''
                UNION ALL
                SELECT l.account, min(g.grade, 2) FROM graded g JOIN login l ON l.ip = g.ip AND l.agent = g.agent
                WHERE g.tag = '' AND abs(l.ts - g.ended) < 43200)
        GROUP BY account)
GROUP BY grade;
END
}

# The truth, from the bytes that the generator sent.
exposure_truth()
{
        jq -r '.list[] | select(.grade == "confirmed") | .account' "$1" | sort >"$work/confirmed"
        jq -r '.list[].account' "$1" | sort >"$work/listed"
        cut -d' ' -f1 "$incident_play/truth" | sort >"$work/exposed"
        awk '$2 { print $1 }' "$incident_play/truth" | sort >"$work/attributable"
        target "confirmed accounts that were not exposed, of $(wc -l <"$work/confirmed")" \
                "$(comm -23 "$work/confirmed" "$work/exposed" | wc -l)" '<=' 0
        target "exposed accounts that evidence leads to and that are not listed, of $(wc -l <"$work/attributable")" \
                "$(comm -23 "$work/attributable" "$work/listed" | wc -l)" '<=' 0
        target "exposed accounts above the upper bound of $(jq .upper_bound "$1")" \
                "$(jq --argjson n "$(wc -l <"$work/exposed")" '[$n - .upper_bound, 0] | max' "$1")" '<=' 0
        echo "- grades: $(jq -r '.accounts | "\(.confirmed) confirmed, \(.probable) probable, \(.possible) possible"' "$1")," \
                "of $(wc -l <"$work/exposed") that were exposed" >>"$work/section"
}

row_exposure()
{
        local run

        play_incident
        for ((run = 1; run <= runs; run++)); do
                ready "$incident_play"
                measured 'understudy incident exposure, 2 threads' 1 "$us" incident exposure 1 "${incident_logs[@]}" --threads 2 --json
        done
        "$us" incident exposure 1 "${incident_logs[@]}" --list --json >"$work/list.json"
        measured 'SQLite, import (perl and .import)' 0 bash -c "$(declare -f sqlite_import); work='$work' incident_play='$incident_play'; sqlite_import"
        sqlite_question >"$work/question.sql"
        measured 'SQLite, the same question after import' 0 sqlite3 -init "$work/question.sql" -batch "$work/peer.db" .quit
        tail -n 3 "$work/output" | sed 's/^/    sqlite grade and accounts: /'
        rm -f "$work/peer.db"
        table wall cpu memory
        target 'seconds' "$(median 1 'understudy incident exposure, 2 threads')" '<' 30
        target 'memory, MB' "$(median 3 'understudy incident exposure, 2 threads' | awk '{ printf "%.0f", $1 * 1024 / 1e6 }')" '<' 1000
        target 'wall, SQLite after import : exposure' \
                "$(ratio 1 'SQLite, the same question after import' 'understudy incident exposure, 2 threads')" '>=' 15
        exposure_truth "$work/list.json"
}

# make_traces LINES FOLDER: logs of eight kinds for one server and its database, over a day.
make_traces()
{
        mkdir -p "$2"
        perl -e 'use strict; use warnings; use POSIX "strftime"; srand 6;
                my ($lines, $folder) = @ARGV; my $zero = 1772323200;
                my %share = (web => 30, auth => 25, ftp => 12, postgresql => 15, mariadb => 8, dpkg => 5, wtmp => 5);
                my ($day, $clock) = ("", "");
                for my $kind (sort keys %share) {
                        open my $out, ">", "$folder/$kind" or die; binmode $out;
                        my $count = $lines * $share{$kind} / 100;
                        for my $n (0 .. $count - 1) {
                                my $t = $zero + int($n * 86000 / $count); my $who = "user" . int rand 5000; my $ip = "192.0.2." . int rand 250;
                                my @t = gmtime $t; my $file = "/srv/www/up/" . int(rand 90000) . ".html";
                                if ($kind eq "web") { print $out "$ip - - ", strftime("[%d/%b/%Y:%H:%M:%S +0000]", @t), " \"POST /up?f=", int rand 90000, " HTTP/1.1\" 200 12 \"-\" \"Mozilla/5.0\"\n" }
                                elsif ($kind eq "auth") {
                                        my $at = strftime("%b %e %H:%M:%S", @t); my $pid = 1000 + $n; my $k = $n % 4;
                                        print $out $k == 0 ? "$at web sshd[$pid]: Accepted publickey for $who from $ip port 4000 ssh2\n"
                                                : $k == 1 ? "$at web sudo:   $who : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls $file\n"
                                                : $k == 2 ? "$at web CRON[$pid]: (root) CMD (/usr/bin/true)\n"
                                                : "$at web sshd[$pid]: Failed password for $who from $ip port 4000 ssh2\n" }
                                elsif ($kind eq "ftp") { print $out strftime("%a %b %e %H:%M:%S %Y", @t), " [pid $n] [$who] OK UPLOAD: Client \"$ip\", \"$file\", 6120 bytes, 90Kbyte/sec\n" }
                                elsif ($kind eq "postgresql") { print $out strftime("%Y-%m-%d %H:%M:%S UTC", @t), " [$n] host=$ip LOG:  connection authorized: user=$who database=site\n" }
                                elsif ($kind eq "mariadb") { print $out strftime("%Y-%m-%dT%H:%M:%S.000000Z", @t), "\t$n Connect\t$who\@$ip on site using TCP/IP\n" }
                                elsif ($kind eq "dpkg") { print $out strftime("%Y-%m-%d %H:%M:%S", @t), " upgrade package", int rand 900, ":amd64 1.0 1.1\n" }
                                else { print $out pack("s x2 l a32 a4 a32 a256 s s l l l x16 x20", 7, 5, "pts/0", "1", $who, $ip, 0, 0, 1, $t, 0) }
                        }
                }' "$1" "$2"
}

row_timeline()
{
        local lines=${BENCH_LINES:-1000000} run traces=$work/traces kind logs=()

        make_traces "$lines" "$traces"
        "$us" keygen "$work/keys" --no-password >/dev/null && mkdir "$work/source" && echo genuine >"$work/source/login.html" &&
                "$us" publish "$work/source" --repo "$work/repository" --key "$work/keys/release.key" --site bench --quiet &&
                "$us" pull "$work/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet || stop 'publish and pull'
        echo planted >"$work/site/login.html"
        "$us" pull "$work/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet
        "$us" incident open --server web --path /login.html --last-good 2026-03-01 --from 2026-03-01T23:00:00Z \
                --to 2026-03-01T23:30:00Z >"$work/output" || stop 'incident open fails'
        for kind in auth ftp dpkg wtmp; do logs+=(--trace "$kind:web=$traces/$kind"); done
        for kind in postgresql mariadb; do logs+=(--trace "$kind:database=$traces/$kind"); done
        logs+=(--log "web=$traces/web" --journal "$work/state/journal" --address web=192.0.2.249)
        for ((run = 1; run <= runs; run++)); do
                ready "$traces"
                measured 'understudy incident timeline, the conclusion' 0 "$us" incident timeline 1 "${logs[@]}" --json
                measured 'understudy incident timeline, all events as JSONL' 0 "$us" incident timeline 1 "${logs[@]}" --format jsonl
        done
        printf '%s rows of eight logs, %s events told' "$lines" "$(wc -l <"$work/output")" >"$work/size"
        table wall cpu memory
        target 'seconds, the conclusion' "$(median 1 'understudy incident timeline, the conclusion')" '<' 10
        target 'seconds, all events as JSONL' "$(median 1 'understudy incident timeline, all events as JSONL')" '<' 10
        echo '- plaso (log2timeline) is not in Debian 12: no package of it is to be measured beside' >>"$work/section"
}

# A page is planted and found; then nobody does anything: the incident, who was served it, and the drafts.
row_report()
{
        local run server began

        play_incident
        rm -r "$work/state"
        "$us" keygen "$work/keys" --no-password >/dev/null && mkdir "$work/source" && echo genuine >"$work/source/login.html" &&
                "$us" publish "$work/source" --repo "$work/repository" --key "$work/keys/release.key" --site bench --quiet || stop 'publish'
        for ((run = 1; run <= runs; run++)); do
                rm -rf "$work/state" "$work/site"
                "$us" pull "$work/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet || stop 'pull'
                echo planted >"$work/site/login.html"
                sync -f "$work"
                began=$EPOCHREALTIME
                "$us" pull "$work/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet # finds it, and heals it
                server=$("$us" journal show --json --kind difference | jq -r .server | head -n 1)
                measured 'understudy incident watch: incident, exposure, drafts' 1 "$us" incident watch --once \
                        --journal "$work/state/journal" "${incident_logs[@]//web[0-9]=\//$server=/}"
                awk -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { print to - from }' >>"$work/drafted"
                grep -q . "$work/state/incident/draft-1.ja.md" || stop 'there is no draft'
        done
        table wall cpu memory
        target 'seconds, from the pull that finds it to the drafts in both languages' \
                "$(sort -n "$work/drafted" | awk '{ v[NR] = $1 } END { printf "%.2f", v[int((NR + 1) / 2)] }')" '<' 60
}
