#!/bin/bash
# Somebody else may write in the repository's folder, has no key, and waits for those who sign there.
. "$(dirname "$0")/lib.sh"
need jq minisign

root=$tmp/keys/root
make_keys "$tmp/keys" root release current
make_keys "$tmp/keys2" release
make_keys "$tmp/evil" release
src=$tmp/src
make_site "$src"
us publish "$src" --repo "$repo" --key "$key" --site example || output_diag
us delegate "$tmp/keys/release.pub" --repo "$repo" --key "$root.key" --as release || output_diag
us delegate "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key" --as release || output_diag
us delegate "$tmp/keys/current.pub" --repo "$repo" --key "$root.key" --as current || output_diag
cp -a "$repo" "$tmp/genuine"
again() { rm -rf "$repo" && cp -a "$tmp/genuine" "$repo"; }

# ---------------------------------------------------------------- declarations that nobody declared

# A release 2 that declares what the intruder likes, by a key of his own, on a list of keys that he wrote himself.
forge_release()
{
        jq -S --indent 1 --arg key "$(tail -1 "$tmp/evil/release.pub")" \
                '.keys += [{"key": $key, "revoked": "", "role": "release", "until": ""}]' "$repo/keys.json" >"$tmp/j" &&
                cp "$tmp/j" "$repo/keys.json"
        us publish "$src" --repo "$repo" --key "$tmp/evil/release.key" --ignore 'css:code,html,control' \
                --mutable up=../up:code,html,control,links || output_diag
}
forge_release
is 'the forged release is there' "$(cat "$repo/latest")" 2
us publish "$src" --repo "$repo" --key "$key"
if [[ $status == 0 ]]; then
        is 'nothing that it declares gets a signature' "$(jq -c '[.areas, .ignored]' "$repo/releases/3/manifest.companion.json")" '[{},{}]'
else
        is 'nothing that it declares gets a signature' "$status" 4
        like 'in words' "$(errors)" 'declare'
fi
status_is 3 "nor with the root's public key" us publish "$src" --repo "$repo" --key "$key" --pub "$root.pub"

# A colleague's release counts when the list is the root key's.
again
us publish "$src" --repo "$repo" --key "$tmp/keys2/release.key" --ignore css || output_diag
status_is 4 "what a colleague declared is not taken over unseen" us publish "$src" --repo "$repo" --key "$key"
status_is 3 'with a root key that did not sign the list' us publish "$src" --repo "$repo" --key "$key" --pub "$tmp/evil/release.pub"
status_is 0 "with the root's public key" us publish "$src" --repo "$repo" --key "$key" --pub "$root.pub"
is 'what he declared is kept' "$(jq -c '.ignored | keys' "$repo/releases/3/manifest.companion.json")" '["css"]'
status_is 0 "one's own declarations need no such proof" us publish "$src" --repo "$repo" --key "$key"
is 'and are kept' "$(jq -c '.ignored | keys' "$repo/releases/4/manifest.companion.json")" '["css"]'

# ---------------------------------------------------------------- links and odd things in the repository

for name in latest keys.json current.json .lock; do
        again
        us refresh --repo "$repo" --key "$tmp/keys/current.key" || output_diag
        echo precious >"$tmp/precious"
        rm -f "$repo/$name"
        ln -s "$tmp/precious" "$repo/$name"
        us publish "$src" --repo "$repo" --key "$key"
        us refresh --repo "$repo" --key "$tmp/keys/current.key"
        us revoke "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key"
        is "$name is a link: what it leads to is untouched" "$(cat "$tmp/precious")" precious
done
for name in latest keys.json current.json keys.json.minisig; do
        again
        us refresh --repo "$repo" --key "$tmp/keys/current.key" || output_diag
        rm -f "$repo/$name"
        mkfifo "$repo/$name"
        run timeout 20 "$UNDERSTUDY" publish "$src" --repo "$repo" --key "$key"
        isnt "$name is a FIFO: publish ends" "$status" 124
        run timeout 20 "$UNDERSTUDY" refresh --repo "$repo" --key "$tmp/keys/current.key"
        isnt "$name is a FIFO: refresh ends" "$status" 124
        run timeout 20 "$UNDERSTUDY" revoke "$tmp/keys2/release.pub" --repo "$repo" --key "$root.key"
        isnt "$name is a FIFO: revoke ends" "$status" 124
        run timeout 20 "$UNDERSTUDY" pull "$dest" --repo "$repo" --pub "$root.pub"
        isnt "$name is a FIFO: pull ends" "$status" 124
        run timeout 20 "$UNDERSTUDY" releases --repo "$repo" --pub "$root.pub"
        isnt "$name is a FIFO: releases ends" "$status" 124
done
limit=3000000
[[ -z ${ASAN_OPTIONS:-} ]] || limit=unlimited # it reserves terabytes
for name in latest keys.json releases/1/release.json releases/1/manifest.mtree releases/1/manifest.companion.json; do
        again
        rm -rf "${repo:?}/$name"
        truncate -s 100G "$repo/$name"
        run timeout 60 bash -c 'ulimit -v "$0"; exec "$@"' $limit "$UNDERSTUDY" publish "$src" --repo "$repo" --key "$key"
        ok "$name is endless: publish ends" test "$status" -ne 124 -a "$status" -lt 126
done

# ---------------------------------------------------------------- keys that are none

mkfifo "$tmp/fifo"
head -c 300000000 /dev/zero >"$tmp/huge"
printf 'untrusted comment: \033[2J\nRW\033]0;owned\007\n' >"$tmp/escape"
again
for file in "$root.key" "$tmp/huge" /dev/zero "$tmp/escape" "$src" "$repo/keys.json" "$repo/keys.json.minisig"; do
        for command in "pull $dest --repo $repo" "releases --repo $repo" "verify $dest"; do
                # shellcheck disable=SC2086 # several words
                run timeout 20 "$UNDERSTUDY" $command --pub "$file"
                ok "${command%% *} --pub ${file##*/}: an error" test "$status" -eq 2 -o "$status" -eq 3
                unlike "${command%% *} --pub ${file##*/}: no escape" "$(errors; output)" $'\033'
        done
done
done_testing
