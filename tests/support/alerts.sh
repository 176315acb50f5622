# shellcheck shell=bash
# alerts.sh - receivers of alerts, and a caller that posts some; sourced behind lib.sh.

notify_driver=$build_folder/tests/support/notify_driver
notify_sink=$build_folder/tests/support/notify_sink
[[ -x $notify_driver && -x $notify_sink ]] || bail_out 'build first: notify_driver and notify_sink are not there'

# Receivers live as long as this descriptor of the test is open.
mkfifo "$tmp/alive"
exec {alive}<>"$tmp/alive"
sinks=0

# start_sink KIND [MODE [PORT]]: sets $port, $sink (process) and $got (the folder of what it received).
start_sink()
{
        local port_file

        sinks=$((sinks + 1))
        got=$tmp/sink.$sinks
        port_file=$tmp/port.$sinks
        mkdir "$got"
        "$notify_sink" "$1" "$got" "${2:-accept}" ${3:+"$3"} <"$tmp/alive" >"$port_file" 2>>"$tmp/sink.log" &
        sink=$!
        cleanup_process "$sink"
        wait_for 20 test -s "$port_file" || bail_out "the receiver of $1 does not start: $(cat "$tmp/sink.log")"
        port=$(cat "$port_file")
}

# stop_sink: the last one.
stop_sink() { kill "$sink" 2>/dev/null && wait "$sink" 2>/dev/null; }

# A port of this machine where nobody listens now.
free_port()
{
        start_sink tcp
        stop_sink
}

# received FOLDER: how many.
received() { find "$1" -maxdepth 1 -name '[0-9]*' | wc -l; }
has_received() { [[ $(received "$1") -ge $2 ]]; }

# drive TARGET-OR-OPTION...: a caller whose commands come on standard input; output in $tmp/stdout, words in $tmp/stderr.
drive()
{
        timeout 120 "$notify_driver" "$state" "$@" >"$tmp/stdout" 2>"$tmp/stderr"
        status=$?
}

# counter NAME: of the last `counters` that drive() printed.
counter() { grep '^{' "$tmp/stdout" | tail -n 1 | jq ".$1"; }
