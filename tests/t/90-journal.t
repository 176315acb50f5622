#!/bin/bash
# The journal: what pull and verify write, how it reads, and that nobody rewrites it unnoticed.
. "$(dirname "$0")/lib.sh"
need jq base64

journal=$state/journal
make_site "$tmp/src"
make_repository
make_standby

# ---------------------------------------------------------------- what is written

status_is 0 'verify of a genuine tree' us verify "$dest" --pub "$pub"
echo planted >"$dest/docs/help.html"
printf 'x' >"$dest/odd"$'\e'"[31m name"
status_is 1 'pull heals a tampered tree' us pull "$dest" --repo "$repo" --pub "$pub"
status_is 0 'journal show' us journal show
like 'it reads like a log' "$(output)" '^[0-9T:.-]+Z +[^ ]+ +pull_started +pull of '
unlike 'a hostile name does not write to the terminal' "$(output)" $'\e'
status_is 0 'journal show --json' us journal show --json
is 'one object a line, each with time, server and kind' "$(jq -c 'select((.time and .server and .kind and .actor) | not)' "$tmp/stdout")" ''
is 'the sequence has no gap' "$(jq .sequence "$tmp/stdout")" "$(seq 0 $(($(wc -l <"$tmp/stdout") - 1)))"
is 'the kinds, oldest first' "$(jq -r .kind "$tmp/stdout" | uniq | tr '\n' ' ')" \
        'pull_started exchange pull_finished verify_started verify_finished pull_started difference exchange pull_finished '
is 'a difference has its evidence' \
        "$(jq -r 'select(.kind == "difference" and .path == "docs/help.html" and .difference == "content") | .evidence' "$tmp/stdout")" \
        "$(echo planted | sha256sum | cut -d' ' -f1)"
ok 'canonical: sorted keys, no spaces' diff <(jq -cS . "$tmp/stdout") "$tmp/stdout"
us journal show --json --kind exchange
is '--kind' "$(jq -r .kind "$tmp/stdout" | sort -u)" exchange
us journal show --json --since 2100-01-01
is '--since' "$(output)" ''
status_is 2 'a time that is none' us journal show --since yesterday
status_is 2 'no verb' us journal
is 'the folder is root only' "$(stat -c %a "$journal") $(stat -c %a "$journal/node.key")" '700 600'

# ---------------------------------------------------------------- verify

# What is held elsewhere: the key, and the checkpoint of now.
mkdir "$tmp/held"
cp "$journal/node.pub" "$journal/checkpoint" "$tmp/held"
node=$(cat "$tmp/held/node.pub")
verify() { us journal verify --pub "$node" --checkpoint "$tmp/held/checkpoint" "$@"; }
status_is 0 'verify' us journal verify
like 'it says what was not shown' "$(output)" 'No checkpoint from elsewhere'
status_is 0 'verify against what is held elsewhere' verify
us verify "$dest" --pub "$pub"
status_is 0 'after more records, too' verify
us journal verify --json --pub "$tmp/held/node.pub" --checkpoint "$tmp/held/checkpoint"
json_is 'as JSON' '[.whole, .fault, .pinned, .agree]' '[true,"whole",true,1]'
cp "$journal/checkpoint" "$tmp/held/newer"

cp -a "$journal" "$tmp/whole"
restore() { rm -rf "$journal" && cp -a "$tmp/whole" "$journal"; }
# found FAULT NAME [OPTION...]: verify ends in 1 and names the fault.
found()
{
        local fault=$1 name=$2
        shift 2
        us journal verify --json --pub "$node" --checkpoint "$tmp/held/newer" "$@"
        is "$name" "$status $(json .fault)" "1 $fault"
        restore
}

bundle=$(ls "$journal"/tile/entries/000.p/* | sort -V | tail -1)
tile=$(ls "$journal"/tile/0/000.p/* | sort -V | tail -1)
sed -i 's/planted/plonted/; s/pull_started/pull_storted/' "$bundle"
found rewritten 'a record that was changed'
head -c -1 "$bundle" >"$tmp/short" && cat "$tmp/short" >"$bundle"
found rewritten 'a bundle that was cut'
rm "$bundle"
found damaged 'a bundle that is gone'
printf x | dd of="$tile" bs=1 seek=40 conv=notrunc status=none
found damaged 'a hash that was changed'
printf 'x%.0s' {1..32} | cat - <(tail -c +33 "$tile") >"$tmp/tile" && cat "$tmp/tile" >"$tile"
found damaged 'a tile that was rewritten'
rm "$tile"
found damaged 'a tile that is gone'
sed -i '2s/.*/1/' "$journal/checkpoint"
found rewritten 'a checkpoint that was edited'
echo nonsense >"$journal/checkpoint"
found rewritten 'a checkpoint that is none'
rm "$journal/checkpoint"
found truncated 'a checkpoint that is gone'
cp "$tmp/held/checkpoint" "$journal/checkpoint"
found truncated 'an old checkpoint put back: records are missing'
rm -rf "$journal"
found truncated 'all of it gone'

# Root on the server has the key, and can sign anything: another history under the same key.
forge()
{
        rm -rf "$journal/tile" "$journal/checkpoint"
        local i
        for ((i = 0; i < $1; i++)); do us verify "$dest" --pub "$pub"; done
}
forge 2
found truncated 'a new history that is shorter'
size=$(sed -n 2p "$tmp/held/newer")
forge "$((size / 2 + 2))"
found rewritten 'a new history that is longer'
forge "$((size / 2))"
if ((size % 2 == 0)); then
        found forked 'a new history of the same length'
else
        restore && skip 'the journal has an odd number of records'
fi
rm -rf "$journal"
us verify "$dest" --pub "$pub"
cp -a "$journal" "$tmp/other"
us journal verify --json --checkpoint "$tmp/held/newer"
is 'another disk with another key, without --pub' "$status $(json .fault)" '1 replaced'
us journal verify --json --pub "$node"
is 'another disk with another key, with --pub alone' "$status $(json .fault)" '1 replaced'
found replaced 'another disk with another key'

status_is 3 'a held file that is no checkpoint' us journal verify --checkpoint "$tmp/held/node.pub"
status_is 3 'a held file that is not there' us journal verify --checkpoint "$tmp/none"
status_is 3 'a held checkpoint that the given key did not sign' us journal verify --pub "$node" --checkpoint "$tmp/other/checkpoint"
status_is 3 'no journal' us journal verify --dir "$tmp/none"
status_is 3 'a key that is none' us journal verify --pub nonsense

# ---------------------------------------------------------------- the writer refuses what is not whole; the site heals

sed -i 's/planted/plonted/; s/pull_started/pull_storted/' "$bundle"
echo planted >"$dest/docs/help.html"
status_is 1 'a site is healed although its journal is broken' us pull "$dest" --repo "$repo" --pub "$pub"
like 'and it is said' "$(errors)" 'not written in the journal'
found rewritten 'and the broken journal was left as it is'
rm "$journal/node.key"
status_is 0 'the key is gone: verify ends as before' us verify "$dest" --pub "$pub"
like 'and it is said' "$(errors)" 'key of the journal'
ok 'no new key was made' test ! -e "$journal/node.key"
restore

# ---------------------------------------------------------------- what a crash left beyond the checkpoint

size=$(sed -n 2p "$journal/checkpoint")
bundle=$journal/tile/entries/000.p/$size
record=$(us journal show --json && tail -1 "$tmp/stdout" | jq -cS ".sequence = $size | .kind = \"left_behind\"")
entry() { printf "\\x$(printf %02x $((${#1} / 256)))\\x$(printf %02x $((${#1} % 256)))%s" "$1"; }
{ cat "$bundle" && entry "$record"; } >"$journal/tile/entries/000.p/$((size + 1))"
{ cat "$bundle" && entry "$record" && entry "$record" | head -c 20; } >"$journal/tile/entries/000.p/$((size + 2))"
status_is 0 'a writer comes after a crash' us verify "$dest" --pub "$pub"
us journal show --json --kind left_behind
is 'what was whole is taken in' "$(wc -l <"$tmp/stdout")" 1
us journal show --kind journal_recovered
like 'and what was torn is said' "$(output)" '1 unsigned records were taken in, 1 torn files'
status_is 0 'and all of it is whole' verify
restore

# ---------------------------------------------------------------- witnesses

mkdir "$tmp/witness"
echo "$tmp/witness" >"$journal/witnesses"
us verify "$dest" --pub "$pub"
latest=$(echo "$tmp"/witness/*/latest)
ok 'a witness was told' cmp "$latest" "$journal/checkpoint"
status_is 0 'its checkpoints verify the journal' us journal verify --pub "$node" --checkpoint "$latest"
cp -a "$journal/witnesses" "$tmp/witnesses"
restore
cp "$tmp/witnesses" "$journal/witnesses"
us verify "$dest" --pub "$pub"
like 'a witness refuses a journal that went back and on another way' "$(errors)" 'forked|rewritten|cut'
rm -rf "$tmp/witness"
status_is 0 'a witness that is not there holds nothing up' us verify "$dest" --pub "$pub"
like 'but it is said' "$(errors)" 'witness'
restore

# ---------------------------------------------------------------- export, and somebody else's verifier

status_is 0 'export' us journal export "$tmp/export"
not_ok 'no key goes with it' test -e "$tmp/export/node.key"
status_is 0 'the copy is whole' us journal verify --dir "$tmp/export" --pub "$node"
us verify "$dest" --pub "$pub"
status_is 0 'export again' us journal export "$tmp/export"
ok 'the copy followed' cmp "$tmp/export/checkpoint" "$journal/checkpoint"
if command -v go >/dev/null && [[ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ]]; then
        ok "Go's sumdb packages check signature, records, tiles and proofs" env GO111MODULE=off GOPATH=/usr/share/gocode \
                GOCACHE="$tmp/go" go run "$source_folder/tests/support/tlog_check.go" "$tmp/export"
else
        skip 'golang-go and golang-golang-x-mod-dev are not installed'
fi
done_testing
