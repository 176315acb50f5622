#!/bin/bash
# 101-incident-2009.t - July 2009, from the facts that were published: a page that was planted earlier on the stand-by,
# served there for a day, found only afterwards; combined logs, last-login times from the database, and nothing else.
. "$(dirname "$0")/lib.sh"
need jq perl
state=$tmp/state
incident() { us incident "$@" --state "$state"; }

# Times in seconds of 5 July 2009, 00:00 UTC; the stand-by is on stage from 24:00 (6 July, 9:00 in Japan) to 38:00.
# Of 4,000 customers 230 log in anew there, 93 of them with the browser that could be harmed; some come again at night,
# to production, and the database has only that login then. Others are logged in already, or look at the page and go.
perl - "$tmp" <<'END'
use strict; use warnings; use POSIX 'strftime';
my ($folder) = @ARGV;
srand 20090706;
my $zero = 1246752000;
my ($begin, $end, $dump) = (24 * 3600, 38 * 3600, 48 * 3600);
my @agents = ('Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1)', 'Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.0)',
              'Mozilla/5.0 (Windows; U; Windows NT 5.1; ja; rv:1.9.1) Gecko/20090624 Firefox/3.5',
              'Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10_5_7; ja-jp) Version/4.0.1 Safari/530.18');
my (%lines, %last, %truth);
sub address { my $n = shift; sprintf '198.51.%d.%d', 100 + $n / 250, 1 + $n % 250 }
sub line {
    my ($server, $at, $who, $agent, $request, $status, $bytes) = @_;
    push @{$lines{$server}}, [$at, sprintf(qq{%s - - [%s +0000] "%s HTTP/1.1" %d %d "-" "%s"\n}, address($who),
        strftime('%d/%b/%Y:%H:%M:%S', gmtime $zero + $at), $request, $status, $bytes, $agent)];
}
sub log_in {
    my ($server, $at, $who, $agent) = @_;
    line($server, $at, $who, $agent, 'GET /login', 200, $server eq 'standby' ? 6120 : 5874);
    line($server, $at + 20, $who, $agent, 'POST /login', 302, 0);
    $last{$who} = $at + 20 if !defined $last{$who} || $last{$who} < $at + 20;
}
for my $who (0 .. 3999) {
    my $agent = $agents[rand 100 < 60 ? rand 2 : 2 + rand 2];
    $last{$who} = -86400 * (1 + int rand 400); # some time before
    log_in('production', int rand $begin - 60, $who, $agent) if $who >= 1000 && $who < 1300;
    if ($who < 230) {
        $agent = $agents[$who < 93 ? rand 2 : 2 + rand 2];
        log_in('standby', $begin + 60 + int rand($end - $begin - 200), $who, $agent);
        $truth{$who} = 1 if $who < 93;
        log_in('production', $end + 120 + int rand($dump - $end - 300), $who, $agent) if $who % 20 == 0;
    }
    line('standby', $begin + 60 + int rand($end - $begin - 200), $who, $agent, 'GET /login', 200, 6120)
        if $who >= 230 && $who < 250; # looks, and goes
    for (1 .. 12) { # logged in already
        my $at = int rand $dump;
        line($at >= $begin && $at < $end ? 'standby' : 'production', $at, $who, $agent, 'GET /domains/list', 200, 9120);
    }
}
for my $server (keys %lines) {
    open my $out, '>', "$folder/$server.log" or die;
    print $out map { $_->[1] } sort { $a->[0] <=> $b->[0] } @{$lines{$server}};
}
open my $out, '>', "$folder/last.csv" or die;
print $out "account,time\n", map { "customer$_," . strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $zero + $last{$_}) . "\n" } sort keys %last;
open my $who, '>', "$folder/truth" or die;
print $who map { "customer$_\n" } sort keys %truth;
END

status_is 0 'the incident is opened from what is known' us incident open --state "$state" \
        --title 'A tampered login page was served' --server standby --path /login \
        --from 2009-07-06T00:00:00Z --to 2009-07-06T14:00:00Z --size 6120 --genuine-size 5874 --unwatched \
        --login-path /login --susceptible agent=MSIE,fresh,logged-out
incident set 1 'database=The database was not accessed: neither the packet filter nor the acceptance settings let the stand-by in, and its log shows no connection. http://malware.example/x is not reachable from there.' \
        'cause=Uploaded by hand to the stand-by, some time before; the copy from production overwrote only what was older.' --approve 'an operator'
status_is 0 'facts are entered' true
incident aware 1 --at 2009-07-07T03:00:00Z --json
is 'the time is set from which deadlines run' "$(jq -r .aware "$tmp/stdout")" 2009-07-07T03:00:00Z
status_is 1 'the logs and the last logins are looked through' us incident exposure 1 --state "$state" \
        --log production="$tmp/production.log" --log standby="$tmp/standby.log" --last-logins "$tmp/last.csv" \
        --clock production=0~2 --clock standby=0~2 --clock logins=0~2 --list --json
cp "$tmp/stdout" "$tmp/result.json"
jq -r '.list[] | select(.susceptible) | .account' "$tmp/result.json" | sort >"$tmp/susceptible"
jq -r '.list[].account' "$tmp/result.json" | sort >"$tmp/listed"
diag "$(jq -c '[.accounts, .susceptible, .unattributed, .upper_bound, .gaps]' "$tmp/result.json")"
is 'none who was truly exposed is missing' "$(comm -23 "$tmp/truth" "$tmp/listed")" ''
count=$(wc -l <"$tmp/susceptible")
ok "about ninety accounts could have been harmed ($count)" test "$count" -ge 85 -a "$count" -le 100
ok 'most of them are those who were' test "$(comm -12 "$tmp/truth" "$tmp/susceptible" | wc -l)" -ge 85
is 'combined logs confirm nobody' "$(jq .accounts.confirmed "$tmp/result.json")" 0
ok 'it is far from everybody' test "$(wc -l <"$tmp/listed")" -lt 400
is 'there is no gap' "$(jq .everybody_possible "$tmp/result.json")" false

# The report.
incident report 1 --form public --format md --lang en
report=$(output)
like 'the report has the window' "$report" 'from 2009-07-06T00:00:00Z to 2009-07-06T14:00:00Z'
like 'and the sentence on the database' "$report" 'The database was not accessed'
like 'and how many could be harmed' "$report" "$count accounts met the condition"
like 'addresses that do harm are defanged' "$report" 'hxxp://malware'
unlike 'everywhere' "$report" 'http://malware'
unlike 'no account is in it' "$report" 'customer[0-9]'
like 'what nobody entered is under investigation' "$report" 'Under investigation'
incident report 1 --form regulator --format json
is 'the regulator gets the nine items and the four letters' \
        "$(jq -r '[.sections[].key | select(startswith("appi_") or startswith("gdpr_"))] | length' "$tmp/stdout")" 13
like 'with deadlines' "$(output)" '72 hours.*2009-07-10T03:00:00Z'
incident report 1 --form technical --format html
like 'the technical form refers to rows' "$(output)" '\(fact [0-9]+\)'
like 'and lists the evidence' "$(output)" 'last.csv'
incident report 1 --form technical --format json
is 'each is a new revision' "$(jq .revision "$tmp/stdout")" 2

# The condition of an analyst, signed.
printf 'agent=MSIE,fresh,logged-out\n' >"$tmp/condition"
us keygen "$tmp/analyst" --no-password
us keygen "$tmp/stranger" --no-password
status_is 2 'a condition from a file needs a key' us incident exposure 1 --state "$state" --susceptible-from "$tmp/condition"
status_is 3 'and a signature' us incident exposure 1 --state "$state" --susceptible-from "$tmp/condition" --pub "$tmp/analyst/release.pub"
if command -v minisign >/dev/null; then
        minisign -S -W -s "$tmp/analyst/release.key" -m "$tmp/condition" >"$tmp/minisign" 2>&1 </dev/null
        status_is 3 'of that key' us incident exposure 1 --state "$state" --susceptible-from "$tmp/condition" --pub "$tmp/stranger/release.pub"
        status_is 1 'signed' us incident exposure 1 --state "$state" --susceptible-from "$tmp/condition" --pub "$tmp/analyst/release.pub" --json
        json_is 'the same accounts, and whose word it is' '"\(.susceptible.accounts) \(.susceptible.by | test("^key [0-9A-F]{16}$"))"' "$count true"
        incident report 1 --form technical --format md --lang en
        like 'which the technical report tells' "$(output)" 'The condition was signed with the key [0-9A-F]{16}'
        echo 'agent=Firefox' >"$tmp/condition"
        status_is 3 'another condition under that signature' us incident exposure 1 --state "$state" --susceptible-from "$tmp/condition" --pub "$tmp/analyst/release.pub"
fi
us journal show --state "$state" --json --kind incident_fact
ok 'what was entered at open is in the journal' jq -se 'map(select(.key == "susceptible")) | length > 0' "$tmp/stdout" >"$tmp/jq"

status_is 4 'it cannot be closed yet' us incident close 1 --state "$state" --approve 'an operator'
like 'and says why' "$(errors)" 'told.*credentials.*others.*measures'
incident set 1 told='A notice and mail' credentials='Changed on 7 July' others='The database host was looked at' measures='Content decides'
status_is 0 'then it is closed' us incident close 1 --state "$state" --approve 'an operator'
ok 'the journal has it all' test "$(us journal show --state "$state" --json; jq -r .kind "$tmp/stdout" | grep -c '^incident_')" -ge 10
done_testing
