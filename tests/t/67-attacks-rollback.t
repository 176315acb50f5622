#!/bin/bash
# Going back unnoticed: keys that come back from their revocation, numbers after --repin, contents that nobody published
# but that a difference is to be made from.
. "$(dirname "$0")/lib.sh"
need jq strace

root=$tmp/keys/root
make_keys "$tmp/keys" root release current
make_keys "$tmp/keys2" release
make_site "$tmp/src"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example || output_diag
delegate() { us delegate "$1" --repo "$repo" --key "$root.key" --as "${2:-release}" || output_diag; }
refresh() { us refresh --repo "$repo" --key "$tmp/keys/current.key" --valid 1h || output_diag; }
publish()
{
        echo "$RANDOM" >"$tmp/src/new.html"
        us publish "$tmp/src" --repo "$repo" --key "$key" || output_diag
}
delegate "$tmp/keys/release.pub"
delegate "$tmp/keys/current.pub" current
delegate "$tmp/keys2/release.pub"
refresh
pub=$root.pub
pull() { us pull "${1:-$dest}" --repo "$repo" --pub "$pub" --json; }
mkdir -p "${dest%/*}"
status_is 0 'a stand-by in root mode' pull

# ---------------------------------------------------------------- a revocation that is made undone behind root's back

cp -a "$repo" "$tmp/before"
us revoke "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key" || output_diag
status_is 0 'the server has seen the revocation' pull
cp -a "$repo" "$tmp/revoked"
# Whoever may write in the repository puts the old list back; then the root key adds a key, as it would any day.
cp "$tmp"/before/keys.json* "$repo/"
make_keys "$tmp/keys3" current
delegate "$tmp/keys3/current.pub" current
is 'the version is that of the revocation' "$(jq .version "$repo/keys.json")" "$(jq .version "$tmp/revoked/keys.json")"
status_is 4 'a list of the same version that says something else' pull
make_keys "$tmp/keys4" current
delegate "$tmp/keys4/current.pub" current
status_is 4 'a newer list in which a revoked key is good again' pull
like 'in words' "$(errors)" 'was revoked'
us revoke "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key" || output_diag
status_is 0 'revoked once more, all is well' pull

# ---------------------------------------------------------------- an old list for verify, when only its version was seen

publish
cp -a "$repo" "$tmp/before2"
us revoke "$tmp/keys/release.pub" --repo "$repo" --key "$root.key" || output_diag
status_is 3 'the release in place is signed by a revoked key' pull
status_is 4 'verify believes no older list either' us verify "$dest" --repo "$tmp/before2" --pub "$pub" --release 2

# ---------------------------------------------------------------- another key for the same folder

make_keys "$tmp/keysA" release
make_keys "$tmp/keysB" release
for one in A B; do
        repo=$tmp/repo$one key=$tmp/keys$one/release.key
        us publish "$tmp/src" --repo "$repo" --key "$key" --site example || output_diag
        publish
        publish
done
site=$tmp/www/pinned
status_is 0 'pulled with one key' us pull "$site" --repo "$tmp/repoA" --pub "$tmp/keysA/release.pub"
for release in 1 2; do
        status_is 4 "an older release $release by another key, --repin" us pull "$site" --repo "$tmp/repoB" \
                --pub "$tmp/keysB/release.pub" --repin --release "$release"
done
repo=$tmp/repoB
publish
publish
status_is 0 'a newer one by another key, --repin' us pull "$site" --repo "$repo" --pub "$tmp/keysB/release.pub" --repin
status_is 0 'and it stays so' us pull "$site" --repo "$repo" --pub "$tmp/keysB/release.pub"
status_is 4 'the old key is not believed any more' us pull "$site" --repo "$tmp/repoA" --pub "$tmp/keysA/release.pub"

# ---------------------------------------------------------------- what the helper gets to see

repo=$tmp/repoC key=$tmp/keys/release.key site=$tmp/www/base
head -c 60000 /dev/urandom | base64 >"$tmp/src/data.txt"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example || output_diag
us pull "$site" --repo "$repo" --pub "$tmp/keys/release.pub" || output_diag
echo changed >>"$tmp/src/data.txt"
us publish "$tmp/src" --repo "$repo" --key "$key" || output_diag
is 'there is a difference to be had' "$(jq '[.packs[] | select(.base == 1)] | length' "$repo/releases/2/release.json")" 1
cp -a "$site" "$tmp/www/honest"
{ echo 'root:secret-of-the-machine'; cat "$site/data.txt"; } | head -c "$(stat -c %s "$site/data.txt")" >"$tmp/shadow"
chmod 600 "$tmp/shadow"
ln -f "$tmp/shadow" "$site/data.txt"
# (A leak cannot be looked for under strace.)
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 run strace -f -s 300 -e trace=sendmsg,sendto,write,writev -o "$tmp/trace" "$UNDERSTUDY" pull "$site" --repo "$repo" \
        --pub "$tmp/keys/release.pub"
is 'a hard link to a secret file is replaced' "$status" 1
ok 'by the right content' cmp -s "$site/data.txt" "$tmp/src/data.txt"
not_ok 'and what it held was not given to the helper' grep -q 'sendmsg.*secret-of-the-machine' "$tmp/trace"

# ---------------------------------------------------------------- files of two releases, put together

repo=$tmp/repoD site=$tmp/www/mixed
us publish "$tmp/src" --repo "$repo" --key "$key" --site example --ignore css:html || output_diag
us publish "$tmp/src" --repo "$repo" --key "$key" --forget-declared || output_diag
us pull "$site" --repo "$repo" --pub "$tmp/keys/release.pub" || output_diag
echo planted >"$site/css/planted.html"
mkdir "$tmp/mixed"
cp "$repo"/releases/2/manifest.mtree* "$tmp/mixed/"
cp "$repo"/releases/1/manifest.companion.json* "$tmp/mixed/"
status_is 3 "a manifest with another release's companion" us verify "$site" --pub "$tmp/keys/release.pub" --manifest "$tmp/mixed/manifest.mtree"
cp "$repo"/releases/2/manifest.companion.json* "$tmp/mixed/"
status_is 1 'with its own' us verify "$site" --pub "$tmp/keys/release.pub" --manifest "$tmp/mixed/manifest.mtree"
done_testing
