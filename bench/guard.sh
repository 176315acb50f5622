# shellcheck shell=bash
# guard.sh - the rows of the guard: what an open costs, what the web server loses, how soon a changed file is in the
# journal and healed, and how long it takes to start. Sourced by run.sh.
# shellcheck disable=SC2154 # $work, $us, $build, $runs, $http: in run.sh and peers.sh

guard_pid=''

# guard_start ARGUMENTS...: in the background, until it is ready.
guard_start()
{
        rm -f "$work/guard.ready"
        mkfifo "$work/guard.ready"
        "$us" guard "$work/site" --pub "$work/keys/release.pub" --repo "$work/repository" "$@" >"$work/guard.ready" 2>"$work/guard.err" </dev/null &
        guard_pid=$!
        grep -qx -m 1 ready "$work/guard.ready" || stop "the guard does not start: $(cat "$work/guard.err")"
}

guard_stop()
{
        [[ -n $guard_pid ]] || return 0
        kill "$guard_pid"
        wait "$guard_pid"
        guard_pid=''
}

# figures NAME FILTER: the sorted values of FILTER in $work/NAME.json, one JSON object a line.
figures() { jq "$2" "$work/$1.json" | sort -n; }
middle_of() { figures "$@" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
worst_of() { figures "$@" | tail -n 1; }
p99_of() { figures "$@" | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99 + 0.5)] }'; }

# ---------------------------------------------------------------- what an open costs

# bench_gate mounts an image of its own, and tells the gate itself what is genuine.
row_gate()
{
        local run
        echo '20,000 opens of one small page' >"$work/size"
        for ((run = 1; run <= runs; run++)); do
                priority "${BENCH_NICE:-0}"
                (cd "$work" && TMPDIR=$folder "$build/bench/bench_gate" "$build/src/gate/understudy-gate" 20000) >"$work/gate.out" || stop 'bench_gate fails'
                priority 0
                # A line: words, p50, the figure, us, ...
                sed -n 's/^\(.*[^ ]\)  *p50 *\([0-9.]*\) us.*/\1\t\2/p' "$work/gate.out" |
                        jq -Rc 'split("\t") | { what: .[0], us: (.[1] | tonumber) }' >>"$work/gate.json"
        done
        jq -r .what "$work/gate.json" | awk '!seen[$0]++' | while IFS= read -r what; do
                printf -- '- open, read and close of a small page, %s: %.2f us\n' "$what" "$(middle_of gate "select(.what == \"$what\") | .us")"
        done >>"$work/section"
        target 'us more for a known page (p50)' "$(awk -v with="$(middle_of gate 'select(.what == "known, with its mark") | .us')" \
                -v without="$(middle_of gate 'select(.what == "no gate") | .us')" 'BEGIN { printf "%.2f", with - without }')" '<=' 1
}

# ---------------------------------------------------------------- what the web server loses

# wrk_round NAME: requests a second, at full speed on all processors, for three seconds.
wrk_round()
{
        wrk -t 1 -c 32 -d 3s -s "$work/paths.lua" "$http/" >"$work/output" 2>&1 || stop "wrk: $(cat "$work/output")"
        grep -q 'Non-2xx' "$work/output" && stop "wrk was refused pages $1: $(grep Non-2xx "$work/output")"
        awk '/^Requests\/sec/ { print "{\"requests\": " $2 "}" }' "$work/output" >>"$work/$1.json"
}

small_pages() { find "$work/site" -type f -size -17k -size +0 ! -name '.*' -printf '%P\n' | LC_ALL=C sort | awk 'NR % 7 == 0' | head -n "$1"; }

row_web()
{
        local mode round
        prepare_standby
        serve
        small_pages 200 | awk 'BEGIN { print "local paths = {" } { gsub(/["\\]/, "\\\\&"); print "\"/site/" $0 "\"," } END {
                print "}\nlocal n = 0\nfunction request() n = n % #paths + 1 return wrk.format(\"GET\", paths[n]) end" }' >"$work/paths.lua"
        ready "$work/site"
        wrk -t 1 -c 32 -d 3s -s "$work/paths.lua" "$http/" >/dev/null 2>&1 # nobody is measured while things get warm
        for ((round = 1; round <= runs + 2; round++)); do
                wrk_round ungated
                for mode in auto always; do
                        guard_start --mode refuse --reads "$mode"
                        wrk_round "$mode"
                        guard_stop
                done
        done
        printf -- '- %s requests a second\n' "no guard: $(middle_of ungated .requests)" "guard, asked at open: $(middle_of auto .requests)" \
                "guard, asked at each read too: $(middle_of always .requests)" >>"$work/section"
        for mode in auto always; do
                target "requests a second, guard (--reads $mode) : no guard, its processor time included" \
                        "$(awk -v with="$(middle_of $mode .requests)" -v without="$(middle_of ungated .requests)" 'BEGIN { printf "%.2f", with / without }')" '>=' 0.90
        done
}

# ---------------------------------------------------------------- from a write to the record, and to a healed tree

# tampered NAME COUNT: COUNT times three files, each time under a guard that was started anew: the fourth heal in a minute
# would wait, for something that comes back again and again.
tampered()
{
        local round
        for ((round = 0; round < $2; round++)); do
                guard_start --mode heal --reload "kill -HUP $nginx_pid; echo reloaded >>$work/reloaded"
                "$build/bench/bench_tamper" "$work/planted" "$work/state/journal/checkpoint" "$work/reloaded" 2000 \
                        "${files[@]:round * 3:3}" >>"$work/$1.json" || stop "bench_tamper: $(cat "$work/guard.err")"
                guard_stop
        done
}

# recorded NAME: two hundred pages, one after the other, under one guard that heals nothing meanwhile: from the change to
# its record. Then the tree is brought back. Three times: of 200 two would be the p99, and one hiccup of a disk makes two.
recorded()
{
        local round
        for ((round = 0; round < 3; round++)); do
                guard_start --mode refuse
                "$build/bench/bench_tamper" "$work/planted" "$work/state/journal/checkpoint" - 100 "${pages[@]}" >>"$work/$1.json" ||
                        stop "bench_tamper: $(cat "$work/guard.err")"
                guard_stop
                "$us" pull "$work/site" --pub "$work/keys/release.pub" --repo "$work/repository" >"$work/output" 2>&1
                [[ $? -le 1 ]] || stop "pull: $(cat "$work/output")"
        done
}

row_heal()
{
        local files pages load what name
        prepare_standby
        serve
        aide_init "$work/site"
        mapfile -t files < <(small_pages 30)
        files=("${files[@]/#/$work/site/}")
        mapfile -t pages < <(small_pages 230 | tail -n 200)
        pages=("${pages[@]/#/$work/site/}")
        : >"$work/reloaded"
        recorded refused
        tampered idle 8
        "$us" journal show --json | jq -c 'select(.kind == "healed") | { ms: .found_to_healed_ms }' >"$work/proven.json"
        printf 'wrk.method = "GET"\nwrk.path = "/site/%s"\n' "$(small_pages 300 | tail -n 1)" >"$work/paths.lua"
        wrk -t 1 -c 32 -d 300s -s "$work/paths.lua" "$http/" >/dev/null 2>&1 &
        load=$!
        recorded refused-load
        tampered load 5
        { kill "$load" && wait "$load"; } 2>/dev/null
        ready "$work/site"
        measured 'aide --check, until it could be known' 0 aide --config="$work/aide.conf" --check
        table wall cpu
        printf -- '- %s files; durable: record and tiles are fsynced, no power cut takes it; signed: under a new checkpoint, to be read\n' \
                "$(figures refused .disk_ms | wc -l)" >>"$work/section"
        target 'ms, one small file replaced for good on the same disk between two of them (its floor), idle: p99' "$(p99_of refused .disk_ms)" shown 1
        target 'ms, one small file replaced for good on the same disk, wrk at full speed: p99' "$(p99_of refused-load .disk_ms)" shown 1
        for what in durable record; do
                name=durable
                [[ $what == durable ]] || name=signed
                target "ms from a change to its record in the journal, $name, idle: p50" "$(middle_of refused ".${what}_ms")" shown 1
                target "ms from a change to its record in the journal, $name, idle: p99" "$(p99_of refused ".${what}_ms")" '<' 5
                target "ms from a change to its record in the journal, $name, wrk at full speed: p50" "$(middle_of refused-load ".${what}_ms")" shown 1
                target "ms from a change to its record in the journal, $name, wrk at full speed: p99" "$(p99_of refused-load ".${what}_ms")" '<' 50
        done
        target 'ms from a change to its record in the journal, signed, under a guard that heals, idle: the worst of 24' "$(worst_of idle .record_ms)" shown 1
        target 'ms from a change to its record, signed, under a guard that heals, wrk at full speed: the worst of 15' "$(worst_of load .record_ms)" shown 1
        target 'ms from a change to a genuine page and a reloaded server, idle: median' "$(middle_of idle .healed_ms)" '<' 300
        target 'ms from a finding to `healed`, the whole tree compared, idle: median' "$(middle_of proven .ms)" '<' 300
        target 'ms from a change to a genuine page and a reloaded server, wrk at full speed: median' "$(middle_of load .healed_ms)" shown 1
}

# ---------------------------------------------------------------- to start

row_start()
{
        prepare_standby
        for ((run = 1; run <= runs; run++)); do
                ready "$work/site"
                measured 'understudy verify' 0 "$us" verify "$work/site" --pub "$work/keys/release.pub"
                ready "$work/site"
                guard_since=$EPOCHREALTIME
                guard_start --mode refuse
                awk -v a="$guard_since" -v b="$EPOCHREALTIME" 'BEGIN { printf "{\"start\": %.3f}\n", b - a }' >>"$work/start.json"
                guard_stop
        done
        table wall cpu
        target 'wall, guard until it is ready : verify' \
                "$(awk -v start="$(middle_of start .start)" -v verify="$(median 1 'understudy verify')" 'BEGIN { printf "%.2f", start / verify }')" '<=' 1.10
}
