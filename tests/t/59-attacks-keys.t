#!/bin/bash
# Root mode: who may sign what, what is withdrawn, and which release is the newest.
. "$(dirname "$0")/lib.sh"
use attacks
need_root
need minisign

make_site "$tmp/src"
cp -a "$tmp/src" "$tmp/src2"
echo '<!doctype html><p>Release 2' >"$tmp/src2/new.html"
whole "$tmp/src" >"$tmp/one"
whole "$tmp/src2" >"$tmp/two"
make_keys "$tmp/keys" root release current
make_keys "$tmp/keys2" release current root
pub=$tmp/keys/root.pub
root_key=$tmp/keys/root.key current_key=$tmp/keys/current.key

status_is 0 'delegate a release key' us delegate "$tmp/keys/release.pub" --repo "$repo" --key "$root_key" --as release
status_is 0 'delegate a current key' us delegate "$tmp/keys/current.pub" --repo "$repo" --key "$root_key" --as current
status_is 0 'publish' us publish "$tmp/src" --repo "$repo" --key "$key" --site example
status_is 4 'a current key can sign no release' us publish "$tmp/src" --repo "$repo" --key "$current_key"
status_is 3 'without a current note nobody knows what is newest' us pull "$dest" --repo "$repo" --pub "$pub"
not_ok 'and nothing was made' test -e "$dest"
status_is 0 'refresh' us refresh --repo "$repo" --key "$current_key" --valid 1h
us refresh --repo "$repo" --key "$key"
isnt 'a release key can sign no current note' "$status" 0

mkdir -p "${dest%/*}"
status_is 0 'the first pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
json_is 'is not expired' '.expired // false' false
cp -a "$repo" "$tmp/repo1"

is_release()
{
        whole "$dest" | cmp -s "$tmp/$2" - && pass "$1: release $2 is in place" || fail "$1: release $2 is in place"
}

# spoil FROM: $repo is a copy of that repository.
spoil()
{
        rm -rf "$repo"
        cp -a "$1" "$repo"
}

refused()
{
        local expected=$1 name=$2 release=$3
        shift 3
        status_is "$expected" "$name" us pull "$dest" --repo "$repo" --pub "$pub" "$@"
        like "$name: in words" "$(errors)" '^understudy: .{20,}'
        is_release "$name" "$release"
}

sign() { minisign -S -s "$3" -m "$1" -x "$1.minisig" -t "$2" >/dev/null </dev/null; }
note() { echo "understudy site=example current=$1"; }
sign_release()
{
        local file
        for file in release.json manifest.mtree manifest.companion.json; do
                sign "$repo/releases/$1/$file" "understudy site=example release=$1 file=$file" "$2"
        done
}

# ---------------------------------------------------------------- who signs

sign_release 1 "$current_key"
echo tampered >"$dest/x.html"
us pull "$dest" --repo "$repo" --pub "$pub"
isnt 'a release signed by the current key is nobody'"'"'s' "$status" 0
rm -f "$dest/x.html"

us publish "$tmp/src2" --repo "$tmp/repo1" --key "$key" && us refresh --repo "$tmp/repo1" --key "$current_key" --valid 1h ||
        { fail 'release 2' && output_diag; }
mv "$tmp/repo1" "$tmp/repo2"

spoil "$tmp/repo2"
sign_release 2 "$current_key"
refused 3 'release 2 signed by the current key' one

spoil "$tmp/repo2"
sign_release 2 "$root_key"
refused 3 'release 2 signed by the root key' one

spoil "$tmp/repo2"
sign_release 2 "$tmp/keys2/release.key"
refused 3 'release 2 signed by an unknown key' one

for signer in keys/release keys/root keys2/current; do
        spoil "$tmp/repo2"
        sign "$repo/current.json" "$(note 2)" "$tmp/$signer.key"
        refused 3 "current note signed by $signer" one
done

spoil "$tmp/repo2"
sign "$repo/keys.json" "understudy keys version=$(jq .version "$repo/keys.json")" "$tmp/keys2/root.key"
refused 3 'keys.json signed by another root' one

spoil "$tmp/repo2"
jq -S --indent 1 '.keys += [{"key": $key, "revoked": "", "role": "release", "until": ""}] | .version += 1' \
        --arg key "$(tail -1 "$tmp/keys2/release.pub")" "$repo/keys.json" >"$tmp/j" && cp "$tmp/j" "$repo/keys.json"
refused 3 'a key more in keys.json, its signature left' one

spoil "$tmp/repo2"
rm "$repo"/keys.json*
refused 3 'keys.json dropped' one

spoil "$tmp/repo2"
rm "$repo"/current.json*
refused 3 'current.json dropped' one

spoil "$tmp/repo2"
rm "$repo"/current.json.minisig
refused 3 "current.json's signature dropped" one

# ---------------------------------------------------------------- an expired note

cp -a "$tmp/repo2" "$tmp/repo2-expired"
us refresh --repo "$tmp/repo2-expired" --key "$current_key" --valid 1s || { fail 'refresh --valid 1s' && output_diag; }
sleep 2

spoil "$tmp/repo2-expired"
status_is 4 'expired, and it names another release: refused' us pull "$dest" --repo "$repo" --pub "$pub" --json
is_release 'expired, another release' one
echo tampered >"$dest/x.html"
status_is 4 'expired, another release, tampered: refused after the healing' us pull "$dest" --repo "$repo" --pub "$pub" --json
is_release 'expired, another release, tampered' one

status_is 4 'expired, a folder that was never pulled' us pull "$tmp/www2/site" --repo "$repo" --pub "$pub"
not_ok 'nothing was made there' test -e "$tmp/www2/site"
rm -rf "$tmp/www2"

status_is 0 'expired, but this release was asked for' us pull "$dest" --repo "$repo" --pub "$pub" --release 2 --json
like 'with a warning' "$(errors)" .
is_release 'expired, asked for' two

status_is 0 'expired, it names the release in place' us pull "$dest" --repo "$repo" --pub "$pub" --json
json_is 'said in JSON' .expired true
like 'and in words' "$(errors)" .
echo tampered >"$dest/x.html"
status_is 1 'expired, tampered: healed' us pull "$dest" --repo "$repo" --pub "$pub" --json
json_is 'said in JSON again' .expired true
is_release 'expired, tampered' two

# ---------------------------------------------------------------- going back

spoil "$tmp/repo2"
status_is 0 'a fresh note again' us pull "$dest" --repo "$repo" --pub "$pub" --json
jq -S --indent 1 '.release = 1 | .digest = $digest' --arg digest "$(sha256sum <"$repo/releases/1/release.json" | cut -d' ' -f1)" \
        "$repo/current.json" >"$tmp/j" && cp "$tmp/j" "$repo/current.json"
sign "$repo/current.json" "$(note 1)" "$current_key"
refused 4 'a note, valid and signed, for an older release' two
refused 4 'the older release by its number' two --release 1

# ---------------------------------------------------------------- withdrawn keys

spoil "$tmp/repo2"
cp -a "$repo" "$tmp/repo-before-revocation"
status_is 0 'revoke the release key' us revoke "$tmp/keys/release.pub" --repo "$repo" --key "$root_key"
status_is 4 'it can publish nothing any more' us publish "$tmp/src2" --repo "$repo" --key "$key"
refused 3 'a release signed by a revoked key' two
status_is 3 'and it vouches no more for what is in place' us verify "$dest" --pub "$pub" --json
cp -a "$repo" "$tmp/repo-revoked"

spoil "$tmp/repo-before-revocation"
refused 4 'a keys.json from before the revocation' two

spoil "$tmp/repo-revoked"
us delegate "$tmp/keys2/release.pub" --repo "$repo" --key "$root_key" --as release
status_is 0 'a new release key publishes' us publish "$tmp/src2" --repo "$repo" --key "$tmp/keys2/release.key"
us refresh --repo "$repo" --key "$current_key" --valid 1h
status_is 0 'and its release is accepted' us pull "$dest" --repo "$repo" --pub "$pub" --json
json_is 'as release 3' .release 3
status_is 0 'and genuine' us verify "$dest" --pub "$pub" --json

us revoke "$tmp/keys/current.pub" --repo "$repo" --key "$root_key"
refused 3 'a note by a revoked current key' two
us refresh --repo "$repo" --key "$current_key" --valid 1h
isnt 'a revoked current key refreshes nothing' "$status" 0

# ---------------------------------------------------------------- another --pub

pub=$tmp/keys2/release.pub
us pull "$dest" --repo "$repo" --pub "$pub"
ok 'a delegated key is not the pinned one' test "$status" -eq 4 -o "$status" -eq 3
is_release 'another --pub' two

done_testing
