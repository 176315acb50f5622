#!/bin/bash
# pull in root mode: keys that are named, withdrawn and mistaken for each other; notes that are old, expired or missing.
. "$(dirname "$0")/lib.sh"
need jq

root=$tmp/keys/root
make_keys "$tmp/keys" root release current
make_keys "$tmp/keys2" release current
make_site "$tmp/src"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example || output_diag
for role in release current; do
        us delegate "$tmp/keys/$role.pub" --repo "$repo" --key "$root.key" --as $role || output_diag
done
pub=$root.pub
pull() { us pull "$dest" --repo "$repo" --pub "$pub" --json "$@"; }
refresh() { us refresh --repo "$repo" --key "$tmp/keys/current.key" "$@" || output_diag; }
publish()
{
        echo "$RANDOM" >"$tmp/src/new.html"
        us publish "$tmp/src" --repo "$repo" --key "$key" || output_diag
}
mkdir -p "$tmp/www"

status_is 3 'no current note at all' pull
not_ok 'nothing was made' test -e "$dest"
refresh --valid 1h
status_is 0 'a first pull by the root key' pull
json_is 'the note is fresh' .expired false
status_is 0 'again' pull
cp -a "$repo" "$tmp/repo1"

publish
status_is 0 'a release that no note names is not gone to' pull
json_is 'still release 1' .release 1
status_is 0 'unless it is asked for' pull --release 2
json_is 'release 2' .release 2
status_is 4 'then the note names an older one' pull
refresh --valid 1h
status_is 0 'and is refreshed' pull
status_is 4 'the repository of yesterday' us pull "$dest" --repo "$tmp/repo1" --pub "$pub"

# ---------------------------------------------------------------- an expired note

refresh --valid 1s
sleep 2.1
status_is 0 'expired, and nothing newer: as it is' pull
json_is 'which is said' .expired true
like 'also to people' "$(errors)" 'expired'
echo tampered >"$dest/index.html"
status_is 1 'expired: healed' pull
status_is 4 'expired, never pulled' us pull "$tmp/www/second" --repo "$repo" --pub "$pub"
not_ok 'nothing was made' test -e "$tmp/www/second"
publish
refresh --valid 1s
sleep 2.1
echo tampered >"$dest/index.html"
status_is 4 'expired, and it names another release: refused' pull
not_ok 'but healed first' test -e "$dest/index.html"
is 'to the release in place' "$(json .release)" 2
differs 'and what differed is told' index.html extra .before
status_is 0 'a release that is asked for is gone to' pull --release 3
refresh --valid 1h

# ---------------------------------------------------------------- keys

cp -a "$repo" "$tmp/no-keys"
rm "$tmp"/no-keys/keys.json*
status_is 3 'keys.json is gone' us pull "$dest" --repo "$tmp/no-keys" --pub "$pub"
status_is 3 'keys.json is gone, never pulled' us pull "$tmp/www/second" --repo "$tmp/no-keys" --pub "$pub"
cp -a "$repo" "$tmp/before-revocation"
cp -a "$repo" "$tmp/wrong-role"
us publish "$tmp/src" --repo "$tmp/wrong-role" --key "$tmp/keys/current.key"
if [[ $status -eq 0 ]]; then
        status_is 3 'a release signed by the current key' us pull "$dest" --repo "$tmp/wrong-role" --pub "$pub" --release 4
else
        pass 'a release cannot be signed by the current key'
fi
us delegate "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key" --as release || output_diag
us revoke "$tmp/keys/release.pub" --repo "$repo" --key "$root.key" || output_diag
status_is 3 'the key that signed it is revoked' pull
key=$tmp/keys2/release.key
us publish "$tmp/src" --repo "$repo" --key "$key" --new-key
if [[ $status -eq 0 ]]; then
        refresh --valid 1h
        status_is 0 'published again by the new key' pull
        json_is 'release 4' .release 4
else
        output_diag
        fail 'publish by the new key'
fi
status_is 4 'keys.json from before the revocation' us pull "$dest" --repo "$tmp/before-revocation" --pub "$pub"
status_is 4 'also for a folder that was never pulled' us pull "$tmp/www/second" --repo "$tmp/before-revocation" --pub "$pub"
status_is 4 'the release key instead of the root key' us pull "$dest" --repo "$repo" --pub "$tmp/keys2/release.pub"

# ---------------------------------------------------------------- sites

us publish "$tmp/src" --repo "$tmp/other" --key "$key" --site other || output_diag
status_is 0 'another site, another folder' us pull "$tmp/www/other" --repo "$tmp/other" --pub "$tmp/keys2/release.pub"
us publish "$tmp/src" --repo "$tmp/third" --key "$key" --site third || output_diag
status_is 4 'another site than the one that was pulled' us pull "$tmp/www/other" --repo "$tmp/third" --pub "$tmp/keys2/release.pub"
done_testing
