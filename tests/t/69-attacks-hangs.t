#!/bin/bash
# File systems that never answer: nobody who looks at the tree may wait for them, for not even SIGKILL ends that wait.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin
[[ -c /dev/fuse ]] || skip_all 'no FUSE here'
need perl timeout

cat >"$tmp/silent.pl" <<'END'
# silent.pl FOLDER-OR-FILE ROOTMODE: mounts a FUSE file system there that answers its first message and no other.
my ($place, $mode) = @ARGV;
open(my $fuse, '+<', '/dev/fuse') or die "/dev/fuse: $!\n";
my ($source, $type) = ('silent', 'fuse');
my $options = 'fd=' . fileno($fuse) . ",rootmode=$mode,user_id=0,group_id=0,allow_other";
syscall(165, $source, $place, $type, 0, $options) == 0 or die "mount: $!\n"; # SYS_mount of x86-64
$| = 1;
print "ready\n";
while (sysread($fuse, my $message, 1 << 17)) {
        my ($length, $operation, $unique) = unpack 'LLQ', $message;
        next if $operation != 26; # FUSE_INIT
        syswrite $fuse, pack('LlQ LL', 80, 0, $unique, 7, 31) . "\0" x 56;
}
END

# silent NAME PLACE ROOTMODE PATH: over something in the tree.
silent()
{
        local name=$1 place=$2 mode=$3 path=$4 daemon
        restart_standby
        perl "$tmp/silent.pl" "$place" "$mode" >"$tmp/said" 2>&1 &
        daemon=$!
        cleanup_process "$daemon"
        if ! wait_for 5 grep -qs ready "$tmp/said"; then
                skip "$name: cannot be mounted here"
                return
        fi
        # When he is gone, those who wait for him are set free.
        (sleep 20 && kill "$daemon") 2>/dev/null &
        cleanup_process $!
        SECONDS=0
        status_is 1 "$name: verify" us verify "$dest" --pub "$pub" --json
        differs "$name: where" "$path" mount
        status_is 1 "$name: pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
        ok "$name: nobody has waited" test "$SECONDS" -lt $((15 * ${TEST_PATIENCE:-1}))
        status_is 0 "$name: genuine" us verify "$dest" --pub "$pub" --json
        exact "$name: exact"
        kill "$daemon" && wait "$daemon" 2>/dev/null
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        is "$name: nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
}

[[ $(uname -m) == x86_64 ]] || skip_all 'the helper knows the call of x86-64 only'
silent 'over a folder' "$dest/docs" 40000 docs
silent 'over a page' "$dest/index.php" 100000 index.php
silent 'over an empty folder' "$dest/empty" 40000 empty

done_testing
