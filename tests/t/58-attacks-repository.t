#!/bin/bash
# A repository that lies: what it offers is signed, or was once, and still must not reach the live tree.
. "$(dirname "$0")/lib.sh"
use attacks
need minisign zstd
attacks_begin

genuine_repo=$tmp/repo-genuine
mv "$repo" "$genuine_repo"

# fresh_lie: $repo is a copy of the genuine repository, to be spoiled.
fresh_lie()
{
        rm -rf "$repo"
        cp -a "$genuine_repo" "$repo"
}

# A stand-by is made anew from the genuine one.
restart_genuine() { local repo=$genuine_repo && restart_standby; }

# refused STATUS NAME PULL-OPTION...: the pull ends so, and the live tree is as it was.
refused()
{
        local expected=$1 name=$2
        shift 2
        status_is "$expected" "$name" us pull "$dest" --repo "$repo" --pub "$pub" "$@"
        like "$name: in words" "$(errors)" '^understudy: .{20,}'
        whole "$dest" | cmp -s "$tmp/genuine" - && pass "$name: the live tree is untouched" ||
                fail "$name: the live tree is untouched"
        is "$name: nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
}

sign() { minisign -S -s "${3:-$key}" -m "$1" -x "$1.minisig" -t "$2" >/dev/null </dev/null; }

digest() { sha256sum <"$1" | cut -d' ' -f1; }

# forge NUMBER MANIFEST [KEY]: release NUMBER after release 1, with this manifest and a signature that holds. The objects
# are those of release 1.
forge()
{
        local number=$1 manifest_text=$2 with=${3:-$key} folder=$repo/releases/$1 file
        rm -rf "$folder"
        mkdir "$folder"
        cp "$manifest_text" "$folder/manifest.mtree"
        zstd -q "$folder/manifest.mtree" -o "$folder/manifest.mtree.zst"
        cp "$repo/releases/1/manifest.companion.json" "$folder/"
        jq -S --indent 1 --argjson number "$number" --arg previous "$(digest "$repo/releases/1/release.json")" \
                --arg manifest "$(digest "$folder/manifest.mtree")" --argjson size "$(stat -c %s "$folder/manifest.mtree")" \
                --argjson files "$(grep -c ' type=file ' "$folder/manifest.mtree")" \
                --argjson bytes "$(grep -o ' size=[0-9]*' "$folder/manifest.mtree" | cut -d= -f2 | paste -sd+ | { read -r sum; echo $((sum)); })" \
                '.number = $number | .previous = $previous | .roots.docroot.manifest = $manifest
                 | .roots.docroot.manifest_size = $size | .roots.docroot.files = $files | .roots.docroot.bytes = $bytes' \
                "$repo/releases/1/release.json" >"$folder/release.json"
        for file in release.json manifest.mtree manifest.companion.json; do
                sign "$folder/$file" "understudy site=example release=$number file=$file" "$with"
        done
        echo "$number" >"$repo/latest"
}

# ---------------------------------------------------------------- signatures

make_keys "$tmp/other"
fresh_lie
manifest_of_1=$genuine_repo/releases/1/manifest.mtree
# Another one, of the same objects: d.html has the bytes of index.php.
sed "s|^\(\./docs/2008/d\.html \).*|\1$(sed -n 's/^\.\/index\.php //p' "$manifest_of_1")|" "$manifest_of_1" >"$tmp/other-manifest"
forge 2 "$manifest_of_1" "$tmp/other/release.key"
refused 3 'release 2 signed by somebody else'

fresh_lie
rm "$repo/releases/1/release.json.minisig"
echo x >>"$dest/index.php"
us pull "$dest" --repo "$repo" --pub "$pub"
ok 'a signature is missing, the tree tampered: never called done' test "$status" -eq 3 -o "$status" -eq 1
restart_genuine

fresh_lie
cp -r "$repo/releases/1" "$repo/releases/2"
echo 2 >"$repo/latest"
refused 3 'release 1 offered as release 2'

fresh_lie
forge 2 "$manifest_of_1"
cp "$repo/releases/1/release.json.minisig" "$repo/releases/2/"
refused 3 "release 1's signature below release 2"

fresh_lie
forge 2 "$tmp/other-manifest"
sed -i 's/0644/0666/' "$repo/releases/2/manifest.mtree"
rm "$repo/releases/2/manifest.mtree.zst"
refused 3 'a manifest that is not the signed one'

fresh_lie
forge 2 "$tmp/other-manifest"
sed -i 's/0644/0666/' "$repo/releases/2/manifest.mtree"
zstd -qf "$repo/releases/2/manifest.mtree" -o "$repo/releases/2/manifest.mtree.zst"
sign "$repo/releases/2/manifest.mtree" 'understudy site=example release=2 file=manifest.mtree'
refused 3 'a manifest that is signed, but not that of the release'

fresh_lie
forge 2 "$manifest_of_1"
sed -i 's/"number": 2/"number":  2/' "$repo/releases/2/release.json"
refused 3 'one byte more in release.json'

# ---------------------------------------------------------------- which release

# That forging is done right is shown by one that must be accepted.
fresh_lie
forge 2 "$manifest_of_1"
status_is 0 'a release made by hand with the right key is accepted' us pull "$dest" --repo "$repo" --pub "$pub" --json
json_is 'and it is release 2' .release 2

rm -rf "$repo/releases/2"
echo 1 >"$repo/latest"
refused 4 'an older signed release than the accepted one'
refused 4 'an older one by its number' --release 1
status_is 4 'an older one for another folder on the same server' us pull "$tmp/www2/site" --repo "$repo" --pub "$pub"
not_ok 'and nothing was made there' test -e "$tmp/www2/site"
rm -rf "$tmp/www2"

# From here on release 1 again, for a stand-by that has forgotten nothing else.
rm -rf "${dest%/*}" "$state"
repo=$genuine_repo make_standby
whole "$dest" | cmp -s "$tmp/genuine" - || fail 'release 1 is in place again'

fresh_lie
forge 2 "$manifest_of_1"
jq -S --indent 1 '.site = "another"' "$repo/releases/2/release.json" >"$tmp/j" && cp "$tmp/j" "$repo/releases/2/release.json"
sign "$repo/releases/2/release.json" 'understudy site=another release=2 file=release.json'
us pull "$dest" --repo "$repo" --pub "$pub"
ok "another site's release by the same key: refused" test "$status" -eq 4 -o "$status" -eq 3
whole "$dest" | cmp -s "$tmp/genuine" - && pass 'the live tree is untouched' || fail 'the live tree is untouched'

fresh_lie
forge 2 "$manifest_of_1"
jq -S --indent 1 '.number = 3' "$repo/releases/2/release.json" >"$tmp/j" && cp "$tmp/j" "$repo/releases/2/release.json"
sign "$repo/releases/2/release.json" 'understudy site=example release=3 file=release.json'
refused 3 'release 3 in the place of release 2'

fresh_lie
echo 7 >"$repo/latest"
refused 3 'a latest that is not there'

fresh_lie
echo '1; rm -rf /' >"$repo/latest"
refused 3 'a latest that is no number'

# ---------------------------------------------------------------- hostile manifests, all with a signature that holds

file_line=$(grep '^\./docs/help\.html ' "$manifest_of_1")
words=${file_line#* }

# hostile NAME AFTER LINE...: lines put behind the line that begins with AFTER.
hostile()
{
        local name=$1 after=$2 line
        shift 2
        fresh_lie
        printf '%s\n' "$@" >"$tmp/lines"
        awk -v after="$after " -v lines="$tmp/lines" '
                { print }
                index($0, after) == 1 && !done { while ((getline line < lines) > 0) print line; done = 1 }
                END { if (!done) exit 1 }' "$manifest_of_1" >"$tmp/m" || fail "$name: made"
        forge 2 "$tmp/m"
        refused 3 "$name"
}

hostile 'a path through ..' . "./../evil $words"
hostile 'a path through .. further down' ./css "./css/../../evil $words"
hostile 'a path that is ..' . './.. type=dir mode=0755 uid=0 gid=0'
hostile 'an absolute path' . "/tmp/understudy-evil $words"
hostile 'an absolute path behind ./' . ".//tmp/understudy-evil $words"
hostile 'a path without ./' . "evil $words"
hostile '.. in octal' . "./\\056\\056/evil $words"
hostile 'a slash in octal' . "./a\\057b $words"
hostile 'a NUL' . "./a\\000b $words"
hostile 'a dot as component' ./css "./css/./evil $words"
hostile 'a duplicate' ./docs/help.html "$file_line"
hostile 'a duplicate of a folder' ./css './css type=dir mode=0755 uid=0 gid=0'
hostile 'the root twice' . '. type=dir mode=0755 uid=0 gid=0'
hostile 'an entry below a symlink' ./help "./help/evil $words"
hostile 'an entry below a file' ./docs.txt "./docs.txt/evil $words"
hostile 'an entry without its folder' ./css/site.css "./cz/evil $words"
hostile 'out of order' ./index.php "./a $words"
hostile 'a component of 256 bytes' . "./$(printf 'A%.0s' {1..256}) $words"
hostile 'a device' . './A type=char mode=0644 uid=0 gid=0'
hostile 'a FIFO' . './A type=fifo mode=0644 uid=0 gid=0'
hostile 'an unknown keyword' . "./A $words flags=none"
hostile 'optional' . "./A $words optional"
hostile '/set' . '/set uid=0'
hostile 'a comment' . '# harmless'
hostile 'an empty line' . ''
hostile 'a link count of two' . "./A ${words/nlink=1/nlink=2}"
hostile 'a type in the mode' . "./A ${words/mode=0644/mode=0100644}"
hostile 'a negative size' . "./A $(sed 's/size=[0-9]*/size=-1/' <<<"$words")"
hostile 'a size beyond 64 bits' . "./A $(sed 's/size=[0-9]*/size=99999999999999999999/' <<<"$words")"
hostile 'a digest too short' . "./A ${words%?}"
hostile 'a digest that no object has' . "./A $(sed 's/sha256=.*/sha256='"$(printf '0%.0s' {1..64})"'/' <<<"$words")"
hostile 'a size that is not that of the object' . "./A $(sed 's/size=[0-9]*/size=3/' <<<"$words")"
hostile 'a symlink that leaves the tree' . './A type=link mode=0777 uid=0 gid=0 link=../../etc/passwd'
hostile 'an absolute symlink' . './A type=link mode=0777 uid=0 gid=0 link=/etc/passwd'
not_ok 'nothing was written elsewhere' test -e /tmp/understudy-evil -o -e "${dest%/*}/evil" -o -e "$tmp/evil"

for what in 'cut in the middle of a line' 'without the last newline' 'empty' 'without its first line'; do
        fresh_lie
        case $what in
        cut*) head -c 1000 "$manifest_of_1" >"$tmp/m" ;;
        'without the last'*) head -c -1 "$manifest_of_1" >"$tmp/m" ;;
        empty) : >"$tmp/m" ;;
        *) tail -n +2 "$manifest_of_1" >"$tmp/m" ;;
        esac
        forge 2 "$tmp/m" 2>/dev/null
        refused 3 "a manifest $what"
done

# ---------------------------------------------------------------- objects

for what in flipped cut missing; do
        fresh_lie
        forge 2 "$tmp/other-manifest"
        for pack in "$repo"/packs/*.pack; do
                case $what in
                flipped) perl -pi -e 'BEGIN { $/ = undef } $_ ^= "\x01" x length' "$pack" ;;
                cut) truncate -s 10 "$pack" ;;
                missing) rm "$pack" ;;
                esac
        done
        # What a server has it does not ask for: a folder that is new here asks for everything.
        status_is 3 "a pack that is $what" us pull "$tmp/www3/site" --repo "$repo" --pub "$pub"
        not_ok "a pack that is $what: nothing was made" test -e "$tmp/www3/site"
        rm -rf "$tmp/www3"
done

status_is 0 'after all of it the stand-by is genuine' us verify "$dest" --pub "$pub" --json
status_is 0 'and the genuine repository has nothing for it' us pull "$dest" --repo "$genuine_repo" --pub "$pub" --json
json_is 'so that nothing was exchanged' .changed false
exact 'exact'

done_testing
