#!/bin/bash
# 89-analyze-hostile.t - who fills the logs with what he makes up (virtual hosts, pages, events) takes nobody else's
# figures, does not stop the analysis, and what gave way is said.
. "$(dirname "$0")/lib.sh"
need jq sqlite3 perl
log=$tmp/access.log
store=$tmp/store.db
follow() { us analyze --follow "$log" --store "$store" --once "$@"; }
# hosts FIRST LAST: one request to each host of a made-up name.
hosts() { perl -e 'printf "h%d.example:443 203.0.113.7 - - [27/Nov/2026:00:00:01 +0000] \"GET /x HTTP/1.1\" 200 10 \"-\" \"Firefox\"\n", $_ for $ARGV[0]..$ARGV[1]' "$1" "$2" >>"$log"; }
real() { echo "$1"':443 203.0.113.8 - - [27/Nov/2026:00:00:02 +0000] "GET /real HTTP/1.1" 200 10 "-" "Firefox"' >>"$log"; }
hits_of() { us analyze query --store "$store" --where "host=$1" --json; jq -c '[.rows[].hits] | add' "$tmp/stdout" 2>/dev/null; }

# ---------------------------------------------------------------- virtual hosts
real www.first.example
follow
unlike 'nothing is told of one host' "$(errors)" 'virtual hosts'
hosts 1 3000
real www.late.example
real www.first.example
follow
is 'three thousand hosts are counted' "$status" 0
like 'that there are too many is told' "$(errors)" 'more than 1000 virtual hosts: .*--own'
is 'the one that was there before has its figures' "$(hits_of www.first.example)" 2

us analyze query --store "$store" --json
json_is 'no line is lost in the whole' '.rows[0].hits' 3003
hits_of www.late.example >/dev/null
is 'a host that came later has none' "$status" 3
before=$(sqlite3 "$store" 'SELECT count(*) FROM site')
hosts 5000 8000
real www.late.example
real www.first.example
follow
is 'a restart makes no room for made-up hosts' "$(sqlite3 "$store" 'SELECT count(*) FROM site')" "$before"
is 'the first goes on' "$(hits_of www.first.example)" 3
real www.late.example
follow --own www.late.example
is 'one that is named is counted from then on' "$(hits_of www.late.example)" 1

# ---------------------------------------------------------------- ids of names
rm -f "$store"* "$log"
real www.first.example
follow
sqlite3 "$store" "INSERT INTO name VALUES(67108863, 0, x'2f7a')" # as after a few weeks of made-up pages
hosts 1 3
real www.first.example
follow
is 'a store whose ids are used goes on' "$status" 0
us analyze query --store "$store" --json
json_is 'and counts' '.rows[0].hits' 5

# ---------------------------------------------------------------- a beacon's events and properties
rm -f "$store"* "$log"
perl -e 'for my $i (1..3000) {
        my $properties = join "&", map { "key$_=" . "v" x 600 . $i } 1..40;
        printf "{\"b\":1,\"ts\":\"1780000000.123\",\"ip\":\"203.0.113.7\",\"m\":\"POST\",\"origin\":\"https://a.example\",\"ref\":\"\",\"ua\":\"Firefox\",\"body\":\"e=e&u=https://a.example/%d&n=event%d&%s\"}\n", $i, $i, $i % 100 ? "pp=1" : $properties;
}' >"$log"
follow --names 100
is 'made-up events are counted' "$status" 0
us analyze query --store "$store" --source beacon --by event --top 0 --json
json_is 'all of them, most as (other)' '[.rows[].hits] | add' 3000
json_is 'in no more rows than there are to be' '.rows | length <= 201' true
json_is 'which are named as such' '[.rows[] | select(.event == "(other)") | .hits] | add > 2000' true
us analyze query --store "$store" --source beacon --by property --top 0 --json
json_is 'of one event no more than 16 properties, each cut' '[.rows[].property | length] | max <= 1100' true
us analyze query --store "$store" --source beacon --report --json
json_is 'and the report says that it is so' '[(.approximate[], (.beacon // {} | .approximate // [] | .[])) | .figure] | length > 0' true
for _ in {1..10000}; do echo '{"b":1,"ts":"1780000000.123","ip":"203.0.113.7","m":"POST","origin":"https://a.example","ref":"","ua":"Firefox","body":"e=v&u=https://a.example/same"}'; done >"$tmp/replay.log"
echo '{"b":1,"ts":"1780000000.123","ip":"203.0.113.7","m":"POST","origin":"https://evil.example","ref":"","ua":"Firefox","body":"e=v&u=https://a.example/forged"}' >>"$tmp/replay.log"
us analyze "$tmp/replay.log" --json
json_is 'ten thousand times the same body are one visitor in one visit' '[.visitors, .visits]' '[1,1]'
json_is 'a page of another origin is none' '[.pages[].path]' '["/same"]'
json_is 'and counted as what it is' '.invalid' 1

# ---------------------------------------------------------------- a database of countries that is written over
rm -f "$store"* "$log"
for i in {1..250}; do for k in {1..60}; do echo "$i.$k.0.0/16 X$((i % 10))"; done; done >"$tmp/networks"
perl "$tests_folder/../support/mmdb_writer.pl" "$tmp/networks" >"$tmp/countries.mmdb"
visit() { echo "$1"' - - [27/Nov/2026:00:00:02 +0000] "GET /real HTTP/1.1" 200 10 "-" "Firefox"' >>"$log"; }
visit 10.20.30.40
"$UNDERSTUDY" analyze --follow "$log" --store "$store" --geoip "$tmp/countries.mmdb" 2>"$tmp/service" &
service=$!
cleanup_process "$service"
hits() { us analyze query --store "$store" --json; [[ $(jq -c '.rows[0].hits' "$tmp/stdout") == "$1" ]]; }
ok 'a service looks countries up' wait_for 30 hits 1
: >"$tmp/countries.mmdb"
visit 130.20.30.40
ok 'and goes on when its database is cut' wait_for 30 hits 2
us analyze query --store "$store" --by country --json
json_is 'with what it had' '[.rows[].country] | sort' '["X0"]'
kill "$service" && wait "$service"
is 'until it is ended' $? 0
mkfifo "$tmp/pipe.mmdb"
timeout 20 "$UNDERSTUDY" analyze "$log" --geoip "$tmp/pipe.mmdb" >/dev/null 2>&1
is 'a pipe is none, and is not waited for' $? 3
# ---------------------------------------------------------------- memory
# peak COMMAND...: the most memory that it had, in kB.
peak()
{
        perl -e 'my $pid = fork // die; if (!$pid) { open STDOUT, ">", "/dev/null"; exec @ARGV or die }
                my $peak = 0;
                while (1) {
                        if (open my $status, "<", "/proc/$pid/status") { /^VmHWM:\s+(\d+)/ and $1 > $peak and $peak = $1 while <$status> }
                        last if waitpid($pid, 1);
                        select undef, undef, undef, 0.005;
                }
                print $? ? "ended in $?" : $peak' "$@"
}
perl -e 'srand 1; for my $i (1 .. 200000) {
        printf "%d.%d.%d.%d - - [27/Nov/2026:%02d:%02d:%02d +0000] \"GET /p/%08x?utm_source=s%d HTTP/1.1\" 200 100 \"http://r%d.example/%x\" \"Agent %x\"\n",
                1 + rand 220, rand 256, rand 256, rand 256, $i / 10000, rand 60, rand 60, $i, $i, $i, rand 2 ** 32, $i }' >"$tmp/made-up.log"
if is_sanitized; then
        pass 'memory is measured without sanitizers'
else
        few=$(peak "$UNDERSTUDY" analyze "$tmp/made-up.log" --memory 32M)
        diag "--memory 32M: $few kB"
        # What any run has is beside it: its buffers, the program.
        ok 'the run keeps to the memory it was given, whatever the lines make up' test "$few" -le $(((32 + 16) * 1024))
fi
us analyze "$tmp/made-up.log" --memory 32M --json
json_is 'each line counts' '.total.hits // .hits' 200000

done_testing
