#!/bin/bash
# Mounts that only the web server sees: who was root once can enter its mount namespace (a container, a service with
# PrivateTmp=) and leave a page of his over a genuine one. Nothing of it is to be seen where we look.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin
need unshare nsenter

mkdir "$tmp/evil" "$tmp/evil/site"
echo "$planted" >"$tmp/evil/page"
echo "$planted" >"$tmp/evil/site/index.php"
cp "$(command -v sleep)" "$tmp/nginx"
cp "$(command -v sleep)" "$tmp/worker"

# start NAME PROGRAM SCRIPT: a process in a mount namespace of its own, in which the script was run.
start()
{
        unshare --mount --propagation slave sh -ec "$3"'; exec "$program" 120' &
        server=$!
        cleanup_process "$server"
        wait_for 5 grep -qs "^${2##*/}\$" "/proc/$server/comm" || fail "$1: the server has started"
}
stop() { kill "$server" && wait "$server" 2>/dev/null; }
export dest tmp program

# sees NAME PATH SCRIPT: while the server runs, verify says so, pull says so and ends it, and then verify is content.
sees()
{
        local name=$1 path=$2
        for program in "$tmp/nginx" "$tmp/worker"; do
                restart_standby
                start "$name" "$program" "$3"
                status_is 1 "$name, ${program##*/}: verify" us verify "$dest" --pub "$pub" --json
                differs "$name, ${program##*/}: where" "$path" mount
                like "$name, ${program##*/}: for whom" "$(output)" "${program##*/} \(pid $server\)"
                status_is 1 "$name, ${program##*/}: pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
                status_is 0 "$name, ${program##*/}: genuine" us verify "$dest" --pub "$pub" --json
                is "$name, ${program##*/}: what the server sees now" \
                        "$(cat "/proc/$server/root$dest/index.php" | cksum)" "$(cksum <"$tmp/src/index.php")"
                stop
                exact "$name, ${program##*/}: exact"
                is "$name, ${program##*/}: nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
                ok "$name, ${program##*/}: what was mounted is untouched" grep -q "$planted" "$tmp/evil/page" "$tmp/evil/site/index.php"
        done
}
sees 'a page over a page' index.php 'mount --bind "$tmp/evil/page" "$dest/index.php"'
sees 'a folder over a folder' docs 'mount --bind "$tmp/evil/site" "$dest/docs"'
sees 'another file system over a folder' docs 'mount -t tmpfs none "$dest/docs"'
sees 'a page over a page, in a container that has the folder above elsewhere' index.php \
        'mkdir -p "$tmp/container"; mount --bind "$tmp/www" "$tmp/container"; mount --bind "$tmp/evil/page" "$tmp/container/site/index.php"'
sees 'another tree over the whole' . 'mount --bind "$tmp/evil/site" "$dest"'

# Over the folder above: no exchange reaches who looks there.
restart_standby
program=$tmp/nginx
start 'over the folder above' "$program" 'mount --bind "$tmp/evil" "$tmp/www"'
status_is 1 'another tree over the folder above: verify' us verify "$dest" --pub "$pub" --json
differs 'another tree over the folder above: where' . mount
status_is 4 'another tree over the folder above: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
like 'another tree over the folder above: who must be restarted' "$(errors)" "nginx .pid $server"
status_is 1 'another tree over the folder above: nor does verify' us verify "$dest" --pub "$pub" --json
stop
us pull "$dest" --repo "$repo" --pub "$pub" --json
status_is 0 'another tree over the folder above: genuine without him' us verify "$dest" --pub "$pub" --json

# What harms nobody: a thing mounted over itself, something elsewhere, and what a user makes for himself.
restart_standby
start 'over itself' "$program" 'mount --bind "$dest/docs" "$dest/docs"; mount -t tmpfs none "$tmp/evil/site"'
status_is 0 'a folder over itself: genuine' us verify "$dest" --pub "$pub" --json
status_is 0 'a folder over itself: nothing to do' us pull "$dest" --repo "$repo" --pub "$pub" --json
stop
if unshare --user --map-root-user --mount true 2>/dev/null; then
        unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none "$dest/docs"; exec "$tmp/worker" 120' &
        server=$!
        cleanup_process "$server"
        wait_for 5 grep -qs worker "/proc/$server/comm"
        status_is 0 'a namespace that a user made for himself: genuine' us verify "$dest" --pub "$pub" --json
        stop

        # Nor may anybody keep a pull from healing with a process that he calls nginx; what it sees is still said.
        mkdir -p "$tmp/container"
        unshare --user --map-root-user --mount sh -c 'mount --bind "$dest" "$tmp/container"; exec "$tmp/nginx" 120' &
        server=$!
        cleanup_process "$server"
        wait_for 5 grep -qs nginx "/proc/$server/comm"
        echo "$planted" >"$dest/index.php"
        status_is 4 'a user who calls his process nginx: pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
        like 'a user who calls his process nginx: said' "$(errors)" "nginx .pid $server"
        status_is 0 'a user who calls his process nginx: healed' us verify "$dest" --pub "$pub" --json
        exact 'a user who calls his process nginx: exact'
        stop
else
        skip 'no user namespaces here'
fi

done_testing
