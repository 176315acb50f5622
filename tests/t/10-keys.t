#!/bin/bash
# Keys and signatures: interchange with minisign both ways, who may sign what, and what a server believes.
. "$(dirname "$0")/lib.sh"
need minisign jq script openssl

keys=$tmp/keys
printf 'correct horse\n' >"$tmp/password"
printf 'wrong horse\n' >"$tmp/wrong"
chmod 600 "$tmp/password" "$tmp/wrong"
echo hello >"$tmp/message"

# typed COMMAND ANSWER...: runs it on a terminal of its own and types an answer at each prompt. The screen is in
# $tmp/screen, the exit status in $status.
typed()
{
        local command=$1 answer prompts=0 pid
        shift
        rm -f "$tmp/typed"
        : >"$tmp/screen"
        mkfifo "$tmp/typed"
        script -qefc "$command" "$tmp/screen" <"$tmp/typed" >/dev/null 2>&1 &
        pid=$!
        cleanup_process "$pid"
        exec 7>"$tmp/typed"
        for answer; do
                prompts=$((prompts + 1))
                wait_for 20 prompted "$prompts" || break
                printf '%s\n' "$answer" >&7
        done
        wait "$pid"
        status=$?
        exec 7>&-
}
prompted() { [[ $(grep -aoE '(password for|Password for|The same again)[^:]*: ' "$tmp/screen" | wc -l) -ge $1 ]]; }

# ---------------------------------------------------------------- keygen

status_is 0 'keygen' us keygen "$keys" --no-password
is 'only the owner reads the secret key' "$(stat -c %a "$keys/release.key")" 600
is 'everybody may read the public key' "$(stat -c %a "$keys/release.pub")" 644
before=$(cat "$keys"/*)
status_is 3 'a key is never overwritten' us keygen "$keys" --no-password
is 'the old pair is as it was' "$(cat "$keys"/*)" "$before"
for role in root current; do
        status_is 0 "keygen --role $role" us keygen "$keys" --role $role --no-password
        ok "makes $role.pub and $role.key" test -s "$keys/$role.pub" -a -s "$keys/$role.key"
done
status_is 2 'keygen of a role that there is not' us keygen "$keys" --role king --no-password
status_is 2 'keygen without a folder' us keygen
status_is 3 'without a terminal there is no password' setsid -w "$UNDERSTUDY" keygen "$tmp/none"
like 'the words name the way out' "$(errors)" UNDERSTUDY_PASSWORD_FILE
not_ok 'nothing was made' test -e "$tmp/none"

# ---------------------------------------------------------------- minisign, both ways

ok 'minisign signs with our key' minisign -S -s "$keys/release.key" -m "$tmp/message" >"$tmp/said" 2>&1
ok 'minisign checks it with our public key' minisign -Vqm "$tmp/message" -p "$keys/release.pub"

UNDERSTUDY_PASSWORD_FILE=$tmp/password us keygen "$tmp/secret" --json
is 'keygen with a password from a file' "$status" 0
json_is 'says that the key is encrypted' .encrypted true
rm -f "$tmp/message.minisig"
not_ok 'minisign does not open it with another password' \
        minisign -S -s "$tmp/secret/release.key" -m "$tmp/message" <"$tmp/wrong" >/dev/null 2>&1
ok 'minisign opens our encrypted key' \
        minisign -S -s "$tmp/secret/release.key" -m "$tmp/message" <"$tmp/password" >"$tmp/said" 2>&1
ok 'and what it signs holds' minisign -Vqm "$tmp/message" -p "$tmp/secret/release.pub"

# Within 200 MB both derive the key with less memory, which is quicker; the file says how much it was.
(
        ulimit -v 200000
        minisign -G -p "$keys/mini.pub" -s "$keys/mini.key" < <(cat "$tmp/password" "$tmp/password") >/dev/null 2>&1
)
minisign -G -W -p "$keys/plain.pub" -s "$keys/plain.key" >/dev/null 2>&1
export UNDERSTUDY_PASSWORD_FILE=$tmp/wrong
status_is 3 "minisign's encrypted key with a wrong password" \
        us delegate "$keys/release.pub" --repo "$tmp/mini" --key "$keys/mini.key"
like 'the words say so' "$(errors)" 'wrong password'
not_ok 'nothing was made with it' test -e "$tmp/mini"
export UNDERSTUDY_PASSWORD_FILE=$tmp/password
status_is 0 "minisign's encrypted key" us delegate "$keys/plain.pub" --repo "$tmp/mini" --key "$keys/mini.key"
ok "minisign checks what its key signed here" minisign -Vqm "$tmp/mini/keys.json" -p "$keys/mini.pub"
chmod 644 "$tmp/password"
status_is 3 'a password file that others may read' us delegate "$keys/plain.pub" --repo "$tmp/mini" --key "$keys/mini.key"
chmod 600 "$tmp/password"
unset UNDERSTUDY_PASSWORD_FILE

typed "$UNDERSTUDY delegate $keys/release.pub --repo $tmp/mini --key $keys/mini.key" 'correct horse'
is 'the password typed on a terminal' "$status" 0
unlike 'is not shown there' "$(cat "$tmp/screen")" horse
typed "$UNDERSTUDY delegate $keys/release.pub --repo $tmp/mini --key $keys/mini.key" 'horse'
is 'a wrong one typed' "$status" 3
typed "$UNDERSTUDY keygen $tmp/twice" one two
is 'two passwords that differ' "$status" 3
not_ok 'make no key' test -e "$tmp/twice"
typed "$UNDERSTUDY keygen $tmp/twice" ''
is 'an empty password' "$status" 3
not_ok 'makes no key' test -e "$tmp/twice"

# ---------------------------------------------------------------- what is no key

root=(--repo "$repo" --key "$keys/root.key")
status_is 3 'a secret key in place of a public one' us delegate "$keys/release.key" "${root[@]}"
like 'the words say so' "$(errors)" 'secret key'
status_is 3 'a public key in place of a secret one' us delegate "$keys/release.pub" --repo "$repo" --key "$keys/root.pub"
chmod 644 "$keys/root.key"
status_is 3 'a secret key that others may read' us delegate "$keys/release.pub" "${root[@]}"
like 'the words say what helps' "$(errors)" "chmod 600 $keys/root.key"
chmod 600 "$keys/root.key"
not_ok 'none of that made a repository' test -e "$repo"

# ---------------------------------------------------------------- delegate

status_is 0 'delegate a release key' us delegate "$keys/release.pub" "${root[@]}"
ok 'minisign checks keys.json' minisign -Vqm "$repo/keys.json" -p "$keys/root.pub"
status_is 0 'delegate a current key' us delegate "$keys/current.pub" "${root[@]}" --as current --until 2999-01-01 --json
json_is 'JSON has the version' .version 2
json_is 'JSON has the end' .until 2999-01-01T00:00:00Z
is 'keys.json names both, in their roles' "$(jq -r '[.version, (.keys[] | .role, .until)] | join(" ")' "$repo/keys.json")" \
        '2 release  current 2999-01-01T00:00:00Z'
is 'with the keys as they are in their files' "$(jq -r '.keys[].key' "$repo/keys.json")" \
        "$(sed -n 2p "$keys/release.pub"; sed -n 2p "$keys/current.pub")"
ok 'minisign checks keys.json again' minisign -Vqm "$repo/keys.json" -p "$keys/root.pub"
status_is 0 'the same again changes nothing' us delegate "$keys/release.pub" "${root[@]}"
is 'also not the version' "$(jq .version "$repo/keys.json")" 2
list=$(cat "$repo/keys.json")
status_is 4 'a key has one role' us delegate "$keys/current.pub" "${root[@]}"
status_is 2 'the root key is not delegated' us delegate "$keys/root.pub" "${root[@]}"
status_is 2 'nor is a key made root' us delegate "$keys/plain.pub" "${root[@]}" --as root
status_is 2 'a date that is over' us delegate "$keys/plain.pub" "${root[@]}" --until 2009-07-06
status_is 2 'a date that is none' us delegate "$keys/plain.pub" "${root[@]}" --until tomorrow
status_is 3 'another key than the root key' us delegate "$keys/plain.pub" --repo "$repo" --key "$keys/release.key"
status_is 2 'a repository over HTTP' us delegate "$keys/plain.pub" --repo http://127.0.0.1/repo --key "$keys/root.key"
status_is 3 'revoke a key that is not named' us revoke "$keys/plain.pub" "${root[@]}"
is 'none of that changed keys.json' "$(cat "$repo/keys.json")" "$list"

# ---------------------------------------------------------------- who may publish

make_site "$tmp/src"
publish() { us publish "$tmp/src" --repo "$repo" --site example --key "$@"; }
status_is 3 'refresh before there is a release' us refresh --repo "$repo" --key "$keys/current.key"
publish "$keys/plain.key"
is 'a key that the root did not name does not publish' "$status" 4
publish "$keys/current.key"
is 'nor does a current key' "$status" 4
publish "$keys/root.key"
is 'nor the root key' "$status" 4
publish "$keys/release.key"
is 'a release key publishes' "$status" 0

# ---------------------------------------------------------------- refresh and what a server makes of it

pull() { us pull "$dest" --repo "$repo" --pub "$keys/root.pub" --json; }
mkdir -p "${dest%/*}"
pull
is 'without a current note nothing is pulled' "$status" 3
status_is 4 'a release key does not refresh' us refresh --repo "$repo" --key "$keys/release.key"
status_is 2 'a duration that is none' us refresh --repo "$repo" --key "$keys/current.key" --valid soon
status_is 0 'a current key does' us refresh --repo "$repo" --key "$keys/current.key" --valid 2d --json
json_is 'it names the newest release' .release 1
is 'for as long as was said' \
        $(($(date -d "$(json .expires)" +%s) - $(date -d "$(json .created)" +%s))) $((2 * 86400))
ok 'minisign checks current.json' minisign -Vqm "$repo/current.json" -p "$keys/current.pub"
is 'it binds the release by its digest' "$(jq -r .digest "$repo/current.json")" \
        "$(sha256sum <"$repo/releases/1/release.json" | cut -d' ' -f1)"
pull
is 'now the release is pulled' "$status" 0
publish "$keys/release.key"
pull
json_is 'a newer one is taken only when the note names it' .release 1
us refresh --repo "$repo" --key "$keys/current.key"
pull
json_is 'and then it is' .release 2
status_is 0 'releases lists both' us releases --repo "$repo" --pub "$keys/root.pub" --json
json_is 'newest first, all signatures hold' '[.releases[] | .number, .signature] | tostring' '[2,true,1,true]'

# ---------------------------------------------------------------- an intruder in the repository, with a current key

keep() { rm -rf "$tmp/kept" && cp -a "$repo" "$tmp/kept"; }
restore() { rm -rf "$repo" && cp -a "$tmp/kept" "$repo"; }
# forge KEY: release 3 is release 2 with another number, signed by KEY.
forge()
{
        local file
        cp -a "$repo/releases/2" "$repo/releases/3"
        jq -S --indent 1 --arg previous "$(sha256sum <"$repo/releases/2/release.json" | cut -d' ' -f1)" \
                '.number = 3 | .previous = $previous' "$repo/releases/2/release.json" >"$repo/releases/3/release.json"
        for file in "$repo/releases/3"/*.minisig; do
                rm "$file"
                minisign -S -s "$1" -m "${file%.minisig}" >/dev/null 2>&1
        done
        echo 3 >"$repo/latest"
}
note()
{
        jq -S --indent 1 --arg digest "$(sha256sum <"$repo/releases/$1/release.json" | cut -d' ' -f1)" \
                ".release = $1 | .digest = \$digest${3:-}" "$tmp/kept/current.json" >"$repo/current.json"
        rm "$repo/current.json.minisig"
        minisign -S -s "$2" -m "$repo/current.json" >/dev/null 2>&1
}
tree=$(snapshot "$dest")
keep
forge "$keys/current.key"
status_is 1 'releases finds a release by the current key' us releases --repo "$repo" --pub "$keys/root.pub" --json
json_is 'that one, and no other' '[.releases[] | .number, .signature] | tostring' '[3,false,2,true,1,true]'
status_is 3 'refresh does not name it' us refresh --repo "$repo" --key "$keys/current.key"
note 3 "$keys/current.key"
pull
is 'pull refuses a release that the current key signed' "$status" 3
like 'the words say that it is a current key' "$(errors)" 'current key'
restore
forge "$keys/release.key"
status_is 0 'the same release by the release key holds' us releases --repo "$repo" --pub "$keys/root.pub"
restore
note 2 "$keys/release.key"
pull
is 'pull refuses a note that the release key signed' "$status" 3
restore
note 1 "$keys/current.key"
pull
is 'pull refuses a note that names an older release' "$status" 4
restore
note 2 "$keys/current.key" ' | .created = "2009-07-06T09:00:00Z" | .expires = "2009-07-13T09:00:00Z"'
pull
is 'pull stays where it is when the note has expired' "$status" 0
json_is 'and says so' .expired true
status_is 0 'releases says so as well' us releases --repo "$repo" --pub "$keys/root.pub" --json
json_is 'in JSON' .current.expired true
restore
rm "$repo"/keys.json*
pull
is 'pull refuses when keys.json is gone' "$status" 3
restore
is 'the stand-by is untouched by all of it' "$(snapshot "$dest")" "$tree"

# ---------------------------------------------------------------- revoke

before=$(date +%s)
status_is 0 'revoke the release key' us revoke "$keys/release.pub" "${root[@]}" --json
json_is 'one version more' .version 3
ok 'the day is told' test "$(date -d "$(json .revoked)" +%s)" -ge "$before"
ok 'minisign checks keys.json' minisign -Vqm "$repo/keys.json" -p "$keys/root.pub"
status_is 0 'a second time changes nothing' us revoke "$keys/release.pub" "${root[@]}"
is 'also not the version' "$(jq .version "$repo/keys.json")" 3
status_is 4 'what is revoked stays so' us delegate "$keys/release.pub" "${root[@]}"
publish "$keys/release.key"
is 'a revoked key does not publish' "$status" 4
status_is 1 'releases: what it signed does not hold' us releases --repo "$repo" --pub "$keys/root.pub" --json
json_is 'none of it' '[.releases[].signature] | tostring' '[false,false]'
pull
is 'pull refuses what a revoked key signed' "$status" 3
status_is 0 'another key in its place' us delegate "$keys/plain.pub" "${root[@]}"
publish "$keys/plain.key" --new-key
is 'publishes anew' "$status" 0
status_is 0 'is named by the note' us refresh --repo "$repo" --key "$keys/current.key"
pull
is 'and is pulled' "$status" 0
json_is 'as the newest release' .release 3

# ---------------------------------------------------------------- interrupted, and two at a time

# The step in which the signature is new and the list is not: the next command ends it.
cp "$repo/keys.json" "$tmp/old.json"
us delegate "$keys/mini.pub" "${root[@]}"
mv "$repo/keys.json" "$repo/.new-keys.json"
cp "$tmp/old.json" "$repo/keys.json"
not_ok 'a list and a signature that do not belong together' minisign -Vqm "$repo/keys.json" -p "$keys/root.pub"
status_is 0 'the next command ends the interrupted one' us delegate "$keys/mini.pub" "${root[@]}"
ok 'and they belong together' minisign -Vqm "$repo/keys.json" -p "$keys/root.pub"
is 'with the new list' "$(jq .version "$repo/keys.json")" 5
# Before that step nothing was replaced: what was prepared is thrown away.
echo x >"$repo/.new-keys.json"
echo x >"$repo/.new-keys.json.minisig"
echo x >"$repo/..new-keys.json.0123456789abcdef.tmp"
status_is 0 'what an interrupted command prepared is no matter' us delegate "$keys/mini.pub" "${root[@]}"
is 'and is gone' "$(find "$repo" -maxdepth 1 -name '.*new*')" ''
is 'the list is as it was' "$(jq .version "$repo/keys.json")" 5

for number in 1 2 3 4 5 6; do
        us keygen "$tmp/many/$number" --no-password
done
pids=()
for number in 1 2 3 4 5 6; do
        "$UNDERSTUDY" delegate "$tmp/many/$number/release.pub" "${root[@]}" >/dev/null 2>&1 &
        pids+=($!)
done
wait "${pids[@]}"
is 'six at a time: each is named' "$(jq '[.version, (.keys | length)] | tostring' -r "$repo/keys.json")" '[11,10]'

# ---------------------------------------------------------------- the front door

status_is 0 'version' us --version
like 'is one line' "$(output)" '^understudy [0-9.]+$'
status_is 0 'help' us --help
status_is 2 'no command' us
status_is 2 'a command that there is not' us keygne
like 'the nearest one is named' "$(errors)" "'keygen'"
status_is 2 'an option that there is not' us keygen --bogus
status_is 2 'a language that there is not' us --lang tlh --help
"$UNDERSTUDY" --help >/dev/full 2>"$tmp/stderr"
is 'a full disk behind standard output is a failure' $? 3
for command in $("$UNDERSTUDY" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
        status_is 0 "$command --help" us "$command" --help
        like "$command --help shows its use" "$(output)" "^usage: understudy $command"
done

done_testing
