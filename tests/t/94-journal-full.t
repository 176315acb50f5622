#!/bin/bash
# The journal's disk is full: what is appended waits, the writer goes on, and when there is room again everything is
# committed in order, once, with a record that says how long it was not.
. "$(dirname "$0")/lib.sh"
need_root
need jq

writer=$build_folder/tests/support/journal_writer
disk=$tmp/disk
mkdir "$disk"
mount -t tmpfs -o size=256k understudy-full "$disk" || skip_all 'no tmpfs can be mounted'
"$writer" "$disk/journal" 250 batch >/dev/null || bail_out 'the journal cannot be written'
cp "$disk/journal/checkpoint" "$tmp/held"
head -c 1M /dev/zero >"$disk/filler" 2>/dev/null

# It appends a record each 20 ms, whatever becomes of them, and does not end before all of them are in.
"$writer" "$disk/journal" 40 insist >"$tmp/said" 2>"$tmp/complaints" &
appending=$!
cleanup_process "$appending"
ok 'a commit fails' wait_for 20 grep -q failed "$tmp/said"
like 'with the reason' "$(cat "$tmp/complaints")" 'No space left'
us journal verify --dir "$disk/journal" --checkpoint "$tmp/held"
is 'what was signed stays whole meanwhile' "$status" 0
wait_for 20 grep -q appended "$tmp/said"
ok 'the writer appends all the same' grep -q appended "$tmp/said"
rm "$disk/filler"
ok 'it ends well when there is room' wait "$appending"
us journal verify --dir "$disk/journal" --checkpoint "$tmp/held" --json
json_is 'whole' '[.fault, .agree]' '["whole",1]'
us journal show --dir "$disk/journal" --json
is 'every record once, in order' "$(jq -r 'select(.what | startswith("insist")) | .what' "$tmp/stdout")" "$(printf 'insist %d\n' {0..39})"
is 'and one that tells of it' "$(jq -r 'select(.kind == "journal_resumed") | .what' "$tmp/stdout" | grep -c 'ENOSPC')" 1
is 'nothing was taken for what a crash left' "$(jq -r 'select(.kind == "journal_recovered") | .what' "$tmp/stdout")" ''
umount "$disk"
done_testing
