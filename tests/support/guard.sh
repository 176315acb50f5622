# shellcheck shell=bash
# guard.sh - what the tests of the guard share: a file system of their own, for whoever refuses opens must never do so on
# the machine's.

# guard_place: an ext4 in a file, mounted at $tmp/m; DEST lies on it from then on.
guard_place()
{
        need_root
        need mkfs.ext4 losetup jq
        truncate -s "${1:-256M}" "$tmp/disk.img"
        mkfs.ext4 -q "$tmp/disk.img" || bail_out 'mkfs.ext4'
        mkdir "$tmp/m"
        mount -o loop "$tmp/disk.img" "$tmp/m" || skip_all 'cannot mount a file as a disk'
        dest=$tmp/m/www/site
}

# guard_start ARGUMENTS...: in the background, until it says that it is ready. Its words go to $tmp/guard.err.
guard_start()
{
        : >"$tmp/guard.out"
        "$UNDERSTUDY" guard "$dest" --pub "$pub" "$@" >"$tmp/guard.out" 2>>"$tmp/guard.err" </dev/null &
        guard=$!
        cleanup_process "$guard"
        wait_for 60 guard_is_ready || { fail 'the guard says ready' && sed 's/^/# /' "$tmp/guard.err"; }
}

guard_is_ready() { grep -qx ready "$tmp/guard.out" || ! kill -0 "$guard" 2>/dev/null; }

guard_is_gone() { ! kill -0 "$guard" 2>/dev/null; }

guard_stop()
{
        kill "$guard" 2>/dev/null
        wait_for 60 guard_is_gone || { fail 'the guard ends when it is told to' && kill -KILL "$guard"; }
        wait "$guard"
}

# findings FILTER: of the journal, oldest first.
findings() { "$UNDERSTUDY" journal show --json 2>/dev/null | jq -rc "select(.kind == \"finding\") | ${1:-.}"; }
kinds() { "$UNDERSTUDY" journal show --json 2>/dev/null | jq -r .kind; }

# found PATH KIND: the journal has such a finding.
found() { [[ -n $(findings "select(.path == \"$1\") | .differences[] | select(. == \"$2\")") ]]; }

has_kind() { kinds | grep -qx "$1"; }

# reads FILE: its bytes reach a reader (bounded: a guard that never answers must not hang the test).
reads() { timeout 20 cat "$1" >"$tmp/read" 2>/dev/null; }
