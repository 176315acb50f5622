#!/bin/bash
# pull: whatever was done to the stand-by, it ends exact, says what differed, keeps it, and touches nothing else.
. "$(dirname "$0")/lib.sh"
need jq getfattr setfattr setfacl
need_root

make_site "$tmp/src"
make_repository
pull() { us pull "$dest" --repo "$repo" --pub "$pub" --json "$@"; }
verify() { us verify "$dest" --pub "$pub" --json; }

# ---------------------------------------------------------------- a first pull, and one with nothing to do

mkdir -p "$tmp/www"
status_is 0 'a first pull into nothing' pull
json_is 'nothing was compared' .before null
json_is 'it is release 1' .release 1
json_is 'something was put in place' .changed true
genuine=$(snapshot "$dest")
timeless() { sed 's/ [0-9]*\.[0-9]*$//'; }
is 'the tree is the source, but for the signed times' "$(timeless <<<"$genuine")" "$(snapshot "$tmp/src" | timeless)"
is 'nothing is left beside it' "$(ls -A "$tmp/www")" site
status_is 0 'verify agrees' verify
ok 'mtree agrees' mtree_agrees "$dest" "$repo/releases/1/manifest.mtree"
inode=$(stat -c %i "$dest")
status_is 0 'a pull with nothing to do' pull
json_is 'it was genuine' .before.genuine true
json_is 'nothing was exchanged' .changed false
is 'the tree is the same inode' "$(stat -c %i "$dest")" "$inode"
mkdir "$tmp/www/empty"
status_is 0 'a first pull into an empty folder' us pull "$tmp/www/empty" --repo "$repo" --pub "$pub"

# ---------------------------------------------------------------- attacks: DEST is tampered with, pull ends exact

# attack NAME PATH KIND COMMAND...: run in DEST.
attack()
{
        local name=$1 path=$2 kind=$3
        shift 3
        (cd "$dest" && "$@") || fail "$name: cannot be tried"
        status_is 1 "$name: pull says that it had been tampered with" pull
        differs "$name: found as $kind" "$path" "$kind" .before
        is "$name: exact afterwards" "$(snapshot "$dest")" "$genuine"
        ok "$name: a report is kept" test -s "$(json .evidence)/report.json"
        is "$name: nothing is left beside it" "$(ls -A "$tmp/www")" $'empty\nsite'
}
same_size_and_time()
{
        local time
        time=$(stat -c %Y index.php)
        sed -i 's/login/l0gin/' index.php
        touch -d "@$time" index.php
}
swap()
{
        mv docs/2008/a.html docs/2008/x && mv docs/2008/b.html docs/2008/a.html && mv docs/2008/x docs/2008/b.html
}
elsewhere() { rm -r docs && cp -a "$tmp/src/docs" "$tmp/elsewhere" && ln -s "$tmp/elsewhere" docs; }
attack 'newer page' index.php content sh -c 'echo evil >>index.php'
attack 'same size and time' index.php content same_size_and_time
attack 'shadowing page' index.html extra sh -c 'echo "<script src=http://malware.invalid/x.js></script>" >index.html'
attack '.htaccess' .htaccess extra touch .htaccess
attack 'extra folder' shop/ extra sh -c 'mkdir -p shop/a/b && echo x >shop/a/b/c'
attack 'missing file' css/site.css missing rm css/site.css
attack 'missing folder' docs missing rm -r docs
attack 'folder becomes a link' docs type elsewhere
is 'what the link led to is untouched' "$(ls "$tmp/elsewhere" | wc -l)" "$(ls "$tmp/src/docs" | wc -l)"
attack 'file becomes a link' index.php type ln -sf /etc/passwd index.php
attack 'file becomes a hard link' index.php hardlink sh -c 'ln -f css/site.css index.php'
attack 'outside hard link' index.php hardlink ln index.php "$tmp/outside"
attack 'file becomes a FIFO' index.php type sh -c 'rm index.php && mkfifo index.php'
attack 'file becomes a device' index.php type sh -c 'rm index.php && mknod index.php c 1 5'
attack 'mode' index.php mode chmod 0666 index.php
attack 'setuid' lib/cron.sh mode chmod 4755 lib/cron.sh
attack 'owner' index.php owner chown 1234 index.php
attack 'xattr' index.php xattr setfattr -n user.x -v y index.php
attack 'ACL' index.php xattr setfacl -m u:1234:rw index.php
attack 'capability' lib/cron.sh xattr setcap cap_net_raw+ep lib/cron.sh
attack 'immutable' index.html extra sh -c 'echo x >index.html && chattr +i index.html'
attack 'append-only' css flags chattr +a css
attack 'immutable root' . flags chattr +i .
attack 'root mode' . mode chmod 0777 .
attack 'link target' help link sh -c 'rm help && ln -s docs/2008 help'
attack 'odd name' 'new\012line \377' extra sh -c 'echo x >"$(printf "new\nline \377")"'
attack 'swap' docs/2008/a.html content swap

status_is 0 'a modification time alone is no tampering' sh -c "touch '$dest/index.php'; '$UNDERSTUDY' pull '$dest' --repo '$repo' --pub '$pub'"
is 'but is set again' "$(snapshot "$dest")" "$genuine"

rm -r "$dest"
status_is 1 'DEST deleted' pull
differs 'DEST deleted: found as missing' . missing .before
mv "$dest" "$tmp/moved"
ln -s "$tmp/moved" "$dest"
status_is 1 'DEST is a link' pull
differs 'DEST is a link: found as type' . type .before
is 'DEST is a link: what it led to is untouched' "$(snapshot "$tmp/moved")" "$genuine"
is 'DEST is a link: exact afterwards' "$(snapshot "$dest")" "$genuine"

# ---------------------------------------------------------------- evidence

echo planted >"$dest/index.html"
chmod 0755 "$dest/index.html"
pull
evidence=$(json .evidence)
is 'the planted page is kept' "$(cat "$evidence/files/docroot/index.html")" planted
is 'nobody else can read it' "$(stat -c %a "$evidence/files/docroot/index.html" "$evidence" | xargs)" '600 700'
is 'the report has its metadata' "$(jq -r '.files[0] | .path + " " + .mode + " " + .type' "$evidence/report.json")" \
        'index.html 0755 file'
head -c 100000 /dev/zero >"$dest/large"
echo small >"$dest/small"
pull --evidence-limit 1000
evidence=$(json .evidence)
not_ok 'beyond the limit nothing is copied' test -e "$evidence/files/docroot/large"
is 'the report says so' "$(jq -c .left_out "$evidence/report.json")" '{"bytes":100000,"differences":0,"files":1}'
is 'what fits is kept' "$(cat "$evidence/files/docroot/small")" small

# ---------------------------------------------------------------- mounts

mkdir "$tmp/behind"
echo precious >"$tmp/behind/file"
mount --bind "$tmp/behind" "$dest/docs"
status_is 1 'a mount over a folder' pull
differs 'a mount over a folder: found' docs mount .before
is 'a mount over a folder: exact afterwards' "$(snapshot "$dest")" "$genuine"
is 'a mount over a folder: what lies behind is untouched' "$(cat "$tmp/behind/file")" precious
is 'a mount over a folder: it is gone' "$(grep -c "$tmp/www" /proc/self/mountinfo)" 0
mount --bind "$tmp/behind/file" "$dest/index.php"
status_is 1 'a mount over a file' pull
differs 'a mount over a file: found' index.php mount .before
is 'a mount over a file: what lies behind is untouched' "$(cat "$tmp/behind/file")" precious
is 'nothing is left beside it' "$(ls -A "$tmp/www")" $'empty\nsite'
mount --bind "$dest" "$dest"
status_is 4 'DEST is a mount point' pull
like 'the words say so' "$(errors)" 'mount point'
umount "$dest"

# ---------------------------------------------------------------- writers

exec 7>>"$dest/index.php"
status_is 0 'somebody holds a file open, and nothing differs' pull
json_is 'it was genuine' .before.genuine true
json_is 'a fresh tree is put in place' .changed true
echo late >&7
exec 7>&-
is 'what is written later goes nowhere' "$(snapshot "$dest")" "$genuine"

# ---------------------------------------------------------------- refusals

mkdir "$tmp/www/other"
echo mine >"$tmp/www/other/file"
status_is 4 'a folder that was never pulled' us pull "$tmp/www/other" --repo "$repo" --pub "$pub"
is 'it is untouched' "$(cat "$tmp/www/other/file")" mine
mkdir "$tmp/www/other/sub"
mount --bind "$tmp/behind" "$tmp/www/other/sub"
status_is 4 'not with something mounted inside' us pull "$tmp/www/other" --repo "$repo" --pub "$pub" --adopt
is 'it is untouched' "$(cat "$tmp/www/other/sub/file")" precious
umount "$tmp/www/other/sub"
status_is 1 'taken over with --adopt' us pull "$tmp/www/other" --repo "$repo" --pub "$pub" --adopt --json
is 'exact afterwards' "$(snapshot "$tmp/www/other")" "$genuine"
is 'what was there is evidence' "$(cat "$(json .evidence)/files/docroot/file")" mine
make_keys "$tmp/keys2"
status_is 4 'another key' us pull "$dest" --repo "$repo" --pub "$tmp/keys2/release.pub"
status_is 3 'another key, on purpose, but it has signed nothing' us pull "$dest" --repo "$repo" --pub "$tmp/keys2/release.pub" --repin
status_is 4 'a sibling folder that is not ours' sh -c "
        mkdir -m 0777 '$tmp/www/.understudy.site'; echo x >>'$dest/index.php'
        '$UNDERSTUDY' pull '$dest' --repo '$repo' --pub '$pub'; s=\$?; rmdir '$tmp/www/.understudy.site'; exit \$s"
status_is 1 'and without it' pull

# ---------------------------------------------------------------- releases

cp -a "$repo" "$tmp/old"
echo 'new' >"$tmp/src/new.html"
echo '/* */' >>"$tmp/src/css/site.css"
mv "$tmp/src/img/photo.jpg" "$tmp/src/img/picture.jpg"
us publish "$tmp/src" --repo "$repo" --key "$key"
status_is 0 'the next release' pull
json_is 'it is release 2' .release 2
json_is 'the tree was release 1' .before.release 1
json_is 'what was moved was not fetched' .fetched_objects 2
genuine=$(snapshot "$dest")
like 'the new file is there' "$genuine" new.html
status_is 4 'an older repository' us pull "$dest" --repo "$tmp/old" --pub "$pub"
status_is 4 'an older release' pull --release 1
status_is 4 'an older repository, for another folder' us pull "$tmp/www/third" --repo "$tmp/old" --pub "$pub"
is 'nothing happened' "$(snapshot "$dest")" "$genuine"
echo tampered >"$dest/new.html"
us publish "$tmp/src" --repo "$repo" --key "$key"
status_is 1 'tampered with, and another release' pull
json_is 'compared with the release in place' .before.release 2
differs 'and found' new.html content .before
json_is 'it is release 3' .release 3

sleep 2.1 # files that were changed in the last seconds are not linked
inode=$(stat -c %i "$dest/css/site.css")
echo again >"$dest/index.html"
status_is 1 'taken over by link' pull --take-over link
is 'the inode is the same' "$(stat -c '%i %h' "$dest/css/site.css")" "$inode 1"
is 'exact afterwards' "$(snapshot "$dest")" "$genuine"

# ---------------------------------------------------------------- damaged repositories

cp -a "$repo" "$tmp/damaged"
echo "$RANDOM" >"$tmp/src/new.html"
us publish "$tmp/src" --repo "$tmp/damaged" --key "$key"
for pack in "$tmp"/damaged/packs/*.pack; do
        [[ -e $repo/packs/${pack##*/} ]] || printf 'damage' | dd of="$pack" bs=1 seek=10 conv=notrunc status=none
done
status_is 3 'a damaged pack' us pull "$dest" --repo "$tmp/damaged" --pub "$pub"
is 'the tree is untouched' "$(snapshot "$dest")" "$genuine"
is 'nothing is left beside it' "$(ls -A "$tmp/www")" $'empty\nother\nsite'
sed -i 's/0644/0666/' "$tmp"/damaged/releases/4/manifest.mtree
rm -f "$tmp"/damaged/releases/4/*.zst
status_is 3 'a damaged manifest' us pull "$dest" --repo "$tmp/damaged" --pub "$pub"
status_is 3 'no repository' us pull "$dest" --repo "$tmp/nowhere" --pub "$pub"

# ---------------------------------------------------------------- hooks

echo tampered >"$dest/index.html"
status_is 4 'the check command says no' pull --check 'false'
is 'nothing was exchanged' "$(cat "$dest/index.html")" tampered
is 'nothing is left beside it' "$(ls -A "$tmp/www")" $'empty\nother\nsite'
status_is 1 'the check command sees the new tree in place' pull --check "test ! -e '$dest/index.html' -a -s '$dest/index.php'" \
        --reload "echo reloaded >'$tmp/reloaded'"
is 'the reload command was run' "$(cat "$tmp/reloaded")" reloaded
echo tampered >"$dest/index.php"
status_is 1 'reloaded before the old tree goes' pull --reload "cp '$dest/index.php' '$tmp/served'; cp '$tmp/www/.understudy.site/old/index.php' '$tmp/parked'"
ok 'with the new one in place' cmp "$tmp/src/index.php" "$tmp/served"
is 'and the old one beside it' "$(cat "$tmp/parked")" tampered
echo tampered >"$dest/index.php"
: >"$tmp/reloaded"
status_is 137 'killed while it reloads' pull --reload "echo first >>'$tmp/reloaded'; kill -KILL \$PPID"
status_is 0 'the next pull finds the release in place' pull --reload "echo again >>'$tmp/reloaded'"
is 'and makes up for the reload' "$(cat "$tmp/reloaded")" $'first\nagain'
echo tampered >"$dest/index.php"
status_is 3 'a reload that fails is told' pull --reload 'exit 7'
ok 'and the tree is exact all the same' cmp "$tmp/src/index.php" "$dest/index.php"
status_is 0 'a first pull with a check' us pull "$tmp/www/checked" --repo "$repo" --pub "$pub" --check "test -s '$tmp/www/checked/index.php'"

# ---------------------------------------------------------------- interrupted, and a web server that sees the old tree

us publish "$tmp/src" --repo "$repo" --key "$key"
head -c 3000000 /dev/urandom >"$tmp/src/first"
head -c 3000000 /dev/urandom >"$tmp/src/second"
us publish "$tmp/src" --repo "$repo" --key "$key"
mkdir -p "$tmp/www/.understudy.resumed/new" && chmod 0700 "$tmp/www/.understudy.resumed"
cp "$tmp/src/first" "$tmp/www/.understudy.resumed/new/"
head -c 3000000 /dev/zero >"$tmp/www/.understudy.resumed/new/second"
status_is 0 'what an interrupted pull had fetched' us pull "$tmp/www/resumed" --repo "$repo" --pub "$pub" --json
fetched=$(json .bytes_received)
ok 'is not fetched again' test "$fetched" -lt 4000000
ok 'but nothing is believed' cmp "$tmp/www/resumed/second" "$tmp/src/second"
not_ok 'nothing is left beside it' test -e "$tmp/www/.understudy.resumed"
status_is 0 'the newest release' pull
genuine=$(snapshot "$dest")

# ---------------------------------------------------------------- two at once

lock=$state/dest/$(printf %s "$dest" | sha256sum | cut -d' ' -f1)/lock
exec 9<"$lock"
flock 9
status_is 3 'another command is at work' pull
like 'its pid is named' "$(errors)" 'pid [1-9][0-9]*[)]'
flock -s 9 # as a verification has it; `flock` itself keeps it until it is released
echo planted >"$dest/planted.html"
(sleep 2 && flock -u 9) &
status_is 1 'a verification that ends does not keep a tree from being healed' pull
not_ok 'it is healed' test -e "$dest/planted.html"
wait $!
exec 9<&-

# ---------------------------------------------------------------- ignored paths and mutable areas

mkdir -p "$tmp/src/.well-known/acme-challenge"
mv "$tmp/src/img" "$tmp/img"
us publish "$tmp/src" --repo "$repo" --key "$key" --ignore .well-known/acme-challenge --mutable img=../mutable/img
[[ $status -eq 0 ]] || output_diag
status_is 0 'a release with an area and an ignored path' pull
is 'the area was made beside the tree' "$(stat -c '%F %a' "$tmp/www/mutable/img")" 'directory 755'
is 'the link leads there' "$(readlink -f "$dest/img")" "$tmp/www/mutable/img"
mkdir -p "$dest/.well-known/acme-challenge"
echo token >"$dest/.well-known/acme-challenge/token"
echo upload >"$tmp/www/mutable/img/photo.txt"
status_is 0 'what the site writes there is no difference' pull
touch "$dest/index.html"
echo '<?php' >"$dest/.well-known/acme-challenge/shell.php"
status_is 1 'a page and a program are' pull
differs 'a breach of the rules is extra' .well-known/acme-challenge/shell.php extra .before
is 'what obeys the rules is carried over' "$(ls "$dest/.well-known/acme-challenge")" token
is 'the breach is evidence' "$(cat "$(json .evidence)/files/docroot/.well-known/acme-challenge/shell.php")" '<?php'
is 'the area is untouched' "$(cat "$tmp/www/mutable/img/photo.txt")" upload
mkdir -p "$tmp/site2/taken/img"
echo uploaded >"$tmp/site2/taken/img/photo.txt"
echo '<?php' >"$tmp/site2/taken/img/shell.php"
status_is 1 'taken over with uploads in the tree' us pull "$tmp/site2/taken" --repo "$repo" --pub "$pub" --adopt --json
is 'the uploads are not lost' "$(cat "$tmp/site2/mutable/img/photo.txt")" uploaded
not_ok 'what breaks the rules is not taken along' test -e "$tmp/site2/mutable/img/shell.php"
ok 'but is evidence' test -s "$(json .evidence)/files/docroot/img/shell.php"

# ---------------------------------------------------------------- a web server in another mount namespace

cp "$(command -v sleep)" "$tmp/nginx"
unshare --mount --propagation private sh -c "mount --bind '$dest' '$dest' && exec '$tmp/nginx' 100" &
cleanup_process $!
wait_for 5 grep -q "$tmp/www/site" "/proc/$!/mountinfo"
wait_for 5 grep -q nginx "/proc/$!/comm"
touch "$dest/index.html"
status_is 4 'a web server to which the tree is a mount of its own' pull
like 'it is named' "$(errors)" "nginx .pid $!"
kill $! && wait $! 2>/dev/null
status_is 1 'and without it' pull

# ---------------------------------------------------------------- several roots

mkdir "$tmp/nginx.conf" && echo 'server {}' >"$tmp/nginx.conf/site"
us publish "$tmp/src" --repo "$repo" --key "$key" --root nginx="$tmp/nginx.conf"
[[ $status -eq 0 ]] || output_diag
status_is 2 'a root that goes nowhere' pull
status_is 0 'two roots' pull --root nginx="$tmp/www/nginx"
is 'the second one is there' "$(cat "$tmp/www/nginx/site")" 'server {}'
echo 'sub_filter' >>"$tmp/www/nginx/site"
status_is 1 'the second one is tampered with; where it is was remembered' pull
differs 'and found' site content .before
is 'exact afterwards' "$(cat "$tmp/www/nginx/site")" 'server {}'
status_is 0 'nothing to do' pull
json_is 'nothing was exchanged' .changed false
done_testing
