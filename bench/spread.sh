# shellcheck shell=bash
# spread.sh - the row of the analyzer over several ClickHouse servers, all on this machine. Sourced by run.sh.
. "$source_folder/tests/support/clickhouse.sh"

# What tests/support/clickhouse.sh asks of its caller; row_clean() ends what is left.
spread_servers=()
cleanup_process() { spread_servers+=("$@"); }
wait_for()
{
        local end=$((SECONDS + $1))
        shift
        until "$@"; do [[ $SECONDS -lt $end ]] || return 1; sleep 0.05; done
}
spread_stop()
{
        local one
        for one in "${spread_servers[@]}"; do kill -KILL "$one" 2>/dev/null && wait "$one" 2>/dev/null; done
        spread_servers=()
}

# spread_config DATABASE
spread_config()
{
        sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
        printf 'analyze { clickhouse { database = %s unproven = take_part\n' "$1"
        printf 'shard "an%s" { url = "http://127.0.0.1:812%s/" }\n' 1 1 2 2 3 3
        printf '} }\n'
}

# spread_once NAME DATABASE: all lines, from the log until every server has its part; none lost, none doubled.
spread_once()
{
        local port found=0
        spread_config "$2" >"$work/site.conf"
        rm -rf "$work/spool"
        "$us" analyze migrate --config "$work/site.conf" --quiet || stop 'migrate fails'
        ready "$work/access.log"
        # shellcheck disable=SC2016 # for sh
        measured "$1" 0 sh -c 'until "$@"; do [ $? -eq 3 ] || exit; done' - "$us" analyze --follow "$work/access.log" --spool "$work/spool" \
                --config "$work/site.conf" --once
        for port in 8121 8122 8123; do
                found=$((found + $(clickhouse_database=$2 clickhouse_sql "$port" 'SELECT count() FROM event')))
                clickhouse_sql "$port" "DROP DATABASE $2"
        done
        [[ $found -eq $lines ]] || stop "$found of $lines events are there"
}

row_spread()
{
        local tmp=$work lines=8000000 run i
        "$build/tests/support/log_generator" "$lines" 1 7 >"$work/access.log" || stop 'the generator of logs fails'
        printf '%s lines, %s, three servers on this machine' "$lines" "$(stat -c %s "$work/access.log" | awk '{ printf "%.1f MB", $1 / 1e6 }')" >"$work/size"
        for i in 1 2 3; do clickhouse_launch "an$i" "812$i"; done
        for i in 1 2 3; do clickhouse_ready "an$i" "812$i" || stop 'ClickHouse does not start'; done
        for ((run = 1; run <= runs; run++)); do
                spread_once 'analyze over three servers' "bench$run"
                (sleep 6 && kill -KILL "${clickhouse[an2]}") &
                (sleep 8 && clickhouse_launch an2 8122 && echo "${clickhouse[an2]}" >"$work/an2.pid" && wait) &
                spread_once 'the same, one killed and started again' "killed$run"
                clickhouse[an2]=$(<"$work/an2.pid")
                spread_servers+=("${clickhouse[an2]}")
        done
        table wall cpu memory
        target 'events a second' "$(median 1 'analyze over three servers' | awk -v lines="$lines" '{ printf "%d", lines / $1 }')" '>=' 300000
        target 'events a second, one server killed' "$(median 1 'the same, one killed and started again' | awk -v lines="$lines" '{ printf "%d", lines / $1 }')" shown 1
        spread_stop
}
