#!/bin/bash
# Attacks on the checker instead of the site: too large, too many, never ending, in the way.
. "$(dirname "$0")/lib.sh"
use attacks
need truncate
attacks_begin

# within SECONDS NAME COMMAND...: and not more than that.
within()
{
        local limit=$1 name=$2 started=$SECONDS
        shift 2
        "$@"
        ok "$name: within $limit s" test $((SECONDS - started)) -le $((limit * ${TEST_PATIENCE:-1}))
}
state_is_small() { ok "$1: evidence is limited" test "$(du -sm "$state" | cut -f1)" -lt 300; }

restart_standby
truncate -s 8T "$dest/docs/huge" && echo "$planted" >>"$dest/docs/huge"
within 10 'an extra file of 8 TB' us verify "$dest" --pub "$pub" --json
is 'an extra file of 8 TB: differs' "$status" 1
within 20 'an extra file of 8 TB, pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'an extra file of 8 TB: healed' "$status" 1
state_is_small 'an extra file of 8 TB'
exact 'an extra file of 8 TB: exact'

restart_standby
truncate -s 8T "$dest/index.php"
within 10 'a genuine file grown to 8 TB' us verify "$dest" --pub "$pub" --json
differs 'a genuine file grown to 8 TB: named' index.php content
within 20 'a genuine file grown to 8 TB, pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'a genuine file grown to 8 TB: healed' "$status" 1
state_is_small 'a genuine file grown to 8 TB'
exact 'a genuine file grown to 8 TB: exact'

restart_standby
for ((i = 0; i < 6; i++)); do head -c 100M /dev/zero >"$dest/docs/large$i"; done
within 20 'six files of 100 MB' us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'six files of 100 MB: healed' "$status" 1
state_is_small 'six files of 100 MB'
rm -rf "${dest%/*}" "$state"

restart_standby
(cd "$dest" && mkdir flat && cd flat && seq 1 30000 | xargs touch)
within 20 '30,000 names in one folder' us pull "$dest" --repo "$repo" --pub "$pub" --json
is '30,000 names: healed' "$status" 1
exact '30,000 names: exact'

# The limit of the evidence, used up on purpose so that what counts is left out.
restart_standby
(cd "$dest" && for ((i = 0; i < 40; i++)); do head -c 60000 /dev/zero >"!$i"; done && head -c 900000 /dev/zero >'!!large')
echo "$planted, the changed page" >"$dest/index.php"
us pull "$dest" --repo "$repo" --pub "$pub" --evidence-limit 1000000 --json
is 'junk before a changed page: healed' "$status" 1
evidence=$(json .evidence)
ok 'junk before a changed page: that one is kept' grep -qsF "$planted" "$evidence/files/docroot/index.php"
ok 'junk before a changed page: what is large comes last' test ! -e "$evidence/files/docroot/!!large"
ok 'junk before a changed page: what is left out is said' test "$(jq .left_out.files "$evidence/report.json")" -gt 0
is 'junk before a changed page: all are in the report' "$(jq '[.files[].path] | unique | length' "$evidence/report.json")" 42

# One who tampers again before every pull fills no disk.
truncate -s 40M "$tmp/small.img"
mkdir "$tmp/small"
mkfs.ext4 -q "$tmp/small.img"
if mount -o loop "$tmp/small.img" "$tmp/small" 2>/dev/null; then
        restart_standby
        export UNDERSTUDY_STATE=$tmp/small/state
        us pull "$tmp/www/small" --repo "$repo" --pub "$pub"
        for round in 1 2 3 4 5 6 7 8; do
                head -c 6000000 /dev/urandom >"$tmp/www/small/junk$round"
                us pull "$tmp/www/small" --repo "$repo" --pub "$pub" --json
                is "a small disk, tampered with $round times: healed" "$status" 1
        done
        (cd "$tmp/www/small" && name=$(printf 'x%.0s' {1..240}) && seq -f "$name%g" 1 30000 | xargs touch)
        us pull "$tmp/www/small" --repo "$repo" --pub "$pub" --json
        is 'a small disk, and 30,000 long names: healed' "$status" 1
        ok 'a small disk: there is room left' test "$(stat -f -c %a "$tmp/small")" -gt "$(($(stat -f -c %b "$tmp/small") / 5))"
        export UNDERSTUDY_STATE=$state
        umount "$tmp/small"
        rm -rf "$tmp/www/small"
else
        skip 'no loop mounts here'
fi

# Deeper than a path may be long.
restart_standby
(cd "$dest" && name=$(printf 'x%.0s' {1..240}) && for ((i = 0; i < 20; i++)); do mkdir "$name" && cd "$name" || exit; done && echo "$planted" >deep.php)
us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'too deep for a path: healed' "$status" 1
is 'too deep for a path: said' "$(jq '.files | any(.left_out != null)' "$(json .evidence)/report.json")" true

# Attributes that are no text, and more of them than a line of the report may hold.
restart_standby
echo "$planted" >"$dest/index.html"
setfattr -n "user.$(printf '\377\033[31m')" -v x "$dest/index.html"
status_is 1 'attributes with odd names: verify' us verify "$dest" --pub "$pub"
unlike 'attributes with odd names: reach no terminal' "$(output)" $'\033'
us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'attributes with odd names: in the report' \
        "$(jq -rc '.files[] | select(.path == "index.html") | .xattrs | keys' "$(json .evidence)/report.json")" '["user.\\377\\033[31m"]'

# What is kept as evidence must not be dangerous where it lies.
restart_standby
(cd "$dest" && echo "$planted" >shell && chmod 6777 shell && chown 33:33 shell && chmod 6777 shell && ln -s / up && mkfifo pipe)
us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'a setuid file: healed' "$status" 1
evidence=$(json .evidence)
ok 'a setuid file: its bytes are kept' grep -rqF "$planted" "$evidence"
is 'no setuid or executable file in the evidence' "$(find "$evidence" -type f -perm /7111)" ''
is 'nothing but files and folders in the evidence' "$(find "$evidence" ! -type f ! -type d)" ''
is 'nobody but root looks into the state' "$(stat -c %a:%u "$state/dest"/*/evidence)" 700:0

# Format letters and control sequences in names reach no terminal.
restart_standby
(cd "$dest" && touch '%s%n%s%n' $'\e]0;x\a' $'a\rb')
us verify "$dest" --pub "$pub"
is 'control sequences in names: differs' "$status" 1
not_ok 'control sequences in names: none is printed' grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$tmp/stdout" "$tmp/stderr"
like 'format letters are printed as they are' "$(output)" '%s%n%s%n'
status_is 1 'control sequences in names: healed' us pull "$dest" --repo "$repo" --pub "$pub"
not_ok 'control sequences in names: none is printed by pull' grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$tmp/stdout" "$tmp/stderr"

# The kept release is believed for its signatures only.
kept=$(echo "$state"/dest/*/kept)
restart_standby
echo "$planted" >"$dest/index.html"
sed -i "s|^\./index\.php |./index.html type=file mode=0644 uid=0 gid=0 nlink=1 size=$((${#planted} + 1)) time=1.0 sha256=$(sha256sum <"$dest/index.html" | cut -d' ' -f1)\n&|" \
        "$kept/manifest.mtree"
ok 'the kept manifest is forged' grep -q '^\./index\.html ' "$kept/manifest.mtree"
us verify "$dest" --pub "$pub" --json
isnt 'a forged kept manifest: not genuine' "$status" 0
status_is 1 'a forged kept manifest: pull heals it' us pull "$dest" --repo "$repo" --pub "$pub" --json
exact 'a forged kept manifest: exact'
status_is 0 'a forged kept manifest: genuine again' us verify "$dest" --pub "$pub" --json
sed -i 's/0644/0666/' "$kept/manifest.mtree"
us verify "$dest" --pub "$pub" --json
isnt 'a damaged kept manifest, a genuine tree: not called genuine' "$status" 0
us pull "$dest" --repo "$repo" --pub "$pub" --json
status_is 0 'a damaged kept manifest: pull mends it' us verify "$dest" --pub "$pub" --json
rm "$kept/release.json.minisig"
us pull "$dest" --repo "$repo" --pub "$pub" --json
status_is 0 'a kept signature that is gone: pull mends it' us verify "$dest" --pub "$pub" --json
rm -rf "$kept"
us verify "$dest" --pub "$pub" --json
isnt 'no kept release: not called genuine' "$status" 0
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'no kept release: pull makes it good' test "$status" -le 1
status_is 0 'no kept release: genuine' us verify "$dest" --pub "$pub" --json

done_testing
