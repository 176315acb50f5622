#!/bin/bash
# A publisher who is malicious, or whose program is wrong: everything is signed as it must be, and still nothing may be
# written outside of DEST and its sibling, nor anything be accepted that cannot be proven afterwards.
. "$(dirname "$0")/lib.sh"
need minisign zstd jq

sign() { minisign -S -s "$key" -m "$1" -x "$1.minisig" -t "$2" >/dev/null </dev/null; }
digest() { sha256sum <"$1" | cut -d' ' -f1; }

# signed_by_hand N: after the manifests and companions of release N were edited: everything about them in release.json
# is made true again, and all is signed.
signed_by_hand()
{
        local folder=$repo/releases/$1 file name manifest companion
        for manifest in "$folder"/*.mtree; do
                name=${manifest##*/} name=${name%.mtree} companion=${manifest%.mtree}.companion.json
                [[ $name == manifest ]] && name=docroot
                jq -S --indent 1 --arg name "$name" --argjson number "$1" \
                        --arg manifest "$(digest "$manifest")" --argjson size "$(stat -c %s "$manifest")" \
                        --arg companion "$(digest "$companion")" --argjson companion_size "$(stat -c %s "$companion")" \
                        --argjson files "$(grep -c ' type=file ' "$manifest")" \
                        --argjson bytes "$(($(grep -o ' size=[0-9]*' "$manifest" | cut -d= -f2 | paste -sd+)))" \
                        '.number = $number | .roots[$name] += {manifest: $manifest, manifest_size: $size,
                         companion: $companion, companion_size: $companion_size, files: $files, bytes: $bytes}' \
                        "$folder/release.json" >"$tmp/j" && cp "$tmp/j" "$folder/release.json"
        done
        rm -f "$folder"/*.zst
        for file in release.json manifest.mtree manifest.companion.json; do
                sign "$folder/$file" "understudy site=example release=$1 file=$file"
        done
        echo "$1" >"$repo/latest"
}

# begin SITE: $src is a small site; $repo has it as release 1, and $dest is a stand-by of that.
begin()
{
        rm -rf "$repo" "$state" "${dest%/*}" "$src"
        mkdir -p "$src/in" "${dest%/*}"
        echo front >"$src/index.html"
}
src=$tmp/src
make_keys "$tmp/keys"
link_line='type=link mode=0777 uid=0 gid=0 link='

# ---------------------------------------------------------------- ignored paths behind links

outside=$tmp/outside
mkdir -p "$outside/cron.d"
for what in folder file; do
        begin
        mkdir -p "$src/in/cron.d"
        echo 'one' >"$src/in/page.txt"
        ignored=in/cron.d
        [[ $what == file ]] && ignored=in/job && rmdir "$src/in/cron.d"
        us publish "$src" --repo "$repo" --key "$key" --site example --ignore "$ignored" || output_diag
        make_standby
        if [[ $what == folder ]]; then mkdir -p "$dest/in/cron.d"; echo evil >"$dest/in/cron.d/job"; else echo evil >"$dest/in/job"; fi
        cp -r "$repo/releases/1" "$repo/releases/2"
        manifest=$repo/releases/2/manifest.mtree
        # b is declared to lead outside; in leads to b, inside; what is ignored lies behind them.
        { echo '#mtree'; grep '^\. ' "$manifest"; echo "./b $link_line$outside"; echo "./in ${link_line}b"
          grep '^\./index' "$manifest"; } >"$tmp/m" && cp "$tmp/m" "$manifest"
        jq -S --indent 1 '.links = ["b"]' "$repo/releases/1/manifest.companion.json" >"$repo/releases/2/manifest.companion.json"
        jq -S --indent 1 --arg previous "$(digest "$repo/releases/1/release.json")" '.previous = $previous' \
                "$repo/releases/1/release.json" >"$repo/releases/2/release.json"
        signed_by_hand 2
        us pull "$dest" --repo "$repo" --pub "$pub" --json
        ok "an ignored $what behind a link: an end that is defined" test "$status" -eq 0 -o "$status" -eq 3 -o "$status" -eq 1
        is "an ignored $what behind a link: nothing is written where that leads" "$(find "$outside" -type f)" ''
done

# ---------------------------------------------------------------- mutable areas that lead where they must not

for target in ../site/real ../site .././site/new ../.understudy.site/new/evil ../.understudy.site ../conf/area; do
        begin
        us publish "$src" --repo "$repo" --key "$key" --site example --root "conf=$src/in" || output_diag
        us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$tmp/www/conf" || output_diag
        find "$tmp/www" | sort >"$tmp/before"
        us publish "$src" --repo "$repo" --key "$key" --root "conf=$src/in" --mutable "up=$target" || output_diag
        status_is 4 "an area at $target" us pull "$dest" --repo "$repo" --pub "$pub"
        ok "an area at $target: nothing is made" cmp -s <(find "$tmp/www" | sort) "$tmp/before"
        status_is 0 "an area at $target: release 1 is whole" us verify "$dest" --pub "$pub"
done

# Absolute ones, and those that climb: nothing is made there, and looking there has an end.
for target in ../../elsewhere/area "$tmp/elsewhere/area" ../../../../../proc /dev; do
        begin
        us publish "$src" --repo "$repo" --key "$key" --site example --mutable "up=$target" || output_diag
        run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$repo" --pub "$pub"
        is "an area at $target: pulled" "$status" 0
        not_ok "an area at $target: not made" test -e "$tmp/elsewhere"
        run timeout 60 "$UNDERSTUDY" verify "$dest" --pub "$pub"
        ok "an area at $target: verify ends" test "$status" -lt 3
done

# ---------------------------------------------------------------- roots in each other's way

begin
us publish "$src" --repo "$repo" --key "$key" --site example --root "conf=$src/in" || output_diag
ln -s "$tmp/www" "$tmp/alias"
status_is 2 'two roots at one place' us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$dest"
status_is 2 'two roots at one place, by another name' us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$tmp/alias/site"
mkdir "$dest"
status_is 2 'a root in the other, by another name' us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$tmp/alias/site/conf"
rmdir "$dest"
status_is 2 'the state in a root' us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$state" --adopt
status_is 2 'the state below a root' us pull "$dest" --repo "$repo" --pub "$pub" --root "conf=$tmp" --adopt
status_is 2 'the repository is DEST' us pull "$repo" --repo "$repo" --pub "$pub" --adopt --root "conf=$tmp/www/conf"
mkdir -p "$tmp/www2/site"
cp -r "$repo" "$tmp/www2/site/repo"
status_is 2 'the repository below DEST' us pull "$tmp/www2/site" --repo "$tmp/www2/site/repo" --pub "$pub" --adopt --root "conf=$tmp/www/conf"
ok 'is still there' test -e "$tmp/www2/site/repo/latest"
not_ok 'nothing was made' test -e "$dest"
# ---------------------------------------------------------------- more names than the file system has room for

begin
us publish "$src" --repo "$repo" --key "$key" --site example || output_diag
cp -a "$repo" "$tmp/many"
awk '{ print } /^\. / { for (i = 0; i < 200; i++) printf "./D%03d type=dir mode=0755 uid=0 gid=0\n", i }' \
        "$repo/releases/1/manifest.mtree" >"$tmp/m" && cp "$tmp/m" "$repo/releases/1/manifest.mtree"
signed_by_hand 1
truncate -s 8M "$tmp/image"
mkdir -p "$tmp/small"
if mkfs.ext4 -q -N 100 "$tmp/image" 2>/dev/null && mount -o loop "$tmp/image" "$tmp/small" 2>/dev/null; then
        status_is 3 'a release of many folders' us pull "$tmp/small/site" --repo "$repo" --pub "$pub"
        like 'is refused before one is made' "$(errors)" 'inodes'
        status_is 0 'one that fits' us pull "$tmp/small/site" --repo "$tmp/many" --pub "$pub"
        umount "$tmp/small"
else
        skip 'no loop mount'
fi
done_testing
