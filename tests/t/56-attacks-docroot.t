#!/bin/bash
# The docroot itself, and the folder above it.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin
outside=$tmp/outside

# Replaced by a link to a copy.
restart_standby
mv "$dest" "$outside" && echo "$planted" >"$outside/index.html" && ln -s "$outside" "$dest"
whole "$outside" >"$tmp/outside-before"
status_is 1 'a symlink in its place: verify' us verify "$dest" --pub "$pub" --json
json_is 'a symlink in its place: type of the root' '[.differences[] | .path + " " + .kind]' '[". type"]'
status_is 1 'a symlink in its place: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'a symlink in its place: a folder now' test -d "$dest" -a ! -L "$dest"
status_is 0 'a symlink in its place: genuine' us verify "$dest" --pub "$pub" --json
exact 'a symlink in its place: exact'
is 'a symlink in its place: what it led to is untouched' "$(whole "$outside" | diff "$tmp/outside-before" -)" ''
is 'a symlink in its place: nothing is left beside it' "$(ls -A "${dest%/*}")" "${dest##*/}"
status_is 0 'a symlink in its place: second pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
rm -rf "$outside"

# A link that leads nowhere, and a plain file.
restart_standby
rm -r "$dest" && ln -s "$tmp/nowhere" "$dest"
status_is 1 'a dangling symlink: verify' us verify "$dest" --pub "$pub" --json
status_is 1 'a dangling symlink: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'a dangling symlink: exact'
not_ok 'a dangling symlink: nothing was made where it led' test -e "$tmp/nowhere"

restart_standby
rm -r "$dest" && echo "$planted" >"$dest"
status_is 1 'a file in its place: verify' us verify "$dest" --pub "$pub" --json
json_is 'a file in its place: type of the root' '[.differences[] | .path + " " + .kind]' '[". type"]'
status_is 1 'a file in its place: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'a file in its place: exact'

# Gone: not tampered into something, but not genuine either.
restart_standby
rm -r "$dest"
us verify "$dest" --pub "$pub" --json
ok 'gone: verify does not call it genuine' test "$status" -eq 1 -o "$status" -eq 3
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'gone: pull makes it' test "$status" -le 1
exact 'gone: exact'
status_is 0 'gone: genuine' us verify "$dest" --pub "$pub" --json

# Emptied.
restart_standby
find "$dest" -mindepth 1 -delete
status_is 1 'emptied: verify' us verify "$dest" --pub "$pub" --json
status_is 1 'emptied: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'emptied: exact'

# A mount point cannot be exchanged: said, and refused; nothing is touched.
restart_standby
mkdir "$outside" && cp -a "$dest/." "$outside/" && echo "$planted" >"$outside/index.html"
whole "$outside" >"$tmp/outside-before"
mount --bind "$outside" "$dest"
status_is 1 'a mount point: verify' us verify "$dest" --pub "$pub" --json
like 'a mount point: the kind' "$(json '[.differences[] | .path + " " + .kind]')" '"\. mount"'
status_is 4 'a mount point: pull refuses' us pull "$dest" --repo "$repo" --pub "$pub" --json
like 'a mount point: and says so' "$(errors)" mount
is 'a mount point: untouched' "$(whole "$outside" | diff "$tmp/outside-before" -)" ''
umount "$dest"
status_is 0 'a mount point: unmounted, it is genuine' us verify "$dest" --pub "$pub" --json
status_is 0 'a mount point: and pull says so' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'a mount point: exact'
rm -rf "$outside"

# What was never pulled is not taken over without a word.
mkdir "$tmp/www/other" && echo "$planted" >"$tmp/www/other/index.html"
status_is 4 'a folder that was never pulled: refused' us pull "$tmp/www/other" --repo "$repo" --pub "$pub" --json
is 'a folder that was never pulled: untouched' "$(cat "$tmp/www/other/index.html")" "$planted"
us pull "$tmp/www/other" --repo "$repo" --pub "$pub" --adopt --json
is 'a folder that was never pulled, with --adopt' "$status" 1
ok 'a folder that was never pulled: everything is evidence' grep -rqF "$planted" "$(json .evidence)"
is 'a folder that was never pulled: exact now' "$(whole "$tmp/www/other" | diff "$tmp/genuine" -)" ''
rm -r "$tmp/www/other"

# Left-overs that somebody laid out for us beside the docroot: our own folder's name as a link, a file, with contents.
parked=$tmp/www/.understudy.site
for kind in link file folder; do
        restart_standby
        echo "$planted" >"$dest/index.html"
        mkdir -p "$outside/new" "$outside/old" && echo "$planted" >"$outside/new/x" && echo "$planted" >"$outside/old/x"
        whole "$outside" >"$tmp/outside-before"
        case $kind in
        link) ln -s "$outside" "$parked" ;;
        file) echo "$planted" >"$parked" ;;
        folder) mkdir -m 0777 "$parked" && chown 33 "$parked" && cp -a "$outside/." "$parked/" && chmod -R 0777 "$parked" ;;
        esac
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        if [[ $status -eq 1 ]]; then
                pass "our folder's name is a $kind: pull goes through"
                exact "our folder's name is a $kind: exact"
        else
                ok "our folder's name is a $kind: pull refuses" test "$status" -eq 4 -o "$status" -eq 3
        fi
        is "our folder's name is a $kind: what it leads to is untouched" "$(whole "$outside" | diff "$tmp/outside-before" -)" ''
        rm -rf "$parked" "$outside"
done

# Apache obeys .htaccess files above the docroot, too: not ours to remove, but ours to tell.
restart_standby
echo "php_value auto_prepend_file /tmp/$planted" >"$tmp/www/.htaccess"
status_is 0 'a .htaccess above: the tree is genuine' us verify "$dest" --pub "$pub" --json
like 'a .htaccess above: verify says so' "$(errors)" 'www/\.htaccess'
status_is 0 'a .htaccess above: nothing to do' us pull "$dest" --repo "$repo" --pub "$pub" --json
like 'a .htaccess above: pull says so' "$(errors)" 'www/\.htaccess'
us check "$dest" --json
like 'a .htaccess above: check says so' "$(output)" 'www/\.htaccess'
ok 'a .htaccess above: and nobody touches it' grep -q "$planted" "$tmp/www/.htaccess"
rm "$tmp/www/.htaccess"
status_is 0 'no .htaccess above' us verify "$dest" --pub "$pub" --json
is 'no .htaccess above: no word' "$(errors)" ''

done_testing
