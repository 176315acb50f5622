# shellcheck shell=bash
# crash.sh - what the crash tests share: a command is ended by SIGKILL just before one of its system calls, for one
# call after the other, and each time what lies on the disk is examined. Sourced after tests/t/lib.sh.
#
# A test defines
#     crash_prepare    puts everything back to how it is before the command
#     crash_command    an array, the command; undisturbed it ends in $crash_status (0)
#     crash_examine    after the kill: 0 if the old or the new state is there, whole; otherwise says what is wrong
#     crash_finish     the next run succeeds, ends in the new state and leaves nothing behind; otherwise says what is wrong
# and calls crash_everywhere. Results: $crash_runs, $crash_kills, and the array crash_violations.
#
# strace kills before the call is executed, so "before the next call" is "after this one" and every boundary is met. The
# first process of the command is the one whose calls are counted; what it forked must be gone by itself soon after it.

# The calls that change what is on the disk, in the mount table or in another process. Each of them is a kill point; of all
# the others, before which the disk is as it was before the last changing one, only a sample is: CRASH_SAMPLE points (20),
# evenly spread; 0: every single one. With CRASH_STRIDE only one changing call in so many is a kill point; which ones goes
# round with the commits, so that CI comes to each of them. CRASH_PART=2/3 takes each third point, from the second on: what
# is too long for one run is done in several, beside each other.
crash_changing=' write pwrite64 writev pwritev pwritev2 ftruncate fallocate copy_file_range sendfile ioctl rename
renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir mkdir mkdirat mknodat fsync fdatasync syncfs sync
fchmod fchmodat chmod fchown fchownat lchown chown utimensat setxattr lsetxattr fsetxattr removexattr lremovexattr
fremovexattr flock mount umount2 move_mount open_tree unshare clone clone3 fork vfork wait4 kill '

# Under ptrace the leak checker of a sanitized build cannot work.
crash_environment=(env "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0")

crash_phase=${CRASH_PHASE:-$("$source_folder/tests/support/turn.sh")}

crash_runs=0
crash_kills=0
crash_violations=()

# crash_points: runs the command once, whole, and prints the kill points, one a line: a call's name and which one of
# that name it is (this is how strace counts).
crash_points()
{
        crash_prepare
        run "${crash_environment[@]}" strace -qq -e signal=none -o "$tmp/strace" "${crash_command[@]}"
        [[ $status -eq ${crash_status:-0} ]] || { output_diag >&2 && return 1; }
        # execve was there before strace could kill; an exit ends the process anyway.
        sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$tmp/strace" | grep -vxE 'execve|exit|exit_group' |
                awk -v changing="$(echo $crash_changing)" -v sample="${CRASH_SAMPLE:-20}" -v stride="${CRASH_STRIDE:-1}" -v phase="$crash_phase" '
                        { name[NR] = $1; nth[NR] = ++seen[$1] }
                        END {
                                for (i = 1; i <= NR; i++) others += !index(" " changing " ", " " name[i] " ")
                                step = sample > 0 && others > sample ? others / sample : 1
                                for (i = 1; i <= NR; i++) {
                                        if (index(" " changing " ", " " name[i] " ")) {
                                                if (++change % stride == phase % stride) print name[i], nth[i]
                                                continue
                                        }
                                        if (int(++other / step) != int((other - 1) / step)) print name[i], nth[i]
                                }
                        }'
}

# crash_at CALL N: one round, killed before the Nth CALL.
crash_at()
{
        local where="before $1 number $2" words ends

        crash_prepare
        # Everything that the command starts inherits descriptor 9, a pipe: it ends when the last of them is gone.
        (
                "${crash_environment[@]}" strace -qq -e signal=none -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
                        -o /dev/null "${crash_command[@]}" 9>&1 >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
                exit $?
        ) 2>/dev/null | timeout "${CRASH_PATIENCE:-20}" cat >/dev/null
        ends=("${PIPESTATUS[@]}")
        crash_runs=$((crash_runs + 1))
        if [[ ${ends[0]} -eq 137 ]]; then
                crash_kills=$((crash_kills + 1))
        elif [[ ${ends[0]} -ne ${crash_status:-0} ]]; then
                crash_violations+=("$where: not killed, ended in ${ends[0]}: $(head -c 300 "$tmp/stderr")")
        fi
        [[ ${ends[1]} -eq 0 ]] || crash_violations+=("$where: a process of the killed command lives on")
        words=$(crash_examine 2>&1) || crash_violations+=("$where: after the kill: $words")
        words=$(crash_finish 2>&1) || crash_violations+=("$where: the next run: $words")
}

# crash_met: it was killed at nearly each point. How often a command reads from its helper is not the same each time, so a
# late kill point may not be met again: one, or one in twenty.
crash_met() { [[ $((crash_runs - crash_kills)) -le $((1 + crash_runs / 20)) && $crash_kills -gt 0 ]]; }

# crash_everywhere: all kill points.
crash_everywhere()
{
        local call nth

        crash_points >"$tmp/crash-all" || bail_out "the command to be killed does not end well by itself"
        awk -v part="${CRASH_PART:-1/1}" 'BEGIN { split(part, of, "/") } NR % of[2] == of[1] % of[2]' "$tmp/crash-all" >"$tmp/crash-points"
        diag "$(wc -l <"$tmp/crash-points") kill points of $(wc -l <"$tmp/strace") system calls"
        while read -r call nth; do
                crash_at "$call" "$nth"
        done <"$tmp/crash-points"
        for call in "${crash_violations[@]:0:20}"; do diag "$call"; done
        diag "$crash_runs runs, $crash_kills kills, ${#crash_violations[@]} violations"
}
