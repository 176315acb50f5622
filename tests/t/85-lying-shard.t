#!/bin/bash
# 85-lying-shard.t - an analysis server that lies: what it answers with is believed or the server is left out by name, and
# the figures of the others stay what they are; nothing of it moves a terminal, and nobody waits for it.
. "$(dirname "$0")/lib.sh"
need jq perl
# Answers each statement but that for its version with the bytes of a file; "slow" in the place of bytes: a byte a second.
cat >"$tmp/server" <<'END'
use IO::Socket::INET;
$SIG{PIPE} = 'IGNORE';
my ($answer, $ready) = @ARGV;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 5, ReuseAddr => 1) or die;
open my $out, '>', "$ready.tmp"; print $out $server->sockport; close $out; rename "$ready.tmp", $ready;
while (my $client = $server->accept) {
        my ($length, $sql) = (0, '');
        while (defined(my $line = <$client>)) { $length = $1 if $line =~ /^Content-Length: (\d+)/i; last if $line =~ /^\r?$/ }
        read $client, $sql, $length;
        open my $in, '<', $answer; local $/; my $body = <$in>;
        my $status = $body =~ s/^STATUS (\d+ .*?)\n//s ? $1 : '200 OK';
        ($body, $status) = (pack('Q<', 3), '200 OK') if $sql =~ /max\(version\)/;
        if ($body eq 'slow') {
                print $client "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"; $client->flush;
                for (1 .. 20) { print $client 'x' or last; $client->flush or last; sleep 1 }
        } else {
                print $client "HTTP/1.1 $status\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n", $body;
        }
        close $client;
}
END
for name in honest liar; do
        : >"$tmp/$name"
        perl "$tmp/server" "$tmp/$name" "$tmp/$name.port" &
        cleanup_process "$!"
        wait_for 10 test -e "$tmp/$name.port" || bail_out 'no server'
done
{
        sed '/^# -* access analysis/,$d' "$source_folder/data/site.conf"
        echo "analyze { clickhouse { database = portal unproven = take_part deadline = $((2 * ${TEST_PATIENCE:-1}))s"
        for name in honest liar; do echo "shard \"$name\" { url = \"http://127.0.0.1:$(cat "$tmp/$name.port")/\" }"; done
        echo '} }'
} >"$tmp/site.conf"
query=(analyze query --config "$tmp/site.conf")
# says NAME PERL: this is what it answers with. row(NAME, START, HITS, VISITORS, BYTES, FIRST, LAST); text(BYTES)
says()
{
        perl -e 'no warnings;
                sub text { pack("C", length $_[0]) . $_[0] }
                sub row { my ($name, $start, $hits, $visitors, $bytes, $first, $last) = @_;
                          text($name) . pack("Q<6S<2", $start, $hits, $visitors, $bytes, 0, 0, $first, $last) }
                print eval $ARGV[0];' "$2" >"$tmp/$1"
}
# left_out NAME: the liar alone is named, and the figures are those of the other.
left_out()
{
        us "${query[@]}" --json "${@:2}"
        is "$1" "$(jq -c '[.servers.asked, .servers.answered, .servers.silent[0].shard, .rows[0].hits]' "$tmp/stdout")" '[2,1,"liar",7]'
}
says honest 'row("", 0, 7, 5, 70, 20000, 20000)'
says liar 'row("", 0, 4, 3, 40, 20000, 20000)'
us "${query[@]}" --json
is 'two that tell what can be' "$(jq -c '.rows[0] | [.hits, .visitors]' "$tmp/stdout")" '[11,8]'
says liar 'row("", 0, ~0 - 6, 3, 40, 20000, 20000)'
left_out 'hits that would take away those of another'
says liar 'row("", 0, 4, 3, ~0, 20000, 20000)'
left_out 'more bytes than there can be'
says liar 'join "", map { row($_, 0, 1 << 57, 1, 1, 20000, 20000) } 1 .. 5'
left_out 'more hits than there can be, in many rows'
says liar 'row("", 0, 4, 3, 40, 20000, 1)'
left_out 'days that end before they begin'
says honest 'row("", 20000, 7, 5, 70, 20000, 20000)'
says liar 'row("", 60000, 4, 3, 40, 20000, 20000)'
left_out 'a day that is not one of its days' --by day
says honest 'row("", 657, 7, 5, 70, 20000, 20000)'
says liar 'row("", 20000, 4, 3, 40, 0, 65535)'
left_out 'a month of the year 3636' --by month
says honest 'row("/a", 0, 7, 5, 70, 20000, 20000)'
says liar '"\xff" x 9 . "\x01" . "x" x 100'
left_out 'a name of 2^64 bytes' --by page
says liar '"STATUS 302 Found\r\nLocation: http://127.0.0.1:1/\n"'
left_out 'one that sends us elsewhere' --by page
says liar '"slow"'
begin=$SECONDS
left_out 'one that answers a byte a second' --by page
ok 'is not waited for' test $((SECONDS - begin)) -lt $((15 * ${TEST_PATIENCE:-1}))

# ---------------------------------------------------------------- what a terminal would obey
says liar '"STATUS 500 Error\nCode: 241. \e]0;owned\a\e[2J%s%n \xe2\x80\xae rest"'
us "${query[@]}" --by page
like 'its words are told' "$(output)$(errors)" 'Code: 241\. \\033\]0;owned\\007\\033\[2J%s%n \\342\\200\\256 rest'
not_ok 'as they are to no terminal' grep -qP '\e|\a|\xe2\x80\xae' "$tmp/stdout" "$tmp/stderr"
says liar 'row("/\e[2J\xe2\x80\xae", 0, 4, 3, 40, 20000, 20000)'
us "${query[@]}" --by page
like 'so are names' "$(output)" '/\\033\[2J\\342\\200\\256'

# ---------------------------------------------------------------- other questions
says honest 'pack "Q<3", 0, 1500, 10'
says liar 'pack "Q<3", 0, 100, ~0 - 9'
us "${query[@]}" --vitals --json
is 'measurements that are fewer than none' "$(jq -c '[.servers.answered, .web_vitals.lcp_ms.views]' "$tmp/stdout")" '[1,10]'
says liar 'pack "Q<3", 0, ~0, 1'
us "${query[@]}" --vitals --json
is 'a page that took an age' "$(jq -c '[.servers.answered, .web_vitals.lcp_ms.views]' "$tmp/stdout")" '[1,10]'
says honest 'pack "Q<4", 9, 8, 4, 4'
says liar 'pack "Q<4", ~0 - 8, 0, ~0 - 3, 0'
us "${query[@]}" --funnel a,b --json
is 'steps that nobody went' "$(jq -c '[.servers.answered, (.funnel[] | .visitors)]' "$tmp/stdout")" '[1,9,4]'
says honest 'pack("Q<3", 1.7e12, 1.7e12, 3) . text("shop.example") . text("an1") . text("/understudy/a.js")'
says liar 'pack("Q<3", ~0, ~0, 3) . text("evil.example") . text("an2") . text("/understudy/a.js")'
us analyze embedders --config "$tmp/site.conf" --json
is 'fetches at the end of time' "$(jq -c '[.servers.answered, [.embedders[] | .host]]' "$tmp/stdout")" '[1,["shop.example"]]'
done_testing
