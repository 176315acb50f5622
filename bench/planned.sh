# shellcheck shell=bash
# planned.sh - the row of the planned move, beside keepalived's by priority in the same namespaces. Sourced by run.sh.
# shellcheck disable=SC2154 # $work, $runs, $source_folder: in run.sh

# planned_sum WHO WHAT; planned_runs WHO
planned_sum() { jq "select(.who == \"$1\" and .what == \"$2\") | .figure" "$work/planned.json" | awk '{ s += $1 } END { print NR ? s : "-" }'; }

row_planned()
{
        local what
        echo "slow downloads, kept connections with a request every 50 ms, a new connection every 5 ms; $runs moves each way" >"$work/size"
        BENCH_RUNS=$runs UNDERSTUDY=$us TMPDIR=$work "$source_folder/bench/planned_lab.sh" "$work/planned.json" >"$work/output" 2>&1 ||
                stop "the lab of the planned move: $(tail -n 3 "$work/output")"
        {
                echo '| all runs together | understudy | keepalived, by priority |'
                echo '|---|---:|---:|'
                for what in 'new requests' 'failed new requests' 'kept connections' 'broken kept connections' downloads 'downloads not byte-exact'; do
                        printf '| %s | %s | %s |\n' "$what" "$(planned_sum understudy "$what")" "$(planned_sum keepalived "$what")"
                done
                printf '\nBoth ways: to the stand-by and back. keepalived %s: its priority is lowered and it is told to read its configuration again.\n\n' \
                        "$(dpkg-query -W -f '${Version}' keepalived)"
        } >>"$work/section"
        target 'failed new requests' "$(planned_sum understudy 'failed new requests')" '<=' 0
        target 'broken established connections' "$(planned_sum understudy 'broken kept connections')" '<=' 0
        target 'downloads not byte-exact' "$(planned_sum understudy 'downloads not byte-exact')" '<=' 0
        target 'switch --plan, 3,000 files, ms, worst' "$(jq 'select(.what == "plan") | .figure' "$work/planned.json" | sort -n | tail -n 1)" '<' 1000
}
