#!/bin/bash
# Mounts on top of genuine files: the tree is exact in what is served, and what lies behind a mount is never deleted.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin

behind=$tmp/behind
make_behind()
{
        rm -rf "$behind"
        mkdir -p "$behind/folder/deeper"
        echo "$planted" >"$behind/page"
        echo "$planted" >"$behind/folder/page"
        cp -a "$tmp/src/docs" "$behind/docs"
        whole "$behind" >"$tmp/behind-before"
}

# As attack(), but the exchanged-away tree may stay beside the live one for as long as the mount is in it.
mount_attack()
{
        local name=$1 tamper=$2
        shift 2
        restart_standby
        make_behind
        if ! (cd "$dest" && "$tamper") >"$tmp/tamper" 2>&1; then
                fail "$name: tampered"
                diag "$(cat "$tmp/tamper")"
                return
        fi
        status_is 1 "$name: verify says that it differs" us verify "$dest" --pub "$pub" --json
        differences_are "$name: path and kind" .differences "$@"
        status_is 1 "$name: pull makes it exact" us pull "$dest" --repo "$repo" --pub "$pub" --json
        differences_are "$name: pull says the same" .before.differences "$@"
        ok "$name: evidence is kept" test -d "$(json .evidence)"
        status_is 0 "$name: genuine again" us verify "$dest" --pub "$pub" --json
        exact "$name: exact"
        is "$name: what lies behind is whole" "$(whole "$behind" | diff "$tmp/behind-before" - 2>&1)" ''
        status_is 0 "$name: nothing for a second pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
        is "$name: what lies behind is still whole" "$(whole "$behind" | diff "$tmp/behind-before" - 2>&1)" ''
        unmount_below "${dest%/*}"
        status_is 0 "$name: unmounted, the next pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
        is "$name: and nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
}

over_file() { mount --bind "$behind/page" index.php; }
mount_attack 'bind mount over a file' over_file 'index.php mount'

over_folder() { mount --bind "$behind/folder" docs/2008; }
mount_attack 'bind mount over a folder' over_folder 'docs/2008 mount'

over_folder_same() { mount --bind "$behind/docs" docs; }
mount_attack 'bind mount of an equal folder' over_folder_same 'docs mount'

itself() { mount --bind docs docs; }
mount_attack 'a folder mounted on itself' itself 'docs mount'

file_on_itself() { mount --bind index.php index.php; }
mount_attack 'a file mounted on itself' file_on_itself 'index.php mount'

tmpfs() { mount -t tmpfs none img && echo "$planted" >img/dot.gif; }
mount_attack 'a tmpfs over a folder' tmpfs 'img mount'

in_extra() { mkdir -p new/x && mount --bind "$behind/folder" new/x; }
mount_attack 'a mount in an extra folder' in_extra 'new/ extra'

on_extra_file() { : >extra && mount --bind "$behind/page" extra; }
mount_attack 'a mount on an extra file' on_extra_file 'extra extra' 'extra mount'

stacked() { mount --bind "$behind/folder" docs && mount --bind "$behind/docs" docs; }
mount_attack 'two mounts on one folder' stacked 'docs mount'

several() { mount --bind "$behind/page" css/site.css && mount --bind "$behind/docs" lib && echo "$planted" >x.html; }
mount_attack 'several, and a planted file' several 'css/site.css mount' 'lib mount' 'x.html extra'

done_testing
