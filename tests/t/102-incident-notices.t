#!/bin/bash
# 102-incident-notices.t - who sees a notice at the next login: by the window, in the account's language, until it is
# acknowledged; hostile names; a killed service; a login page that asks nobody.
. "$(dirname "$0")/lib.sh"
need jq perl
state=$tmp/state
socket=$tmp/notices
incident() { us incident "$@" --state "$state"; }

cat >"$tmp/logins.csv" <<'END'
time,account
2009-07-06T10:00:00Z,taro@example.org
2009-07-06T11:00:00Z,"jiro <b>&""x"""
2009-07-05T11:00:00Z,early
2009-07-08T11:00:00Z,late
2009-07-06T11:30:00Z,"new
line"
END
printf '192.0.2.1 - - [06/Jul/2009:09:30:00 +0000] "GET / HTTP/1.1" 200 10 "-" "x"\n' >"$tmp/log"
incident open --server web2 --path /login --from 2009-07-06T09:00:00Z --to 2009-07-06T20:00:00Z
incident exposure 1 --log web2="$tmp/log" --logins "$tmp/logins.csv" --clock logins=0~5
status_is 2 'no notice without words' us incident notices 1 --state "$state" --approve 'an operator'
incident set 1 notice_en='Please check your computer <now>.' notice_ja='パソコンをご確認ください。'
incident notices 1 --json
is 'nobody has one before a person approves' "$(jq .notices "$tmp/stdout")" 0
incident notices 1 --approve 'an operator' --json
is 'all who newly logged in within the window' "$(jq .notices "$tmp/stdout")" 3
incident notices 1 --approve 'an operator' --json
is 'once each' "$(jq .notices "$tmp/stdout")" 3

start()
{
        : >"$tmp/ready"
        "$UNDERSTUDY" incident serve --socket "$socket" --state "$state" >"$tmp/ready" 2>"$tmp/serve.err" &
        service=$!
        cleanup_process "$service"
        ok 'the service is ready' wait_for 20 grep -q ready "$tmp/ready"
}
# ask LINE...: each on one connection, the answers in $answer.
ask()
{
        answer=$(timeout 20 perl -MIO::Socket::UNIX -e '
                my $s = IO::Socket::UNIX->new(Peer => shift) or die "no service\n";
                for (@ARGV) { print $s "$_\n"; $s->flush; my $a = <$s>; print defined $a ? $a : "closed\n" }' "$socket" "$@" 2>&1)
}
start
is 'only its group may ask' "$(stat -c %a "$socket")" 660
ask 'notice taro%40example.org' 'notice early' 'notice late' 'notice nobody' 'notice taro%40example.or' 'notice taro%40example.orgx'
is 'who has one is told so, in both languages' "$(head -n 1 <<<"$answer" | jq -r '.notice | [.incident, .en, .ja] | join("|")')" \
        '1|Please check your computer <now>.|パソコンをご確認ください。'
is 'nobody else is' "$(tail -n +2 <<<"$answer" | sort -u)" '{"notice":null}'
ask 'notice jiro%20%3Cb%3E%26%22x%22' 'notice new%0Aline'
is 'whatever the name is' "$(jq -c .notice.incident <<<"$answer" | tr '\n' ' ')" '1 1 '
incident set 1 notice_en='Other words.'
sleep 0.5
ask 'notice jiro%20%3Cb%3E%26%22x%22'
is 'words that were changed are told at once' "$(jq -r .notice.en <<<"$answer")" 'Other words.'
incident set 1 notice_en='Please check your computer <now>.'
ask 'notice' 'notice a b' 'notice %zz' 'notice %' 'x' '' "notice new
line"
is 'what is no question is told so' "$(grep -c error <<<"$answer")" 6
ask "notice $(printf 'a%.0s' {1..5000})"
is 'a line without end is closed' "$answer" closed
ask 'acknowledge taro%40example.org' 'notice taro%40example.org' 'acknowledge taro%40example.org' 'acknowledge early'
is 'acknowledged, it is shown no more' "$(tr -d '\n' <<<"$answer")" '{"acknowledged":1}{"notice":null}{"acknowledged":0}{"acknowledged":0}'
kill -9 "$service"
wait "$service" 2>/dev/null
ask 'notice taro%40example.org'
like 'without the service nobody answers' "$answer" 'no service'
start
ask 'notice taro%40example.org' 'notice new%0Aline'
is 'after a kill it is as it was' "$(jq -c .notice.incident <<<"$answer" | tr '\n' ' ')" 'null 1 '
status_is 3 'a second one is refused' us incident serve --socket "$socket" --state "$state"
incident notices 1 --json
is 'shown and acknowledged are counted' "$(jq -c '[.shown, .acknowledged]' "$tmp/stdout")" '[3,1]'
if command -v php >/dev/null; then
        php_says() { php -r "require '$source_folder/data/notice.php'; $1"; }
        is 'from PHP' "$(php_says "echo understudy_notice(\"new\\nline\", '$socket')['incident'];")" 1
        is 'acknowledged from PHP' "$(php_says "echo (int)understudy_acknowledge(\"new\\nline\", '$socket');")" 1
fi
held=$(timeout 30 perl -MIO::Socket::UNIX -e '
        my ($path, @held) = shift;
        for (1 .. 600) { my $s = IO::Socket::UNIX->new(Peer => $path) or last; push @held, $s }
        my $s = IO::Socket::UNIX->new(Peer => $path) or die; print $s "notice nobody\n"; $s->flush; my $a = <$s>;
        print scalar @held, " ", defined $a ? $a : "closed"' "$socket")
is 'six hundred who connect and say nothing hold nobody up' "$held" '600 {"notice":null}'
rate=$(timeout 60 perl -MIO::Socket::UNIX -MTime::HiRes=time -e '
        my $s = IO::Socket::UNIX->new(Peer => shift) or die; my ($n, $t) = (20000, time);
        if (fork) { my $got = 0; while ($got < $n && defined <$s>) { $got++ } printf "%d %d\n", $got, $got / (time - $t) }
        else { print $s "notice user$_\n" for 1 .. $n; $s->flush; exit }' "$socket")
diag "answers, and how many a second: $rate"
is 'questions sent at once are all answered' "${rate% *}" 20000
ok 'at least fifty thousand a second' test "${rate#* }" -ge 50000
kill "$service"
wait "$service"
is 'it ends when it is told to' $? 0
not_ok 'and takes its socket away' test -e "$socket"
ok 'what was shown is in the journal' test "$(us journal show --state "$state" --kind incident_notice_shown --json; wc -l <"$tmp/stdout")" -ge 3
incident forget 1 --approve 'an operator'
incident notices 1 --json
is 'forgotten' "$(jq .notices "$tmp/stdout")" 0
not_ok 'no account is left' grep -qa taro "$state/incident/casebook.db"
not_ok 'no account is' grep -rqa taro "$state/journal"
done_testing
