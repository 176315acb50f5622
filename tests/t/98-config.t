#!/bin/bash
# The configuration on the command line: init, check --config, the words and their lines, signing and believing it.
. "$(dirname "$0")/lib.sh"
need jq minisign

answers=(--site example --production root@web1.example.org --production-address 192.0.2.11
        --standby root@web2.example.org --standby-address 192.0.2.12 --service 192.0.2.10/24
        --url 'https://www.example.org/login/' --expect 'Control panel' --repo https://repo.example.org/repo)
conf=$tmp/site.conf
status_is 0 'init by options' us init "$conf" "${answers[@]}"
status_is 0 'what it wrote is good' us check --config "$conf" --offline
like 'and says what it is' "$(output)" 'ok +config +site example, serial 1, 2 servers'
status_is 4 'a file that is there is not overwritten' us init "$conf" "${answers[@]}"
status_is 2 'without a terminal all must be said' us init "$tmp/other.conf" --site example
like 'and the words say what' "$(errors)" 'say --production VALUE'
not_ok 'nothing was written' test -e "$tmp/other.conf"
status_is 2 'a wrong answer' us init "$tmp/other.conf" "${answers[@]}" --service 192.0.2.10
like 'is told' "$(errors)" 'length of its network'
not_ok 'and nothing was written' test -e "$tmp/other.conf"
status_is 0 'with a database' us init "$tmp/db.conf" "${answers[@]}" --database root@db1 --database-address 192.0.2.20
like 'has one' "$(cat "$tmp/db.conf")" 'server "db1"'
if command -v script >/dev/null; then
        # On a terminal it asks: here the site's name, twice, for an empty answer is none.
        printf '\nexample\n' | script -qec "$UNDERSTUDY init $tmp/asked.conf ${answers[*]:2:12} --interface eth0 --docroot /srv \
                --url https://www.example.org/ --expect x --database '' --repo /srv/repo --pub /etc/release.pub" /dev/null >"$tmp/asked" 2>&1
        ok 'init asks on a terminal' test -e "$tmp/asked.conf"
        like 'for what was not said' "$(tr -d '\r' <"$tmp/asked")" 'name of the site'
else
        skip 'script is not installed'
fi

# ---------------------------------------------------------------- words and lines
cat >"$tmp/wrong.conf" <<'END'
site = Example
serial = 010
server "web1" {
        role = boss
}
END
status_is 2 'a wrong one' us check --config "$tmp/wrong.conf"
like 'line 1' "$(errors)" "$tmp/wrong.conf:1: site = \"Example\": write a name"
like 'line 2' "$(errors)" "wrong.conf:2: serial = \"010\": write a decimal number from 1 to 999999999, without leading zeros"
like 'line 4' "$(errors)" 'wrong.conf:4: role = "boss": write one of production, standby'
like 'how many' "$(errors)" 'there are [0-9]+ things wrong in it'
echo 'site = $HOME' >"$tmp/wrong.conf"
HOME=example status_is 2 'nothing comes from the environment' us check --config "$tmp/wrong.conf"
status_is 2 'a file that is not there' us check --config "$tmp/none.conf"
like 'says how to get one' "$(errors)" 'understudy init'
sed '1a alerts = {"ftp://x"}' "$conf" >"$tmp/wrong.conf"
status_is 2 'a target for alerts that is none' us check --config "$tmp/wrong.conf"
like 'is told' "$(errors)" 'is no target for alerts'
status_is 2 'not together with DEST' us check "$tmp" --config "$conf"

# ---------------------------------------------------------------- signed
make_keys "$tmp/keys" root release
status_is 3 'unsigned, with a key' us check --config "$conf" --offline --pub "$pub"
like 'the words say how to sign' "$(errors)" "publish --config $conf --key"
status_is 2 'a wrong file is not signed' us publish --config "$tmp/wrong.conf" --key "$key"
not_ok 'it has no signature' test -e "$tmp/wrong.conf.minisig"
status_is 0 'signed' us publish --config "$conf" --key "$key"
status_is 0 'and believed' us check --config "$conf" --offline --pub "$pub"
like 'which is said' "$(output)" 'signed'
ok 'minisign agrees' minisign -Vq -p "$pub" -m "$conf"
status_is 3 'not by another key' us check --config "$conf" --offline --pub "$tmp/keys/root.pub"
sed -i 's/interval = 1s/interval = 2s/; $a # x' "$conf"
status_is 3 'not when a byte differs' us check --config "$conf" --offline --pub "$pub"
us publish --config "$conf" --key "$key"
status_is 4 'the same serial with other bytes' us check --config "$conf" --offline --pub "$pub"
sed -i 's/^serial = 1/serial = 2/' "$conf"
us publish --config "$conf" --key "$key"
status_is 0 'a higher serial' us check --config "$conf" --offline --pub "$pub"
sed -i 's/^serial = 2/serial = 1/' "$conf"
us publish --config "$conf" --key "$key"
status_is 4 'never back' us check --config "$conf" --offline --pub "$pub"
like 'with a reason' "$(errors)" 'it is an old one'

# With a root key: the list of keys lies beside the file, and is copied there from the repository.
us delegate "$pub" --repo "$repo" --key "$tmp/keys/root.key" --as release
sed -i 's/^serial = 1/serial = 3/' "$conf"
status_is 0 'signed by a delegated key' us publish --config "$conf" --key "$key" --repo "$repo"
ok 'the list came along' cmp "$repo/keys.json" "$tmp/keys.json"
status_is 0 'believed by the root key' us check --config "$conf" --offline --pub "$tmp/keys/root.pub" --state "$tmp/state2"
us revoke "$pub" --repo "$repo" --key "$tmp/keys/root.key"
cp "$repo"/keys.json* "$tmp/"
status_is 3 'not when it was revoked' us check --config "$conf" --offline --pub "$tmp/keys/root.pub" --state "$tmp/state2"
status_is 2 'SRC and --config do not go together' us publish "$tmp" --config "$conf" --key "$key" --repo "$repo"
done_testing
