#!/bin/bash
# Each process of the guard is killed and stopped, again and again, while readers open genuine and tampered files, somebody
# walks the whole tree, and journal and state lie on the very file system that is under guard. What counts is what the
# readers got: not one wrong byte, every open answered within the limit; and that the journal tells of each gap.
#
# GUARD_KILLS: rounds (1); GUARD_FILES: how many files the site has beside its pages (1,500). make soak: 40 and 100,000.
. "$(dirname "$0")/lib.sh"
use guard alerts
files=${GUARD_FILES:-1500}
rounds=${GUARD_KILLS:-1}
guard_place "$((128 + files / 15))M"
reader=$build_folder/tests/support/reader
[[ -x $reader ]] || bail_out 'build first: tests/support/reader is not there'
export UNDERSTUDY_STATE=$tmp/m/state

make_site "$tmp/src"
mkdir "$tmp/src/many"
(cd "$tmp/src/many" && seq "$files" | split -l 1 -a 5 - page)
for name in 1 2 3 4; do echo "<!doctype html><title>$name</title><p>Page $name of the release." >"$tmp/src/page$name.html"; done
make_repository
mkdir -p "$tmp/m/www"
make_standby
{
        printf '%s\n' page{1..4}.html index.php docs/2008/a.html css/site.css .htaccess docs/planted.html
        find "$tmp/src/many" -name '*a' -printf 'many/%P\n' | LC_ALL=C sort | head -n 30
} >"$tmp/names"

# A verdict in a second, a silent gate replaced after two; what is longer is the machine's. With four times that nobody waits
# who should not.
limit=$((4 * (1000 + 2000) + 8000))
start_sink http && hooks=$got
guard() { guard_start --mode refuse --verdict-limit 1s --alert "http://127.0.0.1:$port/hook"; }
guard

# ---------------------------------------------------------------- who reads, who tampers, who walks

start_readers()
{
        local i
        readers=()
        for i in 1 2; do
                "$reader" "$dest" "$tmp/names" "$tmp/src" >"$tmp/got.$i" 2>>"$tmp/reader.err" &
                readers+=($!)
                cleanup_process $!
        done
}

# stop_readers WHAT: what they got since they were started.
stop_readers()
{
        local reader_status=0 i
        kill "${readers[@]}"
        for i in "${readers[@]}"; do wait "$i" || reader_status=$?; done
        is "$1: every open came back" "$reader_status" 0
        jq -sc '{ genuine: (map(.genuine) | add), wrong: (map(.wrong) | add), refused: (map(.refused) | add), missing: (map(.missing) | add),
                other: (map(.other) | add), longest_ms: (map(.longest_ms) | max), name: (map(.wrong_name) | add) }' "$tmp"/got.[12] >"$tmp/stdout"
        diag "$1: $(output)"
        json_is "$1: not one wrong byte was read" '"\(.wrong) \(.name)"' '0 '
        json_is "$1: no open took longer than its limit" ".longest_ms < $limit" true
        json_is "$1: genuine files were read" '.genuine > 0' true
}

# Only by rename: whoever opened the genuine file before reads that one on.
tamper()
{
        local i
        mkdir -p "$tmp/m/evil"
        for ((i = 0; ; i++)); do
                echo "evil $i" >"$tmp/m/evil/1" && mv "$tmp/m/evil/1" "$dest/page1.html"
                echo "planted $i" >"$tmp/m/evil/2" && mv "$tmp/m/evil/2" "$dest/.htaccess"
                echo "planted $i" >"$tmp/m/evil/3" && mv "$tmp/m/evil/3" "$dest/docs/planted.html"
                sleep 0.02
                cp "$tmp/src/page1.html" "$tmp/m/evil/1" && mv "$tmp/m/evil/1" "$dest/page1.html"
                cp "$tmp/src/page2.html" "$tmp/m/evil/2" && mv "$tmp/m/evil/2" "$dest/page2.html"
                sleep 0.02
        done
} >/dev/null 2>&1
walk() { while :; do find "$dest" -type f -exec cat {} + && sleep 0.05; done; } >/dev/null 2>&1
tamper &
tampering=$!
walk &
walking=$!
cleanup_process "$tampering" "$walking"

# ---------------------------------------------------------------- who is killed

gate() { ps -o pid=,comm= --ppid "$guard" | awk '$2 == "understudy-gate" { print $1 }'; }
# This guard heals nothing: what has rights beside the gate delivers alerts, what has none are verifiers.
verifiers() { ps -o pid=,uid=,stat= --ppid "$guard" | awk '$2 != 0 && $3 !~ /Z/ { print $1 }'; }
worker() { ps -o pid=,comm=,uid= --ppid "$guard" | awk '$2 != "understudy-gate" && $3 == 0 { print $1 }'; }
moment() { sleep "0.$((RANDOM % 4))$((RANDOM % 10))"; }
count() { kinds | grep -cx "$1"; }
more() { [[ $(count "$1") -gt $2 ]]; }
# The last record of this kind is followed by a look at the whole.
looked_after() { kinds | awk -v kind="$1" '$0 == kind { seen = 1 } seen && $0 == "examined" { last = NR } $0 == kind { at = NR } END { exit !(last > at) }'; }

replaced_after()
{
        local what=$1 before
        shift
        before=$(count gate_replaced)
        start_readers
        moment
        "$@"
        ok "$what: the gate is replaced, which is in the journal" wait_for 30 more gate_replaced "$before"
        ok "$what: and everything is compared" wait_for 60 looked_after gate_replaced
        moment
        stop_readers "$what"
}

kill_gate() { kill -KILL "$(gate)"; }
stop_gate() { kill -STOP "$(gate)"; }
stop_guard_kill_gate() { kill -STOP "$guard" && kill -KILL "$(gate)" && sleep 1 && kill -CONT "$guard"; }

for ((round = 1; round <= rounds; round++)); do
        replaced_after "gate killed ($round)" kill_gate
        replaced_after "gate stopped ($round)" stop_gate
        replaced_after "guard stopped, gate killed, guard goes on ($round)" stop_guard_kill_gate

        start_readers
        moment
        kill -KILL "$(verifiers | head -n 1)"
        moment
        # shellcheck disable=SC2046 # two words
        kill -KILL $(verifiers)
        worker | xargs -r kill -KILL
        moment
        stop_readers "verifiers killed ($round)"

        before=$(count gate_slow)
        start_readers
        moment
        # shellcheck disable=SC2046
        kill -STOP $(verifiers)
        ok "verifiers stopped ($round): it is told" wait_for 30 more gate_slow "$before"
        readable() { reads "$dest/page3.html" && cp "$tmp/src/page4.html" "$tmp/m/evil/4" && mv "$tmp/m/evil/4" "$dest/page4.html" && reads "$dest/page4.html"; }
        ok "verifiers stopped ($round): others take their place" wait_for 30 readable
        stop_readers "verifiers stopped ($round)"

        start_readers
        moment
        kill -STOP "$guard"
        sleep 1
        kill -CONT "$guard"
        moment
        stop_readers "guard stopped ($round)"

        before=$(count guard_gap)
        start_readers
        moment
        kill -KILL "$guard"
        wait "$guard" 2>/dev/null
        sleep 0.5
        guard
        ok "guard killed ($round): the gap is in the journal" wait_for 30 more guard_gap "$before"
        ok "guard killed ($round): and everything is compared" wait_for 60 looked_after guard_gap
        stop_readers "guard killed ($round)"

        before=$(count guard_gap)
        start_readers
        moment
        kill -STOP "$(gate)" && kill -KILL "$guard" # nobody is left who would replace it: opens wait
        wait "$guard" 2>/dev/null
        sleep 0.5
        guard
        ok "gate stopped, guard killed ($round): a successor serves, also with its state behind that gate" wait_for 30 more guard_gap "$before"
        ok "gate stopped, guard killed ($round): and everything is compared" wait_for 60 looked_after guard_gap
        stop_readers "gate stopped, guard killed ($round)"
done

# ---------------------------------------------------------------- at the end

kill "$tampering" "$walking"
wait "$tampering" "$walking" 2>/dev/null
rm -rf "$tmp/m/evil"
ok 'the planted file was found' found .htaccess extra
told() { cat "$hooks"/*.http 2>/dev/null | grep -aq "$1"; }
ok 'and told, by a worker that was killed in between' wait_for 60 told htaccess
us pull "$dest" --repo "$repo" --pub "$pub"
eligible() { us status "$dest"; }
ok 'after a pull visitors may be sent here' wait_for 60 eligible
guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
