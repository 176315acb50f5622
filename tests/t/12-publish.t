#!/bin/bash
# 12-publish.t - what publish makes: checked with sha256sum, zstd, minisign and mtree, not with our own reader.
# shellcheck disable=SC2119,SC2120 # publish() takes further options or none
. "$(dirname "$0")/lib.sh"
need minisign mtree zstd jq setfattr

src=$tmp/src
make_site "$src"
make_keys "$tmp/keys"
release() { jq -r "$2" "$repo/releases/$1/release.json"; }
manifest() { echo "$repo/releases/$1/manifest.mtree"; }
publish() { us publish "$src" --repo "$repo" --key "$key" "$@"; }
# The line of a path in a release's manifest.
line() { grep "^\./$2 " "$(manifest "$1")"; }
time_of() { line "$1" "$2" | sed 's/.* time=\([0-9]*\)\.0 .*/\1/'; }
refused() # NAME WORDS COMMAND...: status 4, words, and nothing is left of it
{
        local name=$1 words=$2 before after
        shift 2
        before=$(find "$repo" | sort)
        status_is 4 "$name: refused" "$@"
        like "$name: says so" "$(errors)" "$words"
        after=$(find "$repo" | sort)
        is "$name: nothing is left" "$after" "$before"
}

# ---------------------------------------------------------------- the first release
status_is 0 'the first release' publish --site example --json
json_is 'its number' .release 1
json_is 'its site' .site example
json_is 'its files' .files "$(find "$src" -type f | wc -l)"
json_is 'its bytes' .bytes "$(find "$src" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')"
json_is 'its objects' .new_objects "$(find "$src" -type f -exec sha256sum {} + | cut -c1-64 | sed 's/^\\//' | sort -u | wc -l)"
json_is 'its stored bytes' .stored_bytes "$(cat "$repo"/packs/* | wc -c)"
is 'latest' "$(cat "$repo/latest")" 1
for file in release.json manifest.mtree manifest.companion.json; do
        status_is 0 "minisign believes $file" minisign -Vm "$repo/releases/1/$file" -p "$pub"
        like "its trusted comment" "$(output)" "understudy site=example release=1 file=$file"
done
ok 'mtree agrees with the source' mtree_agrees "$src" "$(manifest 1)"
is 'release.json binds the manifest' "$(release 1 .roots.docroot.manifest)" "$(sha256sum <"$(manifest 1)" | cut -d' ' -f1)"
is 'release.json binds the companion' "$(release 1 .roots.docroot.companion)" \
        "$(sha256sum <"$repo/releases/1/manifest.companion.json" | cut -d' ' -f1)"
is 'nothing came before' "$(release 1 .previous)" "$(printf '0%.0s' {1..64})"
ok 'the compressed manifest' cmp <(zstd -dcq "$(manifest 1).zst") "$(manifest 1)"
id=$(release 1 '.packs[0].id')
is 'a pack has the name of its SHA-256' "$(sha256sum <"$repo/packs/$id.pack" | cut -d' ' -f1)" "$id"
is 'its index is bound' "$(sha256sum <"$repo/packs/$id.index" | cut -d' ' -f1)" "$(release 1 '.packs[0].index')"
is 'its frames hold every content' "$(zstd -dcq "$repo/packs/$id.pack" | wc -c)" \
        "$(find "$src" -type f -exec sha256sum {} + | sed 's/^\\//' | sort -uk1,1 |
                while read -r digest _; do grep -h "sha256=$digest" "$(manifest 1)" | head -1; done |
                sed 's/.* size=\([0-9]*\) .*/\1/' | awk '{ n += $1 } END { print n }')"
is 'every file of the repository is for everybody to read' \
        "$(find "$repo" -type f ! -perm 0644 -o -type d ! -perm 0755)" ''

# ---------------------------------------------------------------- nothing changed; something changed
status_is 0 'again, with nothing changed' publish --json
json_is 'it is the next release' .release 2
json_is 'with no new object' .new_objects 0
ok 'and the same manifest' cmp "$(manifest 1)" "$(manifest 2)"
is 'it follows the first' "$(release 2 .previous)" "$(sha256sum <"$repo/releases/1/release.json" | cut -d' ' -f1)"
is 'it uses the same pack' "$(release 2 .packs)" "$(release 1 .packs)"

touch "$src/css/site.css"                                   # newer, same content
cp -p "$src/img/photo.jpg" "$tmp/photo.jpg"
printf X | dd of="$src/img/photo.jpg" bs=1 seek=1000 conv=notrunc status=none # same size
touch -r "$tmp/photo.jpg" "$src/img/photo.jpg"              # and same time
echo new >"$src/new.html"
rm "$src/docs-old"
status_is 0 'with a change of the same size and time, a new file, one less' publish --json
json_is 'two new objects' .new_objects 2
is 'a touched file keeps its signed time' "$(time_of 3 css/site.css)" "$(time_of 1 css/site.css)"
ok 'a changed file is later than before' test "$(time_of 3 img/photo.jpg)" -gt "$(time_of 1 img/photo.jpg)"
ok 'mtree agrees' mtree_agrees "$src" "$(manifest 3)"
is 'the removed file is gone' "$(line 3 docs-old)" ''
ok 'the difference of the manifests' cmp \
        <(zstd -dcq --long=27 --patch-from="$(manifest 2)" "$(manifest 3).from-2.zst") "$(manifest 3)"
is 'the delta pack is the first' "$(release 3 '.packs[0].base')" 2
delta=$repo/packs/$(release 3 '.packs[0].id').pack
ok 'the delta pack makes the new file from the old one' cmp \
        <(zstd -dcq --long=27 --patch-from="$tmp/photo.jpg" <"$delta") "$src/img/photo.jpg"
ok 'and is small' test "$(stat -c %s "$delta")" -lt 1000
status_is 0 'the next one' publish
is 'no longer lists the delta' "$(release 4 '[.packs[].base] | unique | join(",")')" 0

# A clock that stands still or is behind: a changed file gets a later time than before all the same.
echo once >"$src/new.html"
publish
echo twice >"$src/new.html"
publish
ok 'two changes within a second have two times' test "$(time_of 6 new.html)" -gt "$(time_of 5 new.html)"

# ---------------------------------------------------------------- names that are bytes
mkdir "$src/names"
touch "$src/names/"$'new\nline' "$src/names/"$'\377\376' "$src/names/trail " "$src/names/"'back\slash' "$src/names/a*b?" \
        "$src/names/$(printf 'n%.0s' {1..255})"
status_is 0 'names with any byte' publish
ok 'mtree agrees' mtree_agrees "$src" "$(manifest 7)"
rm -r "$src/names"

# ---------------------------------------------------------------- what is refused
mkfifo "$src/pipe"
refused 'a FIFO' 'pipe.*fifo.*--ignore' us publish "$src" --repo "$repo" --key "$key"
rm "$src/pipe"
ln -s /etc/passwd "$src/leak"
refused 'a link out of the tree' 'leak.*leaves the tree.*--mutable.*--outside-link' us publish "$src" --repo "$repo" --key "$key"
status_is 0 'unless it is declared' publish --outside-link leak
status_is 0 'which stays declared' publish
refused 'until it is forgotten' leak us publish "$src" --repo "$repo" --key "$key" --forget-declared
rm "$src/leak"
chmod 4755 "$src/lib/cron.sh"
refused 'a setuid file' 'lib/cron.sh.*setuid' us publish "$src" --repo "$repo" --key "$key"
status_is 0 'unless it is allowed' publish --allow-setuid
like 'and it is signed so' "$(line "$(cat "$repo/latest")" lib/cron.sh)" 'mode=04755'
chmod 0755 "$src/lib/cron.sh"
setfattr -n user.note -v planted "$src/index.php"
refused 'an extended attribute' 'index.php.*user.note=planted.*--allow-attributes' us publish "$src" --repo "$repo" --key "$key"
status_is 0 'unless it is allowed' publish --allow-attributes
is 'and it is in the companion' "$(jq -r '.attributes["index.php"].xattrs["user.note"] | @base64d' \
        "$repo/releases/$(cat "$repo/latest")/manifest.companion.json")" planted
setfattr -x user.note "$src/index.php"
if chattr +i "$src/docs" 2>/dev/null; then
        refused 'an immutable folder' 'docs has a flag' us publish "$src" --repo "$repo" --key "$key"
        chattr -i "$src/docs"
fi
mkdir "$src/.understudy.site"
refused 'a name of our own' 'keeps for itself' us publish "$src" --repo "$repo" --key "$key"
rmdir "$src/.understudy.site"
if [[ $EUID -eq 0 ]] && mount --bind "$src/css" "$src/empty" 2>/dev/null; then
        refused 'a mount' 'mounted at empty' us publish "$src" --repo "$repo" --key "$key"
        umount "$src/empty"
fi
refused 'another site' 'of the site example, not of other' us publish "$src" --repo "$repo" --key "$key" --site other
make_keys "$tmp/other"
refused 'another key' 'not signed by this key.*--new-key' us publish "$src" --repo "$repo" --key "$tmp/other/release.key"
status_is 4 'a repository inside the source' us publish "$src" --repo "$src/repo" --key "$key"
like 'says so' "$(errors)" 'lies inside'
rm -r "$src/repo"

deep=$src$(printf '/deep%.0s' {1..300})
mkdir -p "$deep"
refused 'a folder that is too deep' 'deep.*cannot be part of a release' us publish "$src" --repo "$repo" --key "$key"
rm -r "$src/deep"
truncate -s 400M "$src/large" # long enough to read that the writer gets its turn
while :; do echo x >>"$src/large"; done &
writer=$!
cleanup_process "$writer"
is_growing() { [[ $(stat -c %s "$src/large") -gt $((400 << 20)) ]]; }
wait_for 5 is_growing
status_is 3 'a file that is written to' publish
like 'says so' "$(errors)" 'large.*changed while it was read'
{ kill "$writer" && wait "$writer"; } 2>/dev/null
rm "$src/large"
is 'nothing is left' "$(find "$repo" -name '.new-*')" ''

# ---------------------------------------------------------------- wrong use
status_is 2 'no folder' us publish --repo "$repo" --key "$key"
status_is 2 'no repository' us publish "$src" --key "$key"
status_is 2 'a name that cannot be one' us publish "$src" --repo "$repo" --key "$key" --site '../x'
status_is 2 'a root without a folder' us publish "$src" --repo "$repo" --key "$key" --root nginx
status_is 2 'a root named twice' us publish "$src" --repo "$repo" --key "$key" --root docroot="$src"
status_is 2 'an unknown word in a rule' us publish "$src" --repo "$repo" --key "$key" --ignore x:everything
status_is 3 'a folder that is not there' us publish "$tmp/none" --repo "$repo" --key "$key"
status_is 3 'a key that is not there' us publish "$src" --repo "$repo" --key "$tmp/none"

# ---------------------------------------------------------------- declarations, owners, roots
mkdir -p "$src/uploads" "$src/cache" "$tmp/conf/conf.d"
echo picture >"$src/uploads/a.jpg"
echo cached >"$src/cache/x"
echo 'user www;' >"$tmp/conf/nginx.conf"
status_is 0 'mutable and ignored folders, an owner, another root' publish --mutable uploads=../mutable/uploads:html \
        --mutable media=../mutable/media --ignore ./cache/:code,links --owner 33:44 --root nginx="$tmp/conf"
n=$(cat "$repo/latest")
companion=$repo/releases/$n/manifest.companion.json
like 'a mutable folder becomes a link' "$(line "$n" uploads)" 'type=link mode=0777 uid=33 gid=44 link=../mutable/uploads$'
like 'also where the source has none' "$(line "$n" media)" 'type=link'
is 'its content is left out' "$(grep -c a.jpg "$(manifest "$n")")" 0
is 'an ignored folder is left out' "$(grep -c cache "$(manifest "$n")")" 0
is 'the rules travel' "$(jq -c '[.areas.uploads.allow, .areas.media.target, .ignored.cache.allow]' "$companion")" \
        '[["html"],"../mutable/media",["code","links"]]'
is 'everything has the owner' "$(grep -vc 'uid=33 gid=44' "$(manifest "$n")")" 1
status_is 0 'minisign believes the other root' minisign -Vm "$repo/releases/$n/nginx.mtree" -p "$pub"
ok 'mtree agrees with it' mtree_agrees "$tmp/conf" <(sed 's/uid=33 gid=44/uid=0 gid=0/' "$repo/releases/$n/nginx.mtree")
rm -r "$src/uploads" && ln -s ../elsewhere "$src/uploads"
refused 'a mutable link to elsewhere' 'uploads.*target' us publish "$src" --repo "$repo" --key "$key"
rm "$src/uploads"

# ---------------------------------------------------------------- notes
mkdir "$src/.git" && echo x >"$src/wp-config.php~" && chmod 0666 "$src/docs.txt"
status_is 0 'things that slipped in' publish
like 'are told' "$(errors)" '2 names look as if.*first one is .git'
like 'what everybody can write, too' "$(errors)" '1 files or folders can be written.*docs.txt'
rm -r "$src/.git" "$src/wp-config.php~" && chmod 0644 "$src/docs.txt"

# ---------------------------------------------------------------- review
echo '<script src="http://malware.invalid/x.js"></script>' >"$src/index.html"
refused 'a review that nobody answers' 'malware.invalid(.|\n)*nothing was signed' \
        us publish "$src" --repo "$repo" --key "$key" --review
status_is 0 'a review that need not be answered' publish --review --yes --json
like 'shows what looks planted' "$(errors)" 'index.html'
json_is 'beside one object of JSON' .new_objects 1
status_is 2 'a yes without a review' publish --yes
rm "$src/index.html"

# ---------------------------------------------------------------- many packs become one
for i in $(seq 36); do
        echo "version $i" >"$src/version-$i.html"
        publish || output_diag
done
n=$(cat "$repo/latest")
most=$(jq -s '[.[].packs | length] | max' "$repo"/releases/*/release.json)
is 'no release lists more than 32 packs' "$most" 32
count=$(release "$n" '.packs | length')
ok 'they were put together' test "$count" -lt 10
missing=0
while read -r pack index; do
        [[ -f $repo/packs/$pack.pack && -f $repo/packs/$index.index ]] || missing=$((missing + 1))
done < <(jq -r '.packs[] | "\(.id) \(.id)"' "$repo"/releases/*/release.json | sort -u)
is 'every listed pack of every release is there' "$missing" 0

# ---------------------------------------------------------------- a damaged repository, an interrupted run
pack=$repo/packs/$(release "$n" '.packs[-1].id').pack
mv "$pack" "$tmp/pack"
status_is 0 'with a pack that is gone' publish --json
ok 'its objects are stored anew' test "$(json .new_objects)" -gt 5
mv "$tmp/pack" "$pack"
n=$(cat "$repo/latest")
echo $((n - 3)) >"$repo/latest"
mkdir "$repo/releases/.new-$(uname -n).0123" "$repo/releases/.new-elsewhere.0123"
touch "$repo/packs/.new-$(uname -n).0123" "$repo/.latest.0123.tmp"
status_is 0 'after a run that was interrupted' publish
is 'the next number is found beyond latest' "$(cat "$repo/latest")" $((n + 1))
is 'what it left is removed, but not what another machine is making' \
        "$(find "$repo" -name '.new-*' -o -name '.latest*')" "$repo/releases/.new-elsewhere.0123"
echo x >>"$(manifest $((n + 1)))"
status_is 3 'on a manifest that was changed' publish
git_like=$repo/releases/$((n + 1))/release.json
sed -i 's/example/exbmple/' "$git_like"
status_is 3 'on a release that was changed' publish
is 'nothing is left of them' "$(find "$repo" -name ".new-$(uname -n)*")" ''

# ---------------------------------------------------------------- declarations in another root
repo=$tmp/roots
ln -s /usr/share/module.conf "$tmp/conf/module.conf"
mkdir "$tmp/conf/cache"
touch "$tmp/conf/cache/now"
us publish "$src" --repo "$repo" --key "$key"
refused 'a link that leads out of another root' "--outside-link 'nginx:module.conf'" publish --root nginx="$tmp/conf"
status_is 0 'named with its root' publish --root nginx="$tmp/conf" \
        --outside-link nginx:module.conf --ignore nginx:cache
is 'it is declared there' "$(jq -c '[.links, (.ignored | keys)]' "$repo/releases/2/nginx.companion.json")" \
        '[["module.conf"],["cache"]]'
is 'and not in the docroot' "$(jq -c '[.links, .ignored]' "$repo/releases/2/manifest.companion.json")" '[[],{}]'
status_is 0 'the next release keeps it' publish --root nginx="$tmp/conf"
ok 'unchanged' cmp "$repo/releases/2/nginx.companion.json" "$repo/releases/3/nginx.companion.json"
refused 'unless it is to be forgotten' "--outside-link 'nginx:module.conf'" \
        publish --root nginx="$tmp/conf" --forget-declared
status_is 4 'a root that is named only later' publish --forget-declared --outside-link nginx:module.conf --root nginx="$tmp/conf"

# ---------------------------------------------------------------- two at once; a change meanwhile
repo=$tmp/both
us publish "$src" --repo "$repo" --key "$key"
for i in 1 2 3 4; do
        "$UNDERSTUDY" publish "$src" --repo "$repo" --key "$key" --quiet 2>"$tmp/both.$i" &
        cleanup_process $!
done
wait
is 'four publishers at once make four releases' "$(cat "$repo/latest")" 5
is 'and say nothing' "$(cat "$tmp"/both.?)" ''

done_testing
