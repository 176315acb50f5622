#!/bin/bash
# A mutable area of many small files: what the first batch, one with nothing to do, and one with two changes cost; a planned move
# while visitors upload; and the memory that it takes. CARRY_FILES: how many, 3000 if not said. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin

failover_enter "$(readlink -f "$0")"
many=${CARRY_FILES:-3000}

make_repository()
{
        make_keys "$tmp/keys"
        mkdir "$tmp/src/uploads"
        us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads
}
failover_stage 'flips = 50'
here=$tmp/production/www/mutable/uploads
there=$tmp/standby/www/mutable/uploads

# contents FOLDER: every file with what it holds, and its mode and owner.
contents() { (cd "$1" && find . -mindepth 1 -printf '%y %m %U:%G %p\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum); }
same() { cmp -s <(contents "$here") <(contents "$there"); }
sent() { ip -s -j link show dev "port-$1" | jq '.[0].stats64.rx.bytes'; }
# The most memory that any process of ours had, in KB, until $tmp/weighed is there.
weigh()
{
        rm -f "$tmp/weighed" "$tmp/weight"
        perl -e 'my ($stop, %most) = shift;
                while (!-e $stop) {
                        for my $file (glob "/proc/[0-9]*/status") {
                                open(my $in, "<", $file) or next;
                                local $/; my $text = <$in> // next;
                                my ($name) = $text =~ /^Name:\s*(\S+)/m; my ($peak) = $text =~ /^VmHWM:\s*(\d+)/m;
                                $most{$name} = $peak if $peak && $name =~ /^(understudy|agent)/ && $peak > ($most{$name} // 0);
                        }
                        select undef, undef, undef, 0.05;
                }
                my ($all) = sort { $b <=> $a } (values(%most), 0);
                print "$all\n"' "$tmp/weighed" >"$tmp/weight" &
}
weighed() { : >"$tmp/weighed"; wait_for 20 test -s "$tmp/weight"; cat "$tmp/weight"; }
# batch WHAT: what it took is in $took (ms) and $moved_bytes (that went out of production)
batch()
{
        local begun before
        before=$(sent production)
        begun=$(date +%s%N)
        by_hand carry --json
        took=$((($(date +%s%N) - begun) / 1000000))
        moved_bytes=$(($(sent production) - before))
        is "$1: done" "$status" 0
        [[ $status -eq 0 ]] || output_diag
        diag "$1: $took ms, $moved_bytes bytes out of production"
}

# ---------------------------------------------------------------- many
perl -e 'my ($root, $many) = @ARGV; srand 7;
        for my $i (0 .. $many - 1) {
                my $folder = sprintf "%s/%02d", $root, $i % 100;
                mkdir $folder if $i < 100;
                open(my $out, ">", "$folder/file-$i.txt") or die "$!\n";
                print $out "file $i\n", join("", map { chr(97 + rand 26) } 1 .. 1000 + rand 3000), "\n";
        }' "$here" "$many"
chown -R 33:33 "$here"
weigh
batch 'the first batch'
json_is 'all of them went' .carried.to_rest.files "$many"
first=$took
ok 'both have the same' same
sleep 2.5 # what was written just now is read once more
batch 'what was young is read again'
batch 'nothing to do'
json_is 'nothing went' '[.carried.to_rest.files, .carried.left] | join(" ")' '0 0'
idle=$took
ok 'it costs a small part of the first one' test $((idle * 4)) -lt "$first"
ok 'and few bytes, whatever the area holds' test "$moved_bytes" -lt 200000
echo new >"$here/07/new.txt"
echo changed >"$here/08/file-8.txt"
batch 'one new, one changed'
json_is 'two went' .carried.to_rest.files 2
ok 'both have the same' same
ok 'it costs little more than one with nothing to do' test "$took" -lt $((idle + first / 2))
most=$(weighed)
diag "the most memory of a process: $most KB"
ok 'no process had more than 64 MB' test "$most" -gt 1000 -a "$most" -lt "$(is_sanitized && echo 500000 || echo 65536)"

# ---------------------------------------------------------------- a planned move, while visitors upload
upload()
{
        local n=0 on
        while [[ ! -e $tmp/uploaded ]]; do
                on=$(served) && [[ -n $on ]] || continue
                echo "upload $n" >"$tmp/$on/www/mutable/uploads/$((n % 100 / 10))$((n % 10))/visitor-$n.txt" && n=$((n + 1))
        done
        echo "$n" >"$tmp/uploads"
}
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production
for way in 'switch standby' return; do
        rm -f "$tmp/uploaded"
        find "$here" "$there" -name 'visitor-*' -delete
        upload & uploader=$!
        weigh
        begun=$(date +%s%N)
        # shellcheck disable=SC2086
        by_hand $way
        took=$((($(date +%s%N) - begun) / 1000000))
        is "$way: done" "$status" 0
        [[ $status -eq 0 ]] || output_diag
        sleep 0.3
        : >"$tmp/uploaded"
        wait "$uploader"
        uploads=$(cat "$tmp/uploads")
        diag "$way: $took ms, $uploads uploads meanwhile, the most memory $(weighed) KB"
        is "$way: who is on stage" "$(served)" "$([[ $way == return ]] && echo production || echo standby)"
        on=$([[ $way == return ]] && echo "$here" || echo "$there")
        expected=$(for ((i = 0; i < uploads; i++)); do echo "upload $i"; done | sort)
        is "$way: each upload is there, once" "$(find "$on" -name 'visitor-*' -exec cat {} + | sort | cksum)" "$(cksum <<<"$expected")"
        is "$way: and so is all else, once" "$(find "$on" -type f ! -name 'visitor-*' | wc -l)" $((many + 1))
        by_hand carry --json
        ok "$way: the next batch makes both the same" same
done
done_testing
