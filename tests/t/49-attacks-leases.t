#!/bin/bash
# Leases and clocks: what tells us that nobody writes, turned against us.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin

# Whoever owns a file may take a write lease on it. Who opens it then waits until it is given back, or until the kernel
# takes it away, 45 seconds later: for each file of a site that makes hours.
hold_leases()
{
        perl -e 'use Fcntl; $SIG{IO} = "IGNORE"; $| = 1;
                for my $name (@ARGV) {
                        open(my $f, "+<", $name) or die "$name: $!";
                        fcntl($f, 1024, F_WRLCK) or die "$name: $!";
                        push @held, $f;
                }
                print "ready\n"; sleep 120' "$@" >"$tmp/said" 2>&1 &
        holder=$!
        cleanup_process "$holder"
        wait_for 5 grep -qs ready "$tmp/said" || fail 'leases are held'
}

# He gives up after some seconds, so that the test need not wait for the kernel.
release_soon() { (sleep 3 && kill "$holder") & }
release_leases() { kill "$holder" 2>/dev/null; wait "$holder" 2>/dev/null; }

hold_leases "$dest"/docs/2008/*.html "$dest/docs/help.html"
SECONDS=0
status_is 1 'write leases: verify' us verify "$dest" --pub "$pub" --json
ok 'write leases: verify does not wait for them' test "$SECONDS" -lt $((15 * ${TEST_PATIENCE:-1}))
differs 'write leases: what could not be read is not genuine' docs/help.html content
like 'write leases: and why' "$(output)" 'write lease'
release_soon
SECONDS=0
status_is 1 'write leases: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'write leases: pull waits for them once, not for each' test "$SECONDS" -lt $((15 * ${TEST_PATIENCE:-1}))
release_leases
exact 'write leases: exact'
status_is 0 'write leases: genuine' us verify "$dest" --pub "$pub" --json

# Planted under a lease: the evidence is worth the wait.
echo "$planted" >"$dest/index.html"
echo "$planted" >"$dest/docs/extra.html"
hold_leases "$dest/index.html" "$dest/docs/extra.html"
release_soon
SECONDS=0
status_is 1 'planted under a lease: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'planted under a lease: pull waits for them once, not for each' test "$SECONDS" -lt $((15 * ${TEST_PATIENCE:-1}))
evidence=$(json .evidence)
release_leases
ok 'planted under a lease: the first is evidence' grep -qsF "$planted" "$evidence/files/docroot/index.html"
ok 'planted under a lease: the second is evidence' grep -qsF "$planted" "$evidence/files/docroot/docs/extra.html"
status_is 0 'planted under a lease: genuine' us verify "$dest" --pub "$pub" --json

# On a stacked file system a lease says nothing: the same file can be opened for writing behind it.
mkdir "$tmp/lower" "$tmp/upper" "$tmp/work" "$tmp/overlay"
if mount -t overlay overlay -o "lowerdir=$tmp/lower,upperdir=$tmp/upper,workdir=$tmp/work" "$tmp/overlay" 2>/dev/null; then
        place=$tmp/overlay/www/site
        mkdir "$tmp/overlay/www"
        status_is 0 'overlay: first pull' us pull "$place" --repo "$repo" --pub "$pub" --json
        exec {writer}<>"$tmp/upper/www/site/index.php"
        status_is 0 'overlay: pull' us pull "$place" --repo "$repo" --pub "$pub" --json
        json_is 'overlay: a fresh tree was exchanged in' .changed true
        echo "$planted" >&"$writer"
        exec {writer}>&-
        status_is 0 'overlay: what is written behind it reaches nobody' us verify "$place" --pub "$pub" --json
        umount "$tmp/overlay"
else
        skip 'no overlayfs here'
fi

# A file system that counts whole seconds: two changes in one second leave the same ctime.
truncate -s 400M "$tmp/ext.img"
mkdir "$tmp/ext"
mkfs.ext4 -q -I 128 "$tmp/ext.img" 2>/dev/null
if mount -o loop "$tmp/ext.img" "$tmp/ext" 2>/dev/null; then
        place=$tmp/ext/www/site
        mkdir "$tmp/ext/www"
        status_is 0 'whole seconds: first pull' us pull "$place" --repo "$repo" --pub "$pub" --json
        status_is 0 'whole seconds: genuine right behind it' us verify "$place" --pub "$pub" --json
        sleep 2.1
        inode=$(stat -c %i "$place/css/site.css")
        echo "$planted" >"$place/index.php"
        status_is 1 'whole seconds: pull by link' us pull "$place" --repo "$repo" --pub "$pub" --take-over link --json
        isnt 'whole seconds: a file that could be changed unseen is copied' "$(stat -c %i "$place/css/site.css")" "$inode"
        # One who puts genuine bytes there now and then. Something large gives him the time.
        head -c 120000000 /dev/zero >"$tmp/src/large.bin"
        us publish "$tmp/src" --repo "$repo" --key "$key"
        us pull "$place" --repo "$repo" --pub "$pub"
        cat >"$tmp/alternate.pl" <<'END'
use Time::HiRes qw(utime);
my ($file) = @ARGV;
my @st = stat $file;
open my $h, '+<', $file or die;
my $genuine = do { local $/; <$h> };
sub put { my $bytes = shift; sysseek $h, 0, 0; syswrite $h, $bytes; utime $st[8], $st[9], $file }
$SIG{TERM} = sub { put($genuine); exit };
$| = 1; print "ready\n";
while (1) { put("x" x length $genuine); put($genuine) }
END
        perl "$tmp/alternate.pl" "$place/docs/help.html" >"$tmp/said" &
        alternating=$!
        cleanup_process "$alternating"
        wait_for 5 grep -qs ready "$tmp/said"
        genuine=0
        for _ in 1 2 3 4 5 6; do
                us verify "$place" --pub "$pub" --json && genuine=$((genuine + 1))
        done
        is 'whole seconds: what changes all the time is never genuine' "$genuine" 0
        kill "$alternating" && wait "$alternating"
        umount "$tmp/ext"
else
        skip 'no loop mounts here'
fi

done_testing
