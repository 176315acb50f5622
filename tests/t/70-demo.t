#!/bin/bash
# The demo: that it shows what it is meant to show, fits a terminal, and leaves nothing behind, however it ends.
. "$(dirname "$0")/lib.sh"
need_root
need nginx rsync jq ip unshare
export TMPDIR=$tmp/place
mkdir "$TMPDIR" "$tmp/kept"

# Processes of a demo of ours; others may run meanwhile.
nobody_left() { [[ -z $(processes) ]]; }
processes()
{
        local folder
        for folder in /proc/[0-9]*; do
                [[ $(readlink "$folder/cwd") == "$TMPDIR"/* ]] && echo "$folder"
        done
}
nothing_left()
{
        wait_for 5 nobody_left
        is "$1: no process" "$(processes)" ''
        is "$1: no mount" "$(grep -F "$TMPDIR" /proc/self/mountinfo)" ''
        is "$1: no folder" "$(ls -A "$TMPDIR")" ''
}

interfaces_before=$(ip -br link | sed 's/@.*//' | awk '{ print $1 }')
namespaces() { ip netns list | grep -v '^us-'; } # us-...: of a test that runs beside this one
namespaces_before=$(namespaces)

# Two at once, in both languages: they must not see each other.
"$UNDERSTUDY" demo --act day --lang en >"$tmp/english" 2>&1 </dev/null &
english=$!
cleanup_process "$english"
TMPDIR=$tmp/kept "$UNDERSTUDY" demo --json --keep --lang ja >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
status=$?
is 'the demo with --json' "$status" 0
json_is 'good' .good true
json_is 'refused' .refused true
ok 'act 1: tampered pages were served' test "$(json '.acts[1].tampered')" -gt 0
ok 'act 2: the stand-by served' test "$(json '.acts[2].standby')" -gt 0
json_is 'act 2: no tampered page' '.acts[2].tampered' 0
json_is 'before: no tampered page' '.acts[0].tampered' 0
json_is 'act 3: no tampered page' '.acts[3].tampered' 0
json_is 'act 3: nothing from the stand-by' '.acts[3].standby' 0
json_is 'what was found' '[.found[] | .path + " " + .kind] | sort' \
        '["lib/templates/login.html content","login/index.html extra"]'
if [[ $(json .guard.good) == left-out ]]; then
        skip 'act 4: no vsftpd here, or no disk can be mounted'
else
        json_is 'act 4: all attacks were found and healed, no tampered page was served' '[.guard.good, .guard.tampered] | map(tostring) | join(" ")' 'true 0'
        ok 'act 4: pages were served' test "$(json .guard.pages)" -gt 0
        json_is 'act 4: what was attacked' '[.guard.attacks[].path] | join(" ")' 'login/index.html .htaccess prices.html'
        # The session's address is there if the session still was when it was asked, which 95-who.t sees to; else that is said.
        like 'act 4: who it was' "$(json '.guard.attacks[0].who')" 'vsftpd.*www-upload.*(FTP session from|ended while it was asked)'
fi
if [[ $(json .incident.good) == left-out ]]; then
        skip 'act 5: no PostgreSQL here'
else
        json_is 'act 5: who was served it was found, told at the login, and written to' '.incident | [.good, .missing, .wrong, .shown, .mails == .exposed] | map(tostring) | join(" ")' \
                'true 0 0 true true'
        json_is 'act 5: as many as received the planted bytes' .incident.exposed 5
        like 'act 5: the report in Japanese' "$(cat "$tmp"/kept/*/act5/report.ja)" 'アカウント'
fi
if [[ $(json .moves.good) == left-out ]]; then
        skip 'acts 6 and 7: PostgreSQL, Knot DNS or nftables is not installed'
else
        json_is 'act 6: no visitor lost a page by the switch and the return, no connection broke' \
                '.moves.switch | [.there.failed, .there.broken, .back.failed, .back.broken] | map(tostring) | join(" ")' '0 0 0 0'
        ok 'act 6: the stand-by served' test "$(json .moves.switch.there.from_standby)" -gt 100
        ok 'act 7: a power cut is felt' test "$(json .moves.failover.power_cut.gap_ms)" -gt 100
        ok 'act 7: and the stand-by served after it' test "$(json .moves.failover.power_cut.from_standby)" -gt 10
        json_is 'act 7: only it may write to the database' .moves.failover.power_cut.only_new_writes true
        json_is 'act 7: a tampered stand-by gets no visitors' '.moves.failover.tampered | [.refused, .from_standby, .tampered, .unanswered] | map(tostring) | join(" ")' \
                'true 0 0 0'
fi
ok '--keep: the evidence is kept' grep -rqF http://malware.invalid/x.js "$(json .evidence)"
ok '--keep: where it was told to' test "$(ls "$tmp/kept" | wc -l)" -eq 1
wait "$english"
is 'the demo in words' "$?: $(grep 'not what it is meant' "$tmp/english")" '0: '
is 'no line is longer than a terminal' "$(while IFS= read -r line; do [[ $(wc -L <<<"$line") -le 79 ]] || echo "$line"; done <"$tmp/english")" ''
like 'it names the planted page' "$(cat "$tmp/english")" 'login/index.html +should not be there'
nothing_left 'after its end'

# Both languages have the same words, and no line of either is too long.
lab=$source_folder/lab
is 'both languages have the same words' \
        "$(grep -o '^word_[a-z0-9_]*' "$lab/words.en.sh")" "$(grep -o '^word_[a-z0-9_]*' "$lab/words.ja.sh")"
is 'and the same formats' "$(grep -oE '^word_|%[sd]' "$lab/words.en.sh")" "$(grep -oE '^word_|%[sd]' "$lab/words.ja.sh")"

# begin: a demo that has come as far as the first act, in a process group of its own; $demo is its process.
begin()
{
        rm -f "$tmp/said"
        setsid perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$UNDERSTUDY" demo --lang en >"$tmp/said" 2>&1 </dev/null &
        demo=$!
        cleanup_process "$demo"
        wait_for 20 grep -qs 'ACT 1' "$tmp/said" || fail "$1: act 1 has begun"
}

# Ctrl-C goes to the whole process group; other ends only to the process itself.
for signal in INT TERM HUP; do
        begin "$signal"
        if [[ $signal == INT ]]; then kill -INT -- "-$demo"; else kill "-$signal" "$demo"; fi
        wait "$demo"
        isnt "$signal: it did not end as if it were done" "$?" 0
        nothing_left "after $signal"
done

# After kill -9 the kernel takes down the lab; its folder goes with the next demo.
begin KILL
kill -KILL "$demo"
wait "$demo" 2>/dev/null
wait_for 5 nobody_left
is 'after KILL: no process' "$(processes)" ''
first=$(ls "$TMPDIR")
like 'after KILL: its folder is there' "$first" '^understudy-lab\.'
mv "$tmp"/kept/* "$TMPDIR/"
begin 'the next demo'
ok 'the next demo leaves what was kept' test -d "$TMPDIR"/understudy-lab.*/standby/state/dest
rm -rf "$(dirname "$TMPDIR"/understudy-lab.*/kept)"
not_ok 'the next demo has removed it' test -e "$TMPDIR/$first"
kill -TERM "$demo"
wait "$demo" 2>/dev/null
nothing_left 'after the next demo'

is 'no interface on this machine' "$(ip -br link | sed 's/@.*//' | awk '{ print $1 }')" "$interfaces_before"
is 'no namespace on this machine' "$(namespaces)" "$namespaces_before"

done_testing
