# shellcheck shell=bash
# established.sh - connections that stand while a site moves (established.pl), and moves that are made meanwhile. Sourced behind
# failover.sh, for a site of its making.
#
#     big_file 16                      megabytes, in the site that will be published; $big_digest
#     established 10 25                downloads and kept connections, at $visited if it is set; returns when they stand
#     move_begins switch standby       in the background; move_killed_at STEP, or move_ends: $moved is its status
#     established_end                  they come to their end; what came of them is in $tmp/established
#     came_of new 3                    the third word of that line

big_file()
{
        mkdir -p "$tmp/src/files" && head -c "$1M" /dev/urandom >"$tmp/src/files/archive.bin" || return
        big_digest=$(sha256sum "$tmp/src/files/archive.bin" | cut -d' ' -f1)
}

# drain TIME: how long a server is drained at most.
drain() { sed -i "s/drain = [0-9a-z]*/drain = $1/" "$tmp"/*.conf; }

established()
{
        rm -f "$tmp/stop" "$tmp/established"
        "$source_folder/lab/established.pl" "${visited:-$service}" /css/site.css /files/archive.bin "$1" "$2" "$tmp/stop" >"$tmp/established" 2>&1 &
        visitors=$!
        wait_for 20 grep -q begun "$tmp/established"
}
established_end()
{
        : >"$tmp/stop"
        wait "$visitors"
}
came_of() { awk -v what="$1" -v field="$2" '$1 == what { print $field }' "$tmp/established"; }

# (The words of the move before are gone before anybody looks: the background may be late with it.)
move_begins()
{
        : >"$tmp/move.log"
        nsenter --net=/run/netns/database "$UNDERSTUDY" "$@" -v --config "$tmp/site.conf" --state "$tmp/controller" >>"$tmp/move.log" 2>&1 </dev/null &
        move=$!
}
move_ends()
{
        wait "$move"
        moved=$?
}
# As soon as it says that the step begins.
move_killed_at()
{
        perl -e 'my ($log, $step, $pid) = @ARGV; my $end = time + 30;
                while (time < $end) {
                        open(my $in, "<", $log) or next;
                        if (grep { /s  \Q$step\E \.\.\.$/ } <$in>) { kill "KILL", $pid; exit 0 }
                }
                exit 1' "$tmp/move.log" "$1" "$move"
        local r=$?
        wait "$move" 2>/dev/null
        [[ $r -eq 0 ]] || diag "the move to be killed at $1 said: $(cat "$tmp/move.log")"
        return "$r"
}

# move_lost_nothing WORDS DOWNLOADS: the move that was begun ends, none of the visitors that were begun noticed it, and nothing of it is
# left (no_traces WORDS is the test's).
move_lost_nothing()
{
        established_end
        move_ends
        is "$1: it is done" "$moved" 0
        [[ $moved -eq 0 ]] || diag "$(cat "$tmp/move.log")"
        diag "$1: $(tr '\n' ';' <"$tmp/established")"
        is "$1: no new request failed" "$(came_of new 3)" 0
        is "$1: no kept connection broke" "$(came_of kept 3)" 0
        is "$1: every download is whole, to the byte" "$(grep ^download "$tmp/established")" "download $2 $big_digest $2"
        ok "$1: new visitors were served by both in turn" test "$(grep -c ^served "$tmp/established")" -eq 2
        no_traces "$1"
}
