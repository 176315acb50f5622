# shellcheck shell=bash
# power.sh - what the power-loss tests share: a command works on an ext4 whose every write is logged; afterwards the
# log says what the disk would hold had the power gone at any of its flushes, and each of these disks is mounted and
# examined. Sourced after tests/t/lib.sh.
#
# There may be no device mapper, so qemu-storage-daemon logs the writes (blklogwrites); it shows the disk as a file
# through FUSE, and a loop device on that file carries the ext4. The loop device stays in buffered mode: FUSE hands
# every write on at once, and a flush of the file system reaches the log as a flush.
#
# A test defines
#     power_prepare    fills $power_disk (mounted, an empty ext4) with what is there before the command
#     power_command    an array, the command; it works below $power_disk and ends in $power_status (0)
#     power_examine    0 if the old or the new state is there, whole; with the argument "done" only the new one: the
#                      command had ended, and what it said must still be true. Otherwise it says what is wrong
#     power_finish     the next run succeeds and leaves nothing behind
# and calls power_everywhere. Results: $power_images, and the array power_violations.

power_disk=$tmp/disk
power_images=0
power_flushes=0
power_violations=()
power_size=${POWER_SIZE:-48M}

# The test begins anew in a namespace of mounts that nobody else copies: whoever makes one elsewhere, as a lab does, would
# get this disk mounted there, too, and an ext4 that is still mounted somewhere is not written back by umount. For the same
# reason nothing of other tests stays mounted here.
power_alone()
{
        local folder

        if [[ -z ${POWER_ALONE:-} ]]; then
                remove_folder "$tmp"
                POWER_ALONE=yes exec unshare --mount --propagation private bash "$0"
        fi
        for folder in "${tmp%/*}"/us-test.*; do unmount_below "$folder"; done
}

power_need()
{
        need_root
        need qemu-storage-daemon mkfs.ext4 losetup unshare
        [[ -e /dev/fuse && -e /dev/loop-control ]] || skip_all 'there is no FUSE or no loop device here'
        power_alone
        replay_log=$build_folder/tests/support/replay_log
        [[ -x $replay_log ]] || bail_out "$replay_log is not built"
        mkdir -p "$power_disk"
}

# A mount of an image file: umount frees its loop device. Without auto_da_alloc ext4 keeps nothing of a file that was
# renamed without a sync, as other file systems do.
power_mount() { mount -o loop,noauto_da_alloc "$1" "$power_disk"; }

# What the command started may still be on its way out; a disk that stays mounted would be taken for the next one.
power_unmount()
{
        wait_for 10 umount "$power_disk" 2>"$tmp/unmount" && return
        bail_out "the disk cannot be unmounted: $(tail -n 1 "$tmp/unmount"), held by: $(find /proc/[0-9]*/{cwd,root,exe,fd/} -lname "$power_disk*" 2>/dev/null)"
}

power_log_start()
{
        : >"$tmp/fuse.img"
        : >"$tmp/writes.log"
        qemu-storage-daemon --blockdev driver=file,node-name=disk,filename="$tmp/logged.img" \
                --blockdev driver=file,node-name=log,filename="$tmp/writes.log" \
                --blockdev driver=blklogwrites,node-name=writes,file=disk,log=log,log-sector-size=512 \
                --export type=fuse,id=export,node-name=writes,mountpoint="$tmp/fuse.img",writable=on,growable=off \
                >"$tmp/daemon.log" 2>&1 &
        power_daemon=$!
        cleanup_process "$power_daemon"
        wait_for 5 mountpoint -q "$tmp/fuse.img" || bail_out "qemu-storage-daemon: $(cat "$tmp/daemon.log")"
}

power_log_stop()
{
        kill "$power_daemon"
        wait "$power_daemon" 2>/dev/null
        return 0
}

# power_record: runs the command on a logged disk. $tmp/before.img is the disk before, $power_flushes the flushes until
# the command's end.
power_record()
{
        rm -f "$tmp/before.img" "$tmp/logged.img"
        truncate -s "$power_size" "$tmp/before.img"
        mkfs.ext4 -q -J size=4 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$tmp/before.img" &&
                power_mount "$tmp/before.img" && power_prepare ||
                bail_out 'the disk cannot be made'
        power_unmount
        cp --sparse=always "$tmp/before.img" "$tmp/logged.img"
        power_log_start
        power_mount "$tmp/fuse.img" || bail_out 'the logged disk cannot be mounted'
        run "${power_command[@]}"
        power_flushes=$("$replay_log" "$tmp/writes.log")
        # Nothing that comes after the command's end belongs to it, so the log is cut off here.
        cp "$tmp/writes.log" "$tmp/command.log"
        power_unmount
        power_log_stop
        [[ $status -eq ${power_status:-0} ]] || { output_diag && bail_out "the command ended in $status"; }
}

# power_image WORDS WHEN: examines the disk $tmp/crashed.img as it is mounted after the power is back.
power_image()
{
        local words

        power_images=$((power_images + 1))
        if ! power_mount "$tmp/crashed.img" 2>"$tmp/stderr"; then
                power_violations+=("$1: the disk cannot be mounted: $(errors)")
                return
        fi
        words=$(power_examine "$2" 2>&1) || power_violations+=("$1: $words")
        words=$(power_finish 2>&1) || power_violations+=("$1: the next run: $words")
        power_unmount
}

# power_crash: a new $tmp/crashed.img. It must be a new file: the loop device of the last one may not have gone yet, and
# mount would take it again, with what the kernel remembers of it.
power_crash()
{
        rm -f "$tmp/crashed.img"
        cp --sparse=always "$tmp/at.img" "$tmp/crashed.img"
}

# power_everywhere: every flush, and between two of them POWER_COINS disks (1) that kept some of the unflushed writes.
# About POWER_POINTS flushes are taken (25), evenly spread, others with each commit, the last one always; 0: all.
power_everywhere()
{
        local n at=0 when coin step=1 phase=${POWER_PHASE:-$("$source_folder/tests/support/turn.sh")}

        power_record
        [[ ${POWER_POINTS:=25} -eq 0 ]] || step=$(((power_flushes + POWER_POINTS - 1) / POWER_POINTS))
        diag "$power_flushes flushes until the command ended; one in $step is a power loss"
        cp --sparse=always "$tmp/before.img" "$tmp/at.img"
        for n in $(seq $((phase % step)) "$step" $((power_flushes - 1))) "$power_flushes"; do
                "$replay_log" "$tmp/command.log" "$tmp/at.img" "$at" "$n" || bail_out 'the log cannot be replayed'
                at=$n
                when=during
                [[ $n -lt $power_flushes ]] || when='done'
                power_crash
                power_image "power lost after flush $n of $power_flushes" "$when"
                for ((coin = 1; coin <= ${POWER_COINS:-1}; coin++)); do
                        power_crash
                        "$replay_log" "$tmp/command.log" "$tmp/crashed.img" "$n" "$n" "$coin"
                        power_image "power lost after flush $n of $power_flushes and some writes (coins $coin)" "$when"
                done
        done
        for n in "${power_violations[@]:0:20}"; do diag "$n"; done
        diag "$power_images disks, ${#power_violations[@]} violations"
}
