# shellcheck shell=bash
# failover.sh - the row of the failover, beside keepalived and ucarp in the same namespaces. Sourced by run.sh.
# shellcheck disable=SC2154 # $work, $runs, $source_folder: in run.sh

# failover_figures WHO WHAT: sorted.
failover_figures() { jq "select(.who == \"$1\" and .what == \"$2\") | .figure" "$work/failover.json" | sort -n; }
failover_middle() { failover_figures "$@" | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "-" }'; }
failover_worst() { failover_figures "$@" | tail -n 1; }

row_failover()
{
        local who what
        echo 'one page of a portal with its database; a new connection every 5 ms' >"$work/size"
        BENCH_RUNS=$runs UNDERSTUDY=$us TMPDIR=$work "$source_folder/bench/failover_lab.sh" "$work/failover.json" >"$work/output" 2>&1 ||
                stop "the lab of the failover: $(tail -n 3 "$work/output")"
        {
                echo '| gap, ms: median, worst | understudy | keepalived | ucarp |'
                echo '|---|---:|---:|---:|'
                for what in 'power cut' 'web server killed' 'web server hung'; do
                        printf '| %s |' "$what"
                        for who in understudy keepalived ucarp; do
                                if [[ $(failover_middle "$who" "$what") == - ]]; then printf ' does not notice |'; else
                                        printf ' %s, %s |' "$(failover_middle "$who" "$what")" "$(failover_worst "$who" "$what")"
                                fi
                        done
                        echo
                done
                printf '| daemon stopped: runs in which two had the address |'
                for who in understudy keepalived ucarp; do
                        printf ' %s of %s |' "$(failover_figures "$who" 'two holders' | grep -cvx 0)" "$(failover_figures "$who" 'two holders' | wc -l)"
                done
                printf '\n\nUnderstudy: a look every 20 ms, at most 40 ms each, two failures seen from two places; leases of 200 ms. '
                printf 'keepalived %s: an advertisement every 100 ms, a check every second, which is the most that it offers. ' "$(dpkg-query -W -f '${Version}' keepalived)"
                printf 'ucarp %s: every second.\n\n' "$(dpkg-query -W -f '${Version}' ucarp)"
        } >>"$work/section"
        target 'power cut, gap, ms, median' "$(failover_middle understudy 'power cut')" '<' 300
        target 'power cut, gap, ms, worst' "$(failover_worst understudy 'power cut')" '<' 500
        target 'web server killed, gap, ms, median' "$(failover_middle understudy 'web server killed')" '<' 500
        target 'web server hung, gap, ms, median' "$(failover_middle understudy 'web server hung')" '<' 500
        target 'database fenced and proven, ms, median' "$(failover_middle understudy fence)" '<' 100
        target 'the address taken, ms to the first answer, median' "$(failover_middle understudy take-over)" '<' 15
        target 'our keeper stopped: runs with two holders' "$(failover_figures understudy 'two holders' | grep -cvx 0)" '<=' 0
}
