# shellcheck shell=bash
# detect.sh - the row that sets the guard beside Debian's programs that watch files: how soon each knows that a page was
# changed. Sourced by run.sh.
# shellcheck disable=SC2154 # $work, $us, $build, $runs: in run.sh; files: in row_detect
#
# samhain 4 with its inotify module, and auditd with a watch on the tree and ausearch to ask it. Their packages are unpacked
# beside the others, not installed: nobody's machine gets a daemon because something is measured. auditd is the kernel's one
# for the whole machine: where one runs already, it is left alone and not measured; our rule is for our tree alone and goes
# with the row. fapolicyd is not measured: it marks every mount that is of a kind it is told, the root of the machine among
# them, to decide what may be run; that a page differs from its release it cannot say, and if it hangs, so does the machine.

detect_packages=(samhain libprelude28 libltdl7 auditd libauparse0)
detect_pids=()

# Before run.sh enters its network namespace, where nothing can be fetched.
detect_unpacked()
{
        [[ ! -e $cache/watchers ]] || return 0
        mkdir -p "$cache/watchers.debs"
        (cd "$cache/watchers.debs" && apt-get -q download "${detect_packages[@]}") >"$cache/download.log" 2>&1 ||
                stop "the packages cannot be downloaded: $(tail -n 2 "$cache/download.log")"
        for package in "$cache"/watchers.debs/*.deb; do dpkg -x "$package" "$cache/watchers.new"; done
        mv "$cache/watchers.new" "$cache/watchers"
        rm -rf "$cache/watchers.debs"
}

watchers=$cache/watchers
with_libraries=(env "LD_LIBRARY_PATH=$watchers/usr/lib/$(uname -m)-linux-gnu:$watchers/lib/$(uname -m)-linux-gnu")
# unpacked PROGRAM ARGUMENT...: one of them, with its libraries.
unpacked() { "${with_libraries[@]}" "$watchers/$1" "${@:2}"; }

detect_stop()
{
        local pid
        [[ -z ${detect_rule:-} ]] || unpacked sbin/auditctl -W "$work/site" -p wa -k understudy-bench >/dev/null 2>&1
        [[ -z ${detect_audit:-} ]] || unpacked sbin/auditctl -e "$detect_audit" >/dev/null 2>&1
        detect_rule='' detect_audit=''
        for pid in "${detect_pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
        detect_pids=()
}

# noticed NAME LOG PAUSE FILE...: once for each file.
noticed() { "$build/bench/bench_noticed" "$work/planted" "$2" "$3" "${@:4}" >>"$work/$1.json" || stop "bench_noticed: $1"; }

# waits_for SECONDS COMMAND...
waits_for()
{
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [[ $SECONDS -lt $end ]] || return 1
                sleep 0.1
        done
}

# Its configuration has one place, /etc/samhain: over the machine's /etc lies a folder of ours, in a mount namespace of its own.
samhain_start()
{
        mkdir -p "$work/etc/samhain" "$work/etc.work" "$work/samhain"
        cat >"$work/etc/samhain/samhainrc" <<END
[ReadOnly]
dir = 99$work/site
[Log]
MailSeverity = none
PrintSeverity = none
LogSeverity = mark
SyslogSeverity = none
[Misc]
Daemon = no
ChecksumTest = check
SetLoopTime = 60
SetFilecheckTime = 3600
SetDatabasePath = $work/samhain/database
SetLogfilePath = $work/samhain/log
SetLockfilePath = $work/samhain/lock
[Inotify]
InotifyActive = yes
InotifyWatches = 1048576
[EOF]
END
        # shellcheck disable=SC2016 # the inner shell expands it
        local in_place=(unshare --mount bash -c 'mount -t overlay overlay -o "lowerdir=/etc,upperdir=$0/etc,workdir=$0/etc.work" /etc && exec "$@"'
                "$work" "${with_libraries[@]}" "$watchers/usr/sbin/samhain")
        "${in_place[@]}" -t init >"$work/output" 2>&1 </dev/null || stop "samhain -t init: $(tail -n 3 "$work/output")"
        "${in_place[@]}" -t check --foreground --forever >"$work/output" 2>&1 </dev/null &
        detect_pids+=($!)
        waits_for 300 samhain_watches || stop "samhain does not start: $(tail -n 3 "$work/output" "$work/samhain/log" 2>/dev/null)"
}
# It says so when the first look at everything, in which it sets its watches, is over.
samhain_watches() { grep -qi 'File check completed' "$work/samhain/log" 2>/dev/null; }

auditd_start()
{
        local enabled
        if [[ $(unpacked sbin/auditctl -s 2>/dev/null | awk '$1 == "pid" { print $2 }') != 0 ]]; then
                echo '- auditd: not measured, for one runs on this machine, or the kernel has none' >>"$work/section"
                return 1
        fi
        mkdir -p "$work/audit/plugins.d"
        cat >"$work/audit/auditd.conf" <<END
log_file = $work/audit/audit.log
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 100
num_logs = 2
max_log_file_action = ROTATE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = $work/audit/plugins.d
END
        chmod 0640 "$work/audit/auditd.conf"
        enabled=$(unpacked sbin/auditctl -s | awk '$1 == "enabled" { print $2 }')
        "${with_libraries[@]}" "$watchers/sbin/auditd" -n -c "$work/audit" >"$work/output" 2>&1 </dev/null &
        detect_pids+=($!)
        detect_audit=$enabled
        waits_for 20 test -s "$work/audit/audit.log" || stop "auditd does not start: $(tail -n 3 "$work/output")"
        unpacked sbin/auditctl -e 1 >/dev/null
        unpacked sbin/auditctl -w "$work/site" -p wa -k understudy-bench >"$work/output" 2>&1 ||
                stop "auditctl: $(tail -n 3 "$work/output")"
        detect_rule=yes
}

row_detect()
{
        local files count=${BENCH_CHANGES:-8} milliseconds name
        prepare_standby
        mapfile -t files < <(small_pages 120 | awk -F / '!seen[$NF]++' | head -n "$count")
        files=("${files[@]/#/$work/site/}")

        guard_start --mode observe
        noticed guard "$work/guard.err" 1 "${files[@]}"
        guard_stop
        samhain_start
        noticed samhain "$work/samhain/log" 1 "${files[@]}"
        detect_stop
        : >"$work/auditd.json"
        if auditd_start; then
                noticed auditd "$work/audit/audit.log" 1 "${files[@]}"
                ready "$work/audit"
                for ((run = 1; run <= runs; run++)); do
                        measured 'ausearch, which process it was' 0 "${with_libraries[@]}" "$watchers/sbin/ausearch" -if "$work/audit/audit.log" \
                                -k understudy-bench -f "${files[0]}" -i
                done
                detect_stop
        fi
        aide_init "$work/site"
        for ((run = 1; run <= runs; run++)); do
                ready "$work/site"
                measured 'aide --check, until it could be known' 0 aide --config="$work/aide.conf" --check
        done
        table wall cpu
        for name in guard samhain auditd; do
                [[ -s $work/$name.json ]] || continue
                milliseconds=$(middle_of "$name" '.noticed_ms // 60000')
                printf -- '- %s: %s ms from a change until its log names the file (median of %s; the worst %s ms)\n' \
                        "$name" "$milliseconds" "$count" "$(worst_of "$name" '.noticed_ms // 60000')" >>"$work/section"
        done
        target 'ms, samhain : guard' "$(awk -v a="$(middle_of samhain '.noticed_ms // 60000')" -v b="$(middle_of guard .noticed_ms)" 'BEGIN { printf "%.1f", a / b }')" '>' 1
}
