#!/bin/bash
# Normal work raises no alarm and denies nothing: releases follow each other while visitors read every page, somebody walks the
# whole tree, and the application writes its uploads. GUARD_RELEASES sets how many (6), GUARD_PAUSE the seconds between them
# (0), GUARD_WALK_PAUSE those between two walks (0.2); `make soak` has 60 releases with a minute between them, on a tree of
# 3,000 files (GUARD_FILES).
. "$(dirname "$0")/lib.sh"
use guard
files=${GUARD_FILES:-300}
guard_place "$((128 + files / 15))M"
reader=$build_folder/tests/support/reader
[[ -x $reader ]] || bail_out 'build first: tests/support/reader is not there'

# As WordPress lies on a disk: programs in nested folders, and uploads in an area that the application itself writes.
make_site "$tmp/src"
for ((i = 0; i < files; i++)); do
        folder=$tmp/src/wp-content/plugins/plugin$((i % 30))/inc$((i % 7))
        [[ -d $folder ]] || mkdir -p "$folder"
        printf '<?php\n// file %d\nfunction f%d() { return %d; }\n' "$i" "$i" "$i" >"$folder/file$i.php"
done
mkdir "$tmp/src/uploads"
make_keys "${key%/*}"
publish() { us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads; }
publish || bail_out 'publish'
mkdir -p "$tmp/m/www/mutable/uploads"
make_standby
{
        printf '%s\n' index.php css/site.css docs/2008/a.html docs/help.html
        (cd "$tmp/src" && find wp-content -type f -name '*0.php' | LC_ALL=C sort | head -n 20)
} >"$tmp/names"
guard_start --repo "$repo"

cp -a "$tmp/src" "$tmp/seen.0"
genuine=("$tmp/seen.0")
for ((i = 1; i <= ${GUARD_RELEASES:-6}; i++)); do # what a reader may see: this release, or the one before
        mkdir -p "$tmp/seen.$i/css" "$tmp/seen.$i/wp-content/plugins/plugin0/inc0"
        echo "body { color: #$((100000 + i)) }" >"$tmp/seen.$i/css/site.css"
        echo "<?php // release $i" >"$tmp/seen.$i/wp-content/plugins/plugin0/inc0/file0.php"
        genuine+=("$tmp/seen.$i")
done
for i in 1 2; do
        "$reader" "$dest" "$tmp/names" "${genuine[@]}" >"$tmp/got.$i" 2>>"$tmp/reader.err" &
        readers[i]=$!
        cleanup_process $!
done
walk() { while :; do find "$dest/" -type f -exec cat {} +; sleep "${GUARD_WALK_PAUSE:-0.2}"; done; } >/dev/null 2>"$tmp/walk.err"
walk &
walking=$!
uploads() { local n; for ((n = 0; ; n++)); do echo "upload $n" >"$tmp/m/www/mutable/uploads/$((n % 50)).txt"; sleep 0.05; done; }
uploads &
uploading=$!
cleanup_process "$walking" "$uploading"

for ((i = 1; i <= ${GUARD_RELEASES:-6}; i++)); do
        cp -a "$tmp/seen.$i/." "$tmp/src/"
        rm -rf "$tmp/src/wp-content/plugins/new$((i - 1))"
        mkdir "$tmp/src/wp-content/plugins/new$i" && echo "<?php // $i" >"$tmp/src/wp-content/plugins/new$i/new.php"
        publish || fail "publish $i"
        us pull "$dest" --repo "$repo" --pub "$pub" || { fail "pull $i" && output_diag; }
        ok "release $i: its new file can be read at once" reads "$dest/wp-content/plugins/new$i/new.php"
        ok "release $i: and its changed one is the new one" cmp -s "$tmp/seen.$i/css/site.css" "$dest/css/site.css"
        sleep "${GUARD_PAUSE:-0}"
done
eligible() { us status "$dest"; }
ok 'visitors may be sent here' wait_for 60 eligible
kill "$walking" "$uploading" "${readers[@]}"
for i in 1 2; do wait "${readers[i]}"; done
jq -sc '{ genuine: (map(.genuine) | add), wrong: (map(.wrong) | add), refused: (map(.refused) | add), missing: (map(.missing) | add),
        other: (map(.other) | add), longest_ms: (map(.longest_ms) | max), name: (map(.wrong_name) | add) }' "$tmp"/got.[12] >"$tmp/stdout"
diag "$(output)"
json_is 'no visitor was denied a file, nor given a wrong one' '[.wrong, .refused, .missing, .other, .name] | map(tostring) | join(" ")' '0 0 0 0 '
json_is 'they read' '.genuine > 0' true
is 'nor was who walked the tree' "$(grep -c 'not permitted' "$tmp/walk.err")" 0
is 'no alarm was raised' "$(findings)" ''
is 'no verdict was late, no gate was replaced' "$(kinds | grep -cxE 'gate_slow|gate_replaced|events_lost')" 0
guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
