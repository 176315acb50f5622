#!/bin/bash
# Mutable areas carried over between real servers: all the time, in a planned move, after a failover; and what an intruder on
# either side, a cut, a kill and a full disk do to it. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin

failover_enter "$(readlink -f "$0")"

make_repository()
{
        make_keys "$tmp/keys"
        mkdir "$tmp/src/uploads"
        us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads
}
# shellcheck disable=SC2034 # for stage.sh
stage_move='carry_every = 1s'
failover_stage 'flips = 50'
here=$tmp/production/www/mutable/uploads
there=$tmp/standby/www/mutable/uploads
ok 'pull has made the areas' test -d "$here" -a -d "$there"

carry() { by_hand carry --json "$@"; }
# contents FOLDER: every name with what it is and holds.
contents() { (cd "$1" && find . -mindepth 1 -printf '%y %m %U:%G %p\0' | LC_ALL=C sort -z | tr '\0' '\n' && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z | tr '\0' '\n'); }
same() { [[ $(contents "$here") == "$(contents "$there")" ]] || { diff <(contents "$here") <(contents "$there") | head -5 | sed 's/^/#   /' >&"$tap" && return 1; }; }
# kept SERVER TEXT: that content was moved aside there.
kept() { compgen -G "$tmp/$1/state/carry/*/kept/$(printf '%s\n' "$2" | sha256sum | cut -d' ' -f1)" >"$tmp/glob"; }

# ---------------------------------------------------------------- a batch
mkdir -p "$here/2009/07"
head -c 300000 /dev/urandom >"$here/2009/07/photo.jpg"
echo 'said' >"$here/2009/note.txt"
echo 'newline' >"$here/"$'line\nfeed'
echo 'no UTF-8' >"$here/"$'\xff\xfe'
echo '255 bytes' >"$here/$(printf 'n%.0s' {1..255})"
: >"$here/empty"
chown -R 33:33 "$here" && chmod 02775 "$here/2009"
carry --plan
is 'a plan' "$status" 0
[[ $status -eq 0 ]] || output_diag
json_is 'says how much there is to carry' '[.stage, .rest, .carried.to_rest.files] | map(tostring) | join(" ")' 'production standby 6'
is 'and carries nothing' "$(find "$there" -mindepth 1)" ''
carry
is 'a batch' "$status" 0
[[ $status -eq 0 ]] || output_diag
ok 'and both have the same: names, contents, owners, modes' same
carry
json_is 'the next one has nothing to do' .carried.to_rest.files 0

# The same size, the same time, and another content.
touch -r "$here/2009/note.txt" "$tmp/stamp"
echo 'told' >"$here/2009/note.txt"
touch -r "$tmp/stamp" "$here/2009/note.txt"
rm -r "$here/2009/07" && echo gone >"$here/short" && rm "$here/empty"
carry && rm "$here/short" && carry
is 'what was changed with its time kept arrives' "$(cat "$there/2009/note.txt")" told
ok 'what was deleted is gone there, too' same
ok 'and was moved aside' kept standby gone

# ---------------------------------------------------------------- an intruder on either side
echo '<?php system($_GET["c"]);' >"$here/shell.php"
printf 'GIF89a<?php system($_GET["c"]); ?>' >"$here/picture.gif"
echo 'AddType application/x-httpd-php .gif' >"$here/.htaccess"
echo '<!doctype html><script src="//malware.invalid/x.js"></script>' >"$here/page"
ln -s /etc/passwd "$here/link"
echo plain >"$here/plain.txt"
carry
is 'what breaks the rules' "$status" 1
json_is 'is counted' .carried.refused 5
json_is 'and named' '[.carried.notes[] | select(.what == "refused") | .path] | sort | join(" ")' '.htaccess link page picture.gif shell.php'
is 'nothing of it has arrived' "$(cd "$there" && find . -mindepth 1 -type l -o -name '*.php' -o -name '*.gif' -o -name .htaccess -o -name page)" ''
is 'but what is beside it' "$(cat "$there/plain.txt")" plain
(cd "$here" && rm shell.php picture.gif .htaccess page link)

mkdir "$tmp/outside" "$here/folder" && chmod 0777 "$tmp/outside"
carry
rmdir "$there/folder" && ln -s "$tmp/outside" "$there/folder"
echo words >"$here/folder/file.txt"
carry
is 'a link in the place of a folder' "$status" 1
is 'leads nothing outside' "$(ls -A "$tmp/outside")" ''
# The same, as fast as he can.
rm "$there/folder"
: >"$tmp/racing"
(while [[ -e $tmp/racing ]]; do
        ln -sT "$tmp/outside" "$there/folder" && rm -f "$there/folder"
        mkdir "$there/folder" && rm -rf "$there/folder"
done 2>/dev/null) &
for i in 1 2 3; do echo "words $i" >"$here/folder/file$i.txt" && carry; done
rm "$tmp/racing" && wait $!
is 'nor does one that comes and goes' "$(ls -A "$tmp/outside")" ''
rm -rf "$there/folder"
carry
ok 'when he is gone both have the same' same
echo planted >"$there/planted.txt" && echo tampered >"$there/plain.txt"
carry
not_ok 'what somebody else put on the one that rests does not come on stage' test -e "$here/planted.txt"
ok 'it is made the same' same
ok 'and what was there is kept' kept standby planted
ok 'all of it' kept standby tampered

# ---------------------------------------------------------------- a full disk, a kill in the middle
mount -t tmpfs -o size=2m none "$there"
echo first >"$here/first.txt" && head -c 3000000 /dev/urandom >"$here/large.bin"
carry
is 'a full disk at the receiver' "$status" 3
like 'is said' "$(errors)" 'standby.*No space left'
is 'and nothing half is seen' "$(find "$there" -name 'large.bin' -o -name '.understudy*')" ''
umount "$there"
carry
ok 'with room it goes on' same

head -c 20000000 /dev/urandom >"$here/larger.bin"
nsenter --net=/run/netns/database "$UNDERSTUDY" carry --config "$tmp/site.conf" --state "$tmp/controller" >"$tmp/killed" 2>&1 </dev/null &
killed=$!
incoming() { find "$tmp/standby/state/carry" -path '*/incoming/*' -size +2000k; }
some_came() { [[ -n $(incoming) ]]; }
ok 'a batch is under way' wait_for 30 some_came
kill -KILL "$killed" && wait "$killed" 2>/dev/null
not_ok 'it was killed in the middle of a file' test -e "$there/larger.bin"
sleep 0.3
part=$(stat -c '%i' "$(incoming)")
carry # its first pieces are not sent again: that is test_carry_round's to see
is 'the next one' "$status" 0
ok 'has it' same
ok 'from the part that had come' test -n "$part"
rm "$here/large.bin" "$here/larger.bin"

# ---------------------------------------------------------------- all the time
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production
controller
echo 'by the controller' >"$here/continuous.txt"
ok 'the controller has it carried over' wait_for 40 test -e "$there/continuous.txt"
by_hand status --json
json_is 'status says of whom' .carried.stage production
ok 'and when' test "$(json .carried.seconds_ago)" -lt 60

# ---------------------------------------------------------------- a planned move, while visitors upload
# An application on whichever server answers, and one request that hangs on at the old one.
upload()
{
        local n=0 on
        while [[ ! -e $tmp/uploaded ]]; do
                on=$(served) && [[ -n $on ]] && echo "upload $n" >"$tmp/$on/www/mutable/uploads/visitor-$n.txt" && n=$((n + 1))
        done
        echo "$n" >"$tmp/uploads"
}
by_hand switch standby --plan
like 'the plan of a move says how much there is to carry' "$(output)" 'files, .*back 0 files'
upload & uploader=$!
(sleep 1.5 && for i in 1 2 3 4 5 6; do echo "late $i" >"$here/late-$i.txt" && sleep 0.3; done) & late=$!
by_hand switch standby
is 'the switch is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
: >"$tmp/uploaded"
wait "$uploader"
is 'visitors are served by the stand-by' "$(served)" standby
uploads=$(cat "$tmp/uploads")
missing=0
for ((i = 0; i < uploads; i++)); do [[ -e $there/visitor-$i.txt ]] || missing=$((missing + 1)); done
is "all of $uploads uploads are there" "$missing" 0
is 'both batches are steps of it' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json |
        jq -r 'select(.kind == "step_done") | .step' | grep carry | tr '\n' ' ')" 'carry carry-last '
wait "$late"

# A return that is killed while it carries.
end_controller
head -c 20000000 /dev/urandom >"$there/large.bin"
nsenter --net=/run/netns/database "$UNDERSTUDY" return --config "$tmp/site.conf" --state "$tmp/controller" >"$tmp/killed" 2>&1 </dev/null &
killed=$!
returned_some() { [[ -n $(find "$tmp/production/state/carry" -path '*/incoming/*' -size +2000k) ]]; }
ok 'a return carries' wait_for 40 returned_some
kill -KILL "$killed" && wait "$killed" 2>/dev/null
is 'it is killed: nobody has moved' "$(served)" standby
sleep 0.3
by_hand switch --resume
is 'it is resumed' "$status" 0
[[ $status -eq 0 ]] || output_diag
is 'production is on stage again' "$(served)" production
ok 'and all is there' cmp -s "$here/large.bin" "$there/large.bin"
carry
ok 'the same on both' same

# ---------------------------------------------------------------- a failover, and what either side wrote
echo 'before the end' >"$here/only-production.txt"
echo 'version of production' >"$here/both.txt"
controller
known_standby
ended=$(moves | wc -w)
has_ended() { [[ $(moves | wc -w) -gt $ended ]]; }
cut_power production
ok 'a power cut: the stand-by is on stage' wait_for 40 is_served_by standby
# Visitors are served before the last step is in the journal; a controller that ends in between leaves a move to be resumed.
ok 'and the move comes to its end' wait_for 40 has_ended
end_controller
echo 'version of the stand-by' >"$there/both.txt"
echo 'after the failover' >"$there/only-standby.txt"
# What production was given in its last second, and had not handed over.
echo 'in its last second' >"$here/last-second.txt"
echo 'version of production, unsent' >"$here/both.txt"
boot production
carry
is 'after a failover a batch waits for the return' "$status" 4
like 'and says so' "$(errors)" "understudy return"
by_hand return
is 'the return is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
is 'what the stand-by was given is at home' "$(cat "$here/only-standby.txt")" 'after the failover'
is 'what production had is still there' "$(cat "$here/only-production.txt")" 'before the end'
is 'and what it had not handed over came to the stand-by' "$(cat "$there/last-second.txt")" 'in its last second'
is 'of a name that both wrote the one on stage has it' "$(cat "$here/both.txt")" 'version of the stand-by'
ok "and the other's was kept" kept production 'version of production, unsent'
ok 'both have the same' same
done_testing
