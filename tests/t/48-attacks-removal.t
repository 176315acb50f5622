#!/bin/bash
# What an intruder puts into a tree so that it cannot be removed: the pull after it must not stumble over the remains.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin

# survives NAME DEST: two pulls with something unremovable inside, each of which has a difference to heal.
survives()
{
        local name=$1 place=$2 round
        for round in first second third; do
                echo "$planted" >"$place/index.php"
                status_is 1 "$name: the $round pull" us pull "$place" --repo "$repo" --pub "$pub" --json
                like "$name: what is left is said" "$(errors)" 'could not be removed'
                ok "$name: exact after the $round pull" mtree_agrees "$place" "$manifest"
                status_is 0 "$name: genuine after the $round pull" us verify "$place" --pub "$pub" --json
        done
}

# clean NAME DEST: the obstacle is gone.
clean()
{
        status_is 0 "$1: nothing to do" us pull "$2" --repo "$repo" --pub "$pub" --json
        is "$1: and nothing is left beside it" "$(ls -A "${2%/*}")" "${2##*/}"
}

# A swap file in use cannot be unlinked.
head -c 4194304 /dev/zero >"$dest/swap"
chmod 0600 "$dest/swap"
if mkswap -q "$dest/swap" 2>/dev/null && swapon "$dest/swap" 2>/dev/null; then
        survives 'a swap file in use' "$dest"
        swapoff "$tmp/www/.understudy.site"/*/swap
        clean 'a swap file in use' "$dest"
else
        rm -f "$dest/swap"
        skip 'no swap files here'
fi

# A read-only subvolume, which anybody who owns a folder on btrfs can make.
truncate -s 200M "$tmp/btrfs.img"
mkdir "$tmp/btrfs"
if command -v btrfs >/dev/null && mkfs.btrfs -q "$tmp/btrfs.img" >/dev/null && mount -o loop "$tmp/btrfs.img" "$tmp/btrfs" 2>/dev/null; then
        mkdir "$tmp/btrfs/www"
        status_is 0 'first pull on btrfs' us pull "$tmp/btrfs/www/site" --repo "$repo" --pub "$pub" --json
        btrfs subvolume create "$tmp/btrfs/www/site/docs/sub" >/dev/null
        echo "$planted" >"$tmp/btrfs/www/site/docs/sub/x.html"
        btrfs property set "$tmp/btrfs/www/site/docs/sub" ro true
        survives 'a read-only subvolume' "$tmp/btrfs/www/site"
        btrfs property set "$(echo "$tmp"/btrfs/www/.understudy.site/*/docs/sub)" ro false
        clean 'a read-only subvolume' "$tmp/btrfs/www/site"
        umount "$tmp/btrfs"
else
        skip 'no btrfs here'
fi

done_testing
