#!/bin/bash
# A witness over HTTP: another server of the site that keeps and cosigns checkpoints, and others that are slow, broken or
# hostile.
. "$(dirname "$0")/lib.sh"
need jq curl openssl perl

journal=$state/journal
writer=$build_folder/tests/support/journal_writer
mkdir -p "$state"
"$writer" "$journal" 3 >/dev/null
origin=$(head -n 1 "$journal/checkpoint")
log=${origin//\//_}

# ---------------------------------------------------------------- a witness of our own

mkdir "$tmp/witness"
serve()
{
        "$UNDERSTUDY" journal witness --folder "$tmp/witness" --listen "$1" "${@:2}" >"$tmp/witness.out" 2>"$tmp/witness.err" &
        server=$!
        cleanup_process "$server"
        wait_for 10 grep -q '^ready' "$tmp/witness.out" || bail_out "the witness does not start: $(cat "$tmp/witness.err")"
}
# stopped: the witness ends by itself when it is asked to, in 0.
stopped() { kill "$server" && wait "$server"; }

port=$((20000 + $$ % 20000))
address=http://127.0.0.1:$port
serve "127.0.0.1:$port"
key=$(head -n 1 "$tmp/witness.out")
is 'the key that it says is in its folder' "$key" "$(cat "$tmp/witness/witness.pub")"
is 'its secret is its own' "$(stat -c %a "$tmp/witness/witness.key")" 600
echo "$address $key" >"$journal/witnesses"
status_is 3 'a journal that it was not told of' us journal tell
like 'is said' "$(errors)" 'does not know this journal'
ok 'it ends when asked to' stopped
serve "127.0.0.1:$port" --pub "$journal/node.pub"
is 'its key stays' "$(head -n 1 "$tmp/witness.out")" "$key"

status_is 0 'telling it' us journal tell
cmp -s <(head -n 5 "$journal/cosigned") "$journal/checkpoint" && pass 'the cosigned checkpoint is the newest' || fail 'the cosigned checkpoint is the newest'
is 'two have signed it' "$(grep -c '^— ' "$journal/cosigned")" 2
ok 'the witness keeps the same' cmp "$journal/cosigned" "$tmp/witness/$log/latest"
status_is 0 'and again' us journal tell

# What was signed, by a program that knows nothing of us: cosignature/v1 of C2SP.
signature=$(sed -n 's/^— [^ ]*understudy-witness[^ ]* //p' "$journal/cosigned" | base64 -d | od -An -v -tx1 | tr -d ' \n')
time=$((16#${signature:8:16}))
bytes() { sed 's/../\\x&/g' | { read -r hex && printf "$hex"; }; }
{ printf 302a300506032b6570032100 && base64 -d <<<"${key#*+*+}" | tail -c 32 | od -An -v -tx1 | tr -d ' \n' && echo; } | bytes >"$tmp/key.der"
echo "${signature:24}" | bytes >"$tmp/signature"
{ printf 'cosignature/v1\ntime %s\n' "$time" && head -n 3 "$journal/checkpoint"; } >"$tmp/message"
ok 'openssl agrees with the cosignature' openssl pkeyutl -verify -rawin -out /dev/null -pubin -keyform DER -inkey "$tmp/key.der" -sigfile "$tmp/signature" -in "$tmp/message"
ok 'its time is now' test "$((time - $(date +%s)))" -le 0 -a "$(($(date +%s) - time))" -le 600

# More records, across a tile.
"$writer" "$journal" 300 batch >/dev/null
status_is 0 'a log that has grown' us journal tell
ok 'is cosigned' cmp "$journal/cosigned" "$tmp/witness/$log/latest"
cp -a "$journal" "$tmp/before"

# ---------------------------------------------------------------- what it answers to whom

post() { curl -s -o "$tmp/answer" -w '%{http_code} %{content_type}' --data-binary @- "$address/add-checkpoint"; }
size=$(sed -n 2p "$journal/checkpoint")
is 'an old size that is not what it has seen' "$({ printf 'old 1\n\n' && cat "$journal/checkpoint"; } | post)" '409 text/x.tlog.size'
is 'it says what it has seen' "$(cat "$tmp/answer")" "$size"
is 'an old size beyond the checkpoint' "$({ printf 'old 9999\n\n' && cat "$journal/checkpoint"; } | post)" '400 text/plain; charset=utf-8'
is 'no request' "$(echo nonsense | post)" '400 text/plain; charset=utf-8'
is 'no checkpoint' "$(printf 'old 0\n\nnonsense\n' | post)" '400 text/plain; charset=utf-8'
is 'a changed checkpoint' "$({ printf 'old 0\n\n' && sed '2s/.*/7/' "$journal/checkpoint"; } | post)" '403 text/plain; charset=utf-8'
is 'an unknown log' "$({ printf 'old 0\n\n' && sed '1s/.*/elsewhere/' "$journal/checkpoint"; } | post)" '404 text/plain; charset=utf-8'
is 'a name that leads out' "$({ printf 'old 0\n\n' && sed '1s,.*,../../etc,' "$journal/checkpoint"; } | post)" '404 text/plain; charset=utf-8'
is 'a body without end' "$(head -c 1000000 /dev/zero | post)" '413 text/plain; charset=utf-8'
is 'another method' "$(curl -s -o /dev/null -w '%{http_code}' "$address/add-checkpoint")" 405
is 'another path' "$(curl -s -o /dev/null -w '%{http_code}' -d x "$address/elsewhere")" 404
is 'headers without end' "$(curl -s -o /dev/null -w '%{http_code}' -H "X: $(head -c 60000 /dev/zero | tr '\0' x)" -d x "$address/add-checkpoint")" 431

# A hundred that say nothing hold nobody else up for long, and it lives.
perl -MIO::Socket::INET -e 'push @s, IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 2) for 1..100;
        print {$_} "POST /add-checkpoint HTTP/1.1\r\nContent-Le" for grep { $_ } @s; sleep 60' "$port" &
silent=$!
cleanup_process "$silent"
sleep 0.5
kill "$silent"
wait "$silent" 2>/dev/null
status_is 0 'it lives after a hundred connections that said nothing' us journal tell

# What speaks HTTP has no rights.
http=$(pgrep -P "$server")
like 'the process that speaks HTTP is confined' "$(cat "/proc/$http/status")" 'Seccomp:[[:space:]]2'
if [[ $EUID -eq 0 ]]; then unlike 'and not root' "$(grep '^Uid:' "/proc/$http/status")" '[[:space:]]0[[:space:]]'; fi

# ---------------------------------------------------------------- a journal that was tampered with

restore() { rm -rf "$journal" && cp -a "$tmp/before" "$journal"; }
# forged COUNT: root signs another history with the same key.
forged()
{
        rm -rf "$journal/tile" "$journal/checkpoint" "$journal/cosigned"
        "$writer" "$journal" "$1" batch >/dev/null
        us journal tell
}
forged 10
is 'a journal that was cut is refused' "$status" 4
like 'and it is said' "$(errors)" 'was cut'
forged "$size"
is 'one that was forked is refused' "$status" 4
like 'and it is said' "$(errors)" 'forked'
ok 'the witness keeps the proof of it' cmp "$journal/checkpoint" "$tmp/witness/$log/refused"
forged 400
is 'one that was rewritten is refused' "$status" 4
like 'and it is said' "$(errors)" 'rewritten'
rm -f "$journal"/{cosigned,checkpoint,node.key,node.pub} && rm -rf "$journal/tile" && "$writer" "$journal" 1 >/dev/null
status_is 3 'another journal is not known' us journal tell
restore
status_is 0 'the true one still is' us journal tell
us journal verify --pub "$journal/node.pub" --checkpoint "$tmp/witness/$log/latest" --json
json_is 'what the witness holds verifies the journal' '[.fault, .agree]' '["whole",1]'
us journal verify --pub "$journal/node.pub" --checkpoint "$journal/cosigned" --json
json_is 'and so does the cosigned one' '[.fault, .agree]' '["whole",1]'

stopped
serve "unix:$tmp/witness.socket"
is 'on a Unix socket' "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$tmp/witness.socket" -d x http://witness/prefix/add-checkpoint)" 400
kill -9 "$server"
wait "$server" 2>/dev/null
serve "unix:$tmp/witness.socket"
pass 'a socket that was left behind is no hindrance'
stopped
status_is 2 'nothing to listen on' us journal witness --folder "$tmp/witness" --listen nowhere
status_is 3 'no folder' us journal witness --folder "$tmp/none" --listen "127.0.0.1:$port"

# ---------------------------------------------------------------- witnesses that are slow, broken or hostile

cat >"$tmp/hostile.pl" <<'PERL'
use IO::Socket::INET;
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 0, Listen => 16) or die;
$| = 1;
print $server->sockport, "\n";
while (1) {
        my $client = $server->accept or next;
        next if fork;
        my $request = "";
        while ($request !~ /\r\n\r\n/) { sysread $client, $request, 4096, length $request or exit }
        my ($mode) = $request =~ m,^POST /([a-z]+)/add-checkpoint,;
        my $say = sub { print {$client} "HTTP/1.1 $_[0]\r\nConnection: close\r\n\r\n$_[1]" };
        if ($mode eq "endless") { &$say("200 OK", ""); 1 while print {$client} "x" x 65536 }
        elsif ($mode eq "headers") { print {$client} "HTTP/1.1 200 OK\r\n"; 1 while print {$client} "X: " . "x" x 1000 . "\r\n" }
        elsif ($mode eq "nothing") { sleep 100 }
        elsif ($mode eq "drip") { print {$client} "HTTP/1.1 200 OK\r\n\r\n"; while (print {$client} "x") { $client->flush; sleep 1 } }
        elsif ($mode eq "garbage") { &$say("200 OK", "\xe2\x80\x94 \0\e[31m nonsense\n") }
        elsif ($mode eq "empty") { &$say("200 OK", "") }
        elsif ($mode eq "stranger") { &$say("200 OK", "\xe2\x80\x94 somebody/else AAAAAAEBAgMEBQY=\n") }
        elsif ($mode eq "size") { &$say("409 Conflict", "-1\n") }
        elsif ($mode eq "same") { &$say("409 Conflict", "0\n") }
        elsif ($mode eq "larger") { &$say("409 Conflict", "9223372036854775807\n") }
        elsif ($mode eq "turns") { &$say("409 Conflict", 1 + int(rand(200)) . "\n") }
        elsif ($mode eq "redirect") { print {$client} "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" }
        elsif ($mode eq "error") { &$say("500 Internal Server Error", "\e[31m") }
        exit;
}
PERL
perl "$tmp/hostile.pl" >"$tmp/hostile.port" &
cleanup_process $!
wait_for 10 test -s "$tmp/hostile.port"
hostile=http://127.0.0.1:$(cat "$tmp/hostile.port")
# answers MODE STATUS WORDS: what telling it ends with, and says; nothing of it is kept.
answers()
{
        echo "$hostile/$1 $key" >"$journal/witnesses"
        rm -f "$journal/cosigned"
        status_is "$2" "a witness: $1" us journal tell
        like "$1: it is said" "$(errors)" "$3"
        unlike "$1: and nothing of it writes to the terminal" "$(errors)" $'\e'
        not_ok "$1: nothing is kept" test -e "$journal/cosigned"
}
answers endless 3 'no end'
answers headers 3 'no end'
answers garbage 3 'not a signed note'
answers empty 3 'not a signed note'
answers stranger 3 'not signed by the key'
answers size 3 'does not say what it has seen'
answers same 4 'forked'
answers larger 4 'was cut'
answers turns 3 'somebody else'
answers redirect 3 '302'
answers error 3 '500'

# Two that hang, beside one that does not.
mkdir "$tmp/folder"
printf '%s\n' "$hostile/nothing" "$hostile/drip $key" "$tmp/folder" '# and a share that is not mounted' "$tmp/unmounted" >"$journal/witnesses"
start=$(date +%s%3N)
status_is 3 'witnesses that hang are given up' us journal tell
ok 'after a while' test "$(($(date +%s%3N) - start))" -lt 29000
ok 'the others were told' test -e "$tmp/folder/$log/latest"
# A writer with the same witnesses: its records are on the disk long before they have been given up.
"$writer" "$journal" 5 told "$UNDERSTUDY" >"$tmp/appended" 2>"$tmp/said" &
appending=$!
cleanup_process "$appending"
ok 'records wait for no witness' wait_for 9 eval '[[ $(wc -l <"$tmp/appended") -eq 5 ]]'
ok 'the writer ends well' wait "$appending"
like 'and says what became of its witnesses' "$(cat "$tmp/said")" 'timed out|not told within ten seconds'
echo nonsense >"$journal/witnesses"
status_is 3 'a list of witnesses that is none' us journal tell
done_testing
