#!/bin/bash
# The guard: what it finds and says in each mode, and that a release is no alarm.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
make_site "$tmp/src"
mkdir -p "$tmp/m/www"

status_is 3 'without a key nothing is guarded' us guard "$dest" --pub "$tmp/no.pub" --mode observe
make_repository
status_is 2 'a tree that was never pulled cannot be guarded' us guard "$dest" --pub "$pub" --mode observe
make_standby
status_is 2 'healing needs a repository' us guard "$dest" --pub "$pub"
status_is 2 'an unknown mode' us guard "$dest" --pub "$pub" --mode sleep

# ---------------------------------------------------------------- observe

guard_start --mode observe
is 'nothing is found in a genuine tree' "$(findings)" ''
status_is 0 'visitors may be sent here' us status "$dest"
us status "$dest" --json
json_is 'status knows the guard' '.trees[0].guard | [.mode, .clean, .findings] | map(tostring) | join(" ")' 'observe true 0'
status_is 3 'a second guard of the same tree' us guard "$dest" --pub "$pub" --mode observe

echo planted >"$dest/index.html"
ok 'a planted page is found' wait_for 10 found index.html extra
is 'its bytes are kept, named by their hash' "$(findings 'select(.path == "index.html") | .evidence' | tail -n 1)" \
        "$(echo planted | sha256sum | cut -d' ' -f1)"
ok 'in a folder of root alone' test -n "$(find "$state" -path "*/found/$(echo planted | sha256sum | cut -d' ' -f1)" -perm 600)"
is 'who wrote it' "$(findings 'select(.path == "index.html") | .process | [.exe, .uid] | map(tostring) | join(" ")' | head -n 1)" \
        "$(readlink -f "/proc/$$/exe") 0"
echo more >>"$dest/css/site.css"
ok 'a changed file' wait_for 10 found css/site.css content
rm "$dest/docs.txt"
ok 'a deleted one' wait_for 10 found docs.txt missing
mkdir "$dest/admin"
ok 'a new folder' wait_for 10 found admin extra
ln -sfn /etc/passwd "$dest/help"
ok 'a link that leads elsewhere' wait_for 10 found help link
chmod 4755 "$dest/lib/cron.sh"
ok 'setuid' wait_for 10 found lib/cron.sh mode
setfattr -n user.x -v y "$dest/img/dot.gif"
ok 'an attribute' wait_for 10 found img/dot.gif xattr
mv "$dest/docs/2008/a.html" "$dest/docs/2008/b.html"
ok 'one genuine file over another' wait_for 10 found docs/2008/b.html content
ln "$dest/docs/2008/c.html" "$tmp/m/outside"
ok 'a hard link to outside' wait_for 10 found docs/2008/c.html hardlink
printf 'evil' | dd of="$tmp/m/outside" bs=1 conv=notrunc 2>/dev/null
ok 'a write through it' wait_for 10 found docs/2008/c.html content
printf x >"$dest/docs/"$'\e[31mred'
ok 'a name that would colour the terminal is escaped' wait_for 10 found 'docs/\\033[31mred' extra
us journal show --kind finding
like 'once, also where a person reads it' "$(output)" '/docs/.033\[31mred is not as'
mount -t tmpfs none "$dest/css"
ok 'a mount over a folder' wait_for 10 found css mount
umount "$dest/css"
status_is 1 'visitors may not be sent here' us status "$dest"
ok 'observing refuses nothing' reads "$dest/index.html"
guard_stop
is 'a guard that is told to end ends well' $? 0
ok 'which is in the journal' has_kind guard_stopped
us journal verify
is 'the journal is whole' "$status" 0

# ---------------------------------------------------------------- refuse

us pull "$dest" --repo "$repo" --pub "$pub"
guard_start --mode refuse --reads never
ok 'a genuine file can be read' reads "$dest/index.php"
ok 'again, remembered' reads "$dest/index.php"
echo planted 2>/dev/null >"$dest/.htaccess"
not_ok 'a planted file cannot' reads "$dest/.htaccess"
echo evil >"$dest/docs/help.html"
not_ok 'nor a changed one' reads "$dest/docs/help.html"
ok 'what was not touched can' reads "$dest/css/site.css"
mv "$dest/docs/2008/a.html" "$dest/docs/2008/b.html"
not_ok 'nor a genuine one under another name' reads "$dest/docs/2008/b.html"
printf 'evil upload' >"$tmp/m/upload.html"
mv "$tmp/m/upload.html" "$dest/index.php"
not_ok 'nor one that was written elsewhere and moved in' reads "$dest/index.php"
mkdir "$dest/new" && printf evil >"$tmp/m/x" && mv "$tmp/m/x" "$dest/new/page.html"
not_ok 'nor one in a new folder' reads "$dest/new/page.html"
exec 7<>"$dest/img/photo.jpg"
not_ok 'nor one that somebody holds open for writing' reads "$dest/img/photo.jpg"
exec 7>&-
ok 'once he lets go and wrote nothing it can be read again' wait_for 10 reads "$dest/img/photo.jpg"
ok 'root can compare what is refused' test "$(us verify "$dest" --pub "$pub" --json; jq -r '.differences[] | select(.path == "docs/help.html" and .kind == "content") | .found' "$tmp/stdout")" = "$(echo evil | sha256sum | cut -d' ' -f1)"
ok 'a file outside of the tree is nobody'\''s business' reads "$tmp/disk.img"
echo free >"$tmp/m/free" && ok 'nor one on the same file system' reads "$tmp/m/free"
mkdir "$tmp/m/bind" && mount --bind "$dest" "$tmp/m/bind"
not_ok 'a planted file through another mount' reads "$tmp/m/bind/.htaccess"
not_ok 'and from a mount namespace of its own' unshare -m timeout 20 cat "$tmp/m/bind/.htaccess"
umount "$tmp/m/bind"
guard_stop

# ---------------------------------------------------------------- refuse, asked before each read

us pull "$dest" --repo "$repo" --pub "$pub"
guard_start --mode refuse --reads always
if grep -q 'cannot ask before reads' "$tmp/guard.err"; then
        skip 'this kernel asks before opens only'
else
        exec 7<"$dest/docs/help.html" 8>>"$dest/docs/help.html"
        not_ok 'nothing can be written into a file under guard' bash -c 'echo evil >&8' 2>/dev/null
        exec 8>&-
        is 'so that who had it open reads what is genuine' "$(timeout 20 cat <&7)" "$(cat "$tmp/src/docs/help.html")"
        exec 7<"$dest/css/site.css"
        : >"$dest/css/site.css"
        not_ok 'what was cut short is not read through an old descriptor' timeout 20 cat <&7
        exec 7<&-
        ok 'but found' wait_for 10 found css/site.css content
        mapped=$(timeout 20 "$build_folder/tests/support/writer" mapped "$dest/docs/2008/d.html" evil </dev/null 2>&1)
        like 'a shared writable mapping is refused, or what it wrote is' "$mapped$(timeout 20 cat "$dest/docs/2008/d.html" 2>&1)" \
                'not permitted'
fi
guard_stop

# ---------------------------------------------------------------- heal

us pull "$dest" --repo "$repo" --pub "$pub"
guard_start --repo "$repo" --reload "echo reloaded >>'$tmp/reloaded'"
genuine() { cmp -s "$tmp/src/index.php" "$dest/index.php"; }
echo planted >"$dest/index.php"
ok 'healed' wait_for 30 genuine
ok 'and written down' wait_for 30 has_kind healed
ok 'the web server was reloaded' wait_for 30 test -s "$tmp/reloaded"
eligible() { us status "$dest"; }
ok 'visitors may be sent here again' wait_for 30 eligible
exec 8>>"$dest/css/site.css"
sleep 0.2
exec 9<"$dest/docs/help.html"
echo evil >&8
ok 'what is written through an old descriptor is found' wait_for 30 found css/site.css content
css_genuine() { cmp -s "$tmp/src/css/site.css" "$dest/css/site.css"; }
ok 'and healed by a file that the descriptor does not lead to' wait_for 30 css_genuine
exec 8>&- 9<&-
ok 'visitors may be sent here' wait_for 60 eligible
ln -s /etc/hostname "$dest/secret.txt"
ok 'a planted link is found' wait_for 10 found secret.txt extra
is 'where it led is written down' "$(findings 'select(.path == "secret.txt") | .target' | tail -n 1)" /etc/hostname
no_link() { [[ ! -L $dest/secret.txt ]]; }
ok 'and it is gone' wait_for 10 no_link
ok 'visitors may be sent here again' wait_for 60 eligible

# ---------------------------------------------------------------- a release is the authorised change

before=$(findings . | wc -l)
echo 'body { color: red }' >"$tmp/src/css/site.css"
mkdir "$tmp/src/added" && echo '<p>new' >"$tmp/src/added/page.html"
us publish "$tmp/src" --repo "$repo" --key "$key"
status_is 0 'a pull under guard' us pull "$dest" --repo "$repo" --pub "$pub"
ok 'the new page can be read at once' reads "$dest/added/page.html"
ok 'and the changed one' reads "$dest/css/site.css"
ok 'visitors may be sent here' wait_for 30 eligible
is 'no alarm was raised' "$(findings . | wc -l)" "$before"
echo planted >"$dest/added/page.html"
added_genuine() { cmp -s "$tmp/src/added/page.html" "$dest/added/page.html"; }
ok 'the new release is what is guarded' wait_for 30 added_genuine
guard_stop

# ---------------------------------------------------------------- gaps

echo planted >"$dest/index.php"
guard_start --repo "$repo"
ok 'what happened while nobody guarded is found, not taken for granted' wait_for 30 genuine
guard_stop
for again in 1 2 3; do
        echo planted >"$dest/index.php"
        guard_start --repo "$repo"
        ok "healed once more ($again)" wait_for 30 genuine
        guard_stop # while the tree that was just brought is being compared
        is 'a guard that is told to end while it compares ends well' $? 0
done
guard_start --mode refuse
ok 'visitors may be sent here' wait_for 60 eligible # also: the last pull has ended
kill -KILL "$guard"
wait "$guard" 2>/dev/null
status_is 1 'visitors may not be sent to a server whose guard died' us status "$dest"
like 'which it says' "$(output)" 'its guard died'
echo planted 2>/dev/null >"$dest/docs/help.html"
not_ok 'a guard that was killed leaves its gate behind' reads "$dest/docs/help.html"
guard_start --mode refuse
not_ok 'its successor refuses it, too' reads "$dest/docs/help.html"
ok 'and says that there was a gap' has_kind guard_gap
guard_stop
wait_for 10 reads "$dest/docs/help.html"
ok 'no guard, no gate' reads "$dest/docs/help.html"
done_testing
