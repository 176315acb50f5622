#!/bin/bash
# A mutable area under guard is the intruder's first place: what breaks its rules is found whatever it is (links, pipes,
# folders, mounts), taken out as often as it comes, and kept; and the server is eligible again by itself.
. "$(dirname "$0")/lib.sh"
use guard
guard_place 512M
need perl
make_site "$tmp/src"
mkdir "$tmp/src/uploads"
make_keys "$tmp/keys"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads || bail_out "$(errors)"
mkdir -p "$tmp/m/www/mutable/uploads"
make_standby
uploads=$tmp/m/www/mutable/uploads
kept=$tmp/m/www/mutable/.understudy-found.uploads

gone() { [[ ! -e $1 && ! -L $1 ]]; }
eligible() { us status "$dest"; }
count() { findings "select(.path == \"$1\")" | wc -l; }
evidence() { find "$state" -path "*/found/$(sha256sum <<<"$1" | cut -d' ' -f1)"; }
has_evidence() { [[ -n $(evidence "$1") ]]; }

guard_start --repo "$repo"

# ---------------------------------------------------------------- what is no file

ln -s /etc/hostname "$uploads/photo.jpg"
ok 'a link is found' wait_for 10 found photo.jpg extra
ok 'and taken out' wait_for 10 gone "$uploads/photo.jpg"
is 'where it led is written down' "$(findings 'select(.path == "photo.jpg") | .target')" /etc/hostname
ok 'visitors may be sent here again' wait_for 60 eligible
mkfifo "$uploads/pipe"
ok 'a pipe is found' wait_for 10 found pipe extra
ok 'and taken out' wait_for 10 gone "$uploads/pipe"
perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un($ARGV[0])) or die' "$uploads/socket"
ok 'a socket' wait_for 10 gone "$uploads/socket"
mkdir "$uploads/x.php" && echo picture >"$uploads/x.php/a.jpg"
ok 'a folder that a web server could take for a program' wait_for 10 found x.php extra
ok 'is moved away' wait_for 10 gone "$uploads/x.php"
is 'whole, to where root alone can go' "$(cat "$kept"/*/a.jpg) $(stat -c '%a %u' "$kept")" 'picture 700 0'
mkdir "$tmp/m/deep" "$tmp/m/deep/cgi-bin" && echo x >"$tmp/m/deep/cgi-bin/run" && mv "$tmp/m/deep" "$uploads/deep"
ok 'one that comes with another one' wait_for 10 gone "$uploads/deep/cgi-bin"
ok 'the other stays' test -d "$uploads/deep"
# So deep that nobody looks: made at once, by one who stands in it.
perl -e 'chdir($ARGV[0]) or die; for (1 .. 400) { mkdir("e") && chdir("e") or die } symlink("/etc/hostname", "l.jpg") or die' "$uploads"
not_reachable() { [[ -z $(find "$uploads" -name l.jpg) ]]; }
ok 'a link too deep to be looked at is moved away with its folder' wait_for 20 not_reachable
us verify "$dest" --pub "$pub"
is 'and verify has nothing to say' "$status" 0
rm -r "$uploads/e"
ok 'visitors may be sent here again' wait_for 90 eligible

# ---------------------------------------------------------------- again and again

for i in 1 2 3 4 5 6; do
        echo "<?php // $((i % 3))" >"$tmp/m/x" && mv "$tmp/m/x" "$uploads/shell.php"
        ok "the same name, time $i: taken out" wait_for 10 gone "$uploads/shell.php"
done
for i in 0 1 2; do ok "its bytes are kept: $i" has_evidence "<?php // $i"; done
ok 'visitors may be sent here again' wait_for 150 eligible

# ---------------------------------------------------------------- a mount

mkdir "$uploads/2009" && sleep 0.3
mount -t tmpfs none "$uploads/2009"
ok 'a mount is found' wait_for 10 found 2009 mount
not_ok 'visitors may not be sent here' eligible
umount "$uploads/2009"
ok 'once it is gone they may' wait_for 90 eval 'us verify "$dest" --pub "$pub"; us status "$dest"'

# ---------------------------------------------------------------- no more room for evidence

folder=$(find "$state" -type d -name found)
truncate -s 300M "$folder/filler"
guard_stop
guard_start --repo "$repo"
echo '<?php // no room' >"$tmp/m/x" && mv "$tmp/m/x" "$uploads/full.php"
ok 'what cannot be copied is taken out all the same' wait_for 10 gone "$uploads/full.php"
ok 'and is not lost' grep -rq 'no room' "$kept"
ok 'that there is no room is told' wait_for 10 has_kind evidence_full
rm "$folder/filler"
echo '<?php // room' >"$tmp/m/x" && mv "$tmp/m/x" "$uploads/full.php"
ok 'when somebody made room' wait_for 10 gone "$uploads/full.php"
ok 'it is used, without a restart' wait_for 10 has_evidence '<?php // room'
guard_stop

# ---------------------------------------------------------------- somebody else's folder in its place

rm -r "$kept" && mkdir "$kept" && chown 12345 "$kept"
guard_start --repo "$repo"
mkdir "$uploads/y.php"
ok 'a folder that is not of root alone is not used' wait_for 10 found y.php extra
sleep 0.3
ok 'what cannot be moved stays' test -d "$uploads/y.php"
not_ok 'and visitors may not be sent here' eligible
guard_stop
rmdir "$kept" "$uploads/y.php"

# ---------------------------------------------------------------- the other modes touch nothing

for mode in observe refuse; do
        us pull "$dest" --repo "$repo" --pub "$pub"
        guard_start --mode "$mode"
        ln -s /etc/hostname "$uploads/$mode.jpg" && mkdir "$uploads/$mode.php" && mkfifo "$uploads/$mode.pipe"
        for name in "$mode.jpg" "$mode.php" "$mode.pipe"; do ok "$mode: $name is found" wait_for 10 found "$name" extra; done
        ok "$mode: and left" test -L "$uploads/$mode.jpg" -a -d "$uploads/$mode.php" -a -p "$uploads/$mode.pipe"
        guard_stop
        rm -r "$uploads"/"$mode".*
done
us journal verify
is 'the journal is whole' "$status" 0
done_testing
