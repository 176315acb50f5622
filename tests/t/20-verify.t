#!/bin/bash
# 20-verify.t - verify says what differs, by the right kind, with the right exit status; and never calls a tree genuine
# that was not looked at.
. "$(dirname "$0")/lib.sh"
need jq setfattr chattr
need_root

make_keys "$tmp/keys"
make_site "$tmp/src"
make_repository
make_standby

# Each attack starts from a genuine copy.
fresh()
{
        unmount_below "$tmp/www"
        chattr -f -R -i -a "$dest" 2>/dev/null
        rm -rf --one-file-system "$dest"
        cp -a "$tmp/genuine" "$dest"
}

verify() { us verify "$dest" --pub "$pub" --json; }

# found NAME PATH KIND: verify ends in 1 and names it.
found()
{
        verify
        is "$1: exit status" "$status" 1
        json_is "$1: not genuine" .genuine false
        differs "$1: named" "$2" "$3"
}

# only COUNT: so many differences and no more.
only() { json_is '  and nothing else' '.differences | length' "$1"; }

# ---------------------------------------------------------------- genuine

cp -a "$dest" "$tmp/genuine"
files=$(find "$dest" -type f | wc -l)
bytes=$(find "$dest" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
status_is 0 'a pulled tree is genuine' us verify "$dest" --pub "$pub" --json
json_is 'it says so' .genuine true
json_is 'release' .release 1
json_is 'files' .files "$files"
json_is 'bytes' .bytes "$bytes"
json_is 'no differences' .differences '[]'
json_is 'not changing' .changing false
json_is 'one object, with the keys of the contract' \
        '[has("genuine", "release", "files", "bytes", "differences")] | all' true
is 'the state remembers it' "$(jq -r .verification.genuine "$state"/dest/*/dest.json)" true
for threads in 1 2 7; do
        status_is 0 "with $threads threads" us verify "$dest" --pub "$pub" --threads "$threads"
done
like 'words for people' "$(output)" '^genuine \(release 1\)'

touch -d 2001-01-01 "$dest/index.php"
status_is 0 'a modification time is no difference' us verify "$dest" --pub "$pub" --json
json_is 'but a note' .times 1

fresh
mv "$tmp/repo" "$tmp/repo-away"
status_is 0 'it works without the repository' us verify "$dest" --pub "$pub"
mv "$tmp/repo-away" "$tmp/repo"

# ---------------------------------------------------------------- attacks

fresh
echo '<script src="http://malware.invalid/x.js"></script>' >>"$dest/lib/templates/login.html"
found 'newer content' lib/templates/login.html content
json_is '  expected is the signed hash' '.differences[0].expected' \
        "$(sha256sum <"$tmp/genuine/lib/templates/login.html" | cut -d' ' -f1)"
json_is '  found is what is there' '.differences[0].found' \
        "$(sha256sum <"$dest/lib/templates/login.html" | cut -d' ' -f1)"
only 1
is '  the state remembers that, too' "$(jq -r .verification.genuine "$state"/dest/*/dest.json)" false

fresh
touch -r "$dest/css/site.css" "$tmp/stamp"
printf X | dd of="$dest/css/site.css" conv=notrunc status=none
touch -r "$tmp/stamp" "$dest/css/site.css"
found 'same size and time' css/site.css content

fresh
mv "$dest/docs/2008/a.html" "$tmp/swap" && mv "$dest/docs/2008/b.html" "$dest/docs/2008/a.html" &&
        mv "$tmp/swap" "$dest/docs/2008/b.html"
found 'a swap of two genuine files' docs/2008/a.html content
differs '  both' docs/2008/b.html content

fresh
for name in index.html .htaccess .user.ini css/.htaccess; do
        echo planted >"$dest/$name"
        found "planted $name" "$name" extra
done
only 4

fresh
mkdir -p "$dest/img/new/deep" && touch "$dest/img/new/deep/file"
found 'an extra folder is listed once' img/new/ extra
only 1

fresh
rm "$dest/docs/help.html"
rm -r "$dest/empty"
found 'a missing file' docs/help.html missing
differs '  and folder' empty missing

fresh
mv "$dest/docs" "$tmp/docs-elsewhere" && ln -s "$tmp/docs-elsewhere" "$dest/docs"
found 'a folder replaced by a symlink to the same' docs type
only 1
rm -r "$tmp/docs-elsewhere"

fresh
rm "$dest/index.php" && ln -s /etc/passwd "$dest/index.php"
rm "$dest/css/site.css" && mkfifo "$dest/css/site.css"
rm "$dest/img/dot.gif" && mknod "$dest/img/dot.gif" c 1 5
rm "$dest/img/empty" && perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1)' "$dest/img/empty"
run timeout 20 "$UNDERSTUDY" verify "$dest" --pub "$pub" --json
is 'a FIFO and a device do not hang it' "$status" 1
differs 'symlink for a file' index.php type
differs 'FIFO' css/site.css type
differs 'device' img/dot.gif type
differs 'socket' img/empty type

fresh
ln "$dest/index.php" "$tmp/outside"
found 'a hard link from outside' index.php hardlink
rm "$tmp/outside"

fresh
chmod 4755 "$dest/index.php" && chmod 777 "$dest/css"
found 'setuid' index.php mode
json_is '  as octal' '.differences[] | select(.path == "index.php") | .found' 4755
differs '  mode of a folder' css mode

fresh
chown 12345:54321 "$dest/index.php"
found 'owner' index.php owner
json_is '  as uid:gid' '.differences[0].found' 12345:54321

fresh
setfattr -n user.note -v x "$dest/index.php"
found 'a user attribute' index.php xattr
if command -v setfacl >/dev/null; then
        fresh
        setfacl -m u:12345:rw "$dest/index.php"
        found 'an ACL' index.php xattr
        setfacl -d -m u:12345:rwx "$dest/css"
        found 'a default ACL of a folder' css xattr
fi
if command -v setcap >/dev/null; then
        fresh
        setcap cap_setuid+ep "$dest/index.php"
        found 'a file capability' index.php xattr
fi

fresh
chattr +i "$dest/index.php" && chattr +a "$dest/css"
found 'immutable' index.php flags
differs 'append-only' css flags

fresh
mkdir -p "$tmp/behind" && echo behind >"$tmp/behind/file"
mount --bind "$tmp/behind" "$dest/css"
mount --bind "$tmp/behind/file" "$dest/index.php"
found 'a bind mount over a folder' css mount
differs 'a bind mount over a file' index.php mount
only 2

fresh
odd=$'line\nbreak' bad=$'bad\xff' space='space ' long=$(printf 'n%.0s' {1..255})
touch "$dest/$odd" "$dest/$bad" "$dest/$space" "$dest/$long"
found 'a name with a newline' 'line\012break' extra
differs 'invalid UTF-8' 'bad\377' extra
differs 'a trailing space' 'space ' extra
differs '255 bytes' "$long" extra
us verify "$dest" --pub "$pub"
like 'words cannot be forged by a name' "$(output)" 'line\\012break'

fresh
truncate -s 4T "$dest/img/empty"
run timeout 20 "$UNDERSTUDY" verify "$dest" --pub "$pub" --json
is 'a file of 4 TB does not keep it busy' "$status" 1
differs '  but is told' img/empty content

fresh
mv "$dest" "$tmp/www/real" && ln -s real "$dest"
found 'the docroot is a symlink' . type
rm "$dest"
found 'the docroot is gone' . missing
mv "$tmp/www/real" "$dest"
mount --bind "$tmp/genuine" "$dest"
found 'the docroot is a mount point' . mount
umount "$dest"

# ---------------------------------------------------------------- changes while it reads

fresh
(while :; do printf x >>"$dest/img/photo.jpg"; done) 2>/dev/null &
writer=$!
cleanup_process "$writer"
size=$(stat -c %s "$tmp/genuine/img/photo.jpg")
wait_for 20 eval '[[ $(stat -c %s "$dest/img/photo.jpg") -gt $size ]]'
genuine=0
for ((try = 0; try < 200; try++)); do # on a busy machine the writer may rest for a while
        verify
        [[ $(json .genuine) == false ]] || genuine=$((genuine + 1))
        [[ $(json .changing) == false ]] || break
done
kill "$writer" && wait "$writer" 2>/dev/null
json_is 'a tree that is being written to is told to be changing' .changing true
is 'and was never genuine' "$genuine" 0

# ---------------------------------------------------------------- which release, whose key

fresh
echo more >>"$tmp/src/index.php"
us publish "$tmp/src" --repo "$repo" --key "$key" --quiet
status_is 0 'the release in place decides, not the newest' us verify "$dest" --pub "$pub" --repo "$repo"
status_is 1 'another release from the repository' us verify "$dest" --pub "$pub" --repo "$repo" --release 2 --json
differs '  differs where it changed' index.php content
json_is '  and is named' .release 2
status_is 2 'another release without a repository' us verify "$dest" --pub "$pub" --release 2
status_is 3 'a release that there is not' us verify "$dest" --pub "$pub" --repo "$repo" --release 9
status_is 0 'a tree that was never pulled' us verify "$tmp/genuine" --pub "$pub" --repo "$repo" --release 1
status_is 2 'the same without a repository' us verify "$tmp/genuine" --pub "$pub"
status_is 0 'a manifest file' us verify "$dest" --pub "$pub" --manifest "$repo/releases/1/manifest.mtree"

# ---------------------------------------------------------------- several roots

mkdir "$tmp/nginx" && echo 'server { root /srv; }' >"$tmp/nginx/site.conf"
us publish "$tmp/src" --repo "$repo" --key "$key" --root nginx="$tmp/nginx" --quiet
us pull "$tmp/www/two" --repo "$repo" --pub "$pub" --root nginx="$tmp/www/two-nginx"
status_is 0 'two roots are genuine' us verify "$tmp/www/two" --pub "$pub" --json
echo 'sub_filter </head> <script>' >>"$tmp/www/two-nginx/site.conf"
status_is 1 'the second one is tampered with' us verify "$tmp/www/two" --pub "$pub" --json
differs '  found' site.conf content
json_is '  and where' '.differences[0].root' nginx
status_is 2 'a root whose folder is not known' us verify "$tmp/src" --pub "$pub" --repo "$repo"

# ---------------------------------------------------------------- signatures

make_keys "$tmp/other"
status_is 3 'another key: the kept release' us verify "$dest" --pub "$tmp/other/release.pub"
status_is 3 'another key: a repository' us verify "$tmp/genuine" --pub "$tmp/other/release.pub" --repo "$repo"
status_is 3 'another key: a manifest' us verify "$dest" --pub "$tmp/other/release.pub" \
        --manifest "$repo/releases/1/manifest.mtree"
cp "$repo"/releases/1/manifest.mtree{,.minisig} "$tmp"
sed -i 's/mode=0644/mode=0666/' "$tmp/manifest.mtree"
status_is 3 'a manifest that was changed' us verify "$dest" --pub "$pub" --manifest "$tmp/manifest.mtree"
rm "$tmp/manifest.mtree.minisig"
status_is 3 'a manifest without a signature' us verify "$dest" --pub "$pub" --manifest "$tmp/manifest.mtree"
is 'the error is one sentence' "$(errors | wc -l)" 1
sed -i 's/mode=0644/mode=0666/' "$state"/dest/*/kept/manifest.mtree
status_is 3 'a kept manifest that was changed' us verify "$dest" --pub "$pub"

status_is 2 'no key' us verify "$dest"
status_is 2 'no folder' us verify --pub "$pub"
status_is 2 'two folders' us verify "$dest" "$dest" --pub "$pub"
status_is 2 'threads must be a number' us verify "$dest" --pub "$pub" --threads many
status_is 2 'a root that the release has not' us verify "$tmp/genuine" --pub "$pub" --repo "$repo" --release 1 \
        --root nginx=/etc

done_testing
