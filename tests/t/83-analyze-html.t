#!/bin/bash
# 83-analyze-html.t - the page of an analysis: it is written whole or not at all; in a browser its figures are those of
# --json; nothing leaves it, whatever the log holds; it is readable at every width, light and dark, and on paper.
. "$(dirname "$0")/lib.sh"
need jq perl
support=$source_folder/tests/support
generator=$build_folder/tests/support/log_generator
real=$source_folder/tests/data/apache_combined_2015.log.gz

# ---------------------------------------------------------------- where the page goes to
status_is 0 'a page' us analyze "$real" --html "$tmp/real.html"
is 'and nothing else is said' "$(output)$(errors)" ''
is 'nothing but the page is left' "$(find "$tmp" -name '*html*' | wc -l)" 1
is 'its mode' "$(stat -c %a "$tmp/real.html")" 644
status_is 0 'the page on standard output' us analyze "$real" --html -
without_command() { sed '/<footer>/,$d' "$1"; }
is 'is the same' "$(without_command "$tmp/stdout" | sha256sum)" "$(without_command "$tmp/real.html" | sha256sum)"
head -c 20000 "$real" >"$tmp/cut.log.gz"
status_is 3 'a log that is cut off' us analyze "$tmp/cut.log.gz" --html "$tmp/cut.html"
like 'the page of what could be read says so' "$(grep 'id="incomplete"' "$tmp/cut.html")" 'cut.log.gz is cut off'
status_is 3 'a folder that is not there' us analyze "$real" --html "$tmp/nowhere/page.html"
like 'says which' "$(errors)" "$tmp/nowhere"
mkdir "$tmp/taken"
status_is 3 'a folder in the place of the page' us analyze "$real" --html "$tmp/taken"
# What is no file is written into: once a page took the place of /dev/full.
mkfifo "$tmp/pipe"
cat "$tmp/pipe" >"$tmp/piped.html" &
status_is 0 'a pipe in the place of the page' us analyze "$real" --html "$tmp/pipe"
wait "$!"
ok 'is one still' test -p "$tmp/pipe"
is 'and has it all' "$(without_command "$tmp/piped.html" | sha256sum)" "$(without_command "$tmp/real.html" | sha256sum)"
if [[ $EUID -eq 0 ]] && mknod "$tmp/full" c 1 7 2>/dev/null && ! echo >"$tmp/full"; then
        status_is 3 'a disk that is full, as a device' us analyze "$real" --html "$tmp/full"
        ok 'is one still' test -c "$tmp/full"
fi 2>/dev/null
us analyze --follow "$real" --store "$tmp/service.db" --html "$tmp/pipe" --once
is 'a service keeps its page in a file' "$status" 2
ok 'and no pipe is replaced' test -p "$tmp/pipe"
status_is 2 'a page and JSON' us analyze "$real" --html "$tmp/x.html" --json
status_is 2 'a page and CSV' us analyze "$real" --html "$tmp/x.html" --csv
: >"$tmp/empty.log"
status_is 0 'an empty log' us analyze "$tmp/empty.log" --html "$tmp/empty.html"
like 'has a page that says so' "$(cat "$tmp/empty.html")" 'No request was found'

# ---------------------------------------------------------------- logs
# 40 days, from a folder whose name is hostile, too.
odd="$tmp/<b>\"&'logs"
mkdir "$odd"
"$generator" 20000 3 40 >"$odd/days.log"
us analyze "$odd/days.log" --html "$tmp/days.html" --top 20 --goal 'shop=/shop/*'
"$generator" 60000 5 400 >"$tmp/little.log"
us analyze "$tmp/little.log" --html "$tmp/little.html" --memory 1M --threads 1
# What strangers put into every field that they can reach.
perl -e '
binmode STDOUT;
sub line {
        my ($path, $referrer, $agent, $host) = @_;
        $n++;
        printf "%s192.0.2.%d - - [17/May/2026:%02d:%02d:07 +0000] \"GET %s HTTP/1.1\" 200 1234 \"%s\" \"%s\"\n",
                $host ? "$host " : "", $n % 250, 9 + $n / 60 % 12, $n % 60, $path, $referrer // "-", $agent // "Firefox/115.0";
}
for my $bad ("<script>injected=1</script>", "</title><script>injected=2</script>", "</style><script>injected=3</script>",
        "\"><img/src=x/onerror=injected=4>", "\x27onmouseover=\x27injected=5", "</svg><script>injected=6</script>", "&lt;b&gt;&amp;",
        "\0nul\0", "\xff\xfe\xc0\xaf", "\xe2\x80\xaegpj.exe", "\xe2\x81\xa6isolate", "\xd8\x9c\xe2\x80\x8b", "<!--", "]]>", "%s%n%d",
        "javascript:injected=7", "\x1b[31mred", "\xd7\xa9\xd7\x9c", "x" x 5000, "\"" x 3000, "\xe6\x97\xa5\xe6\x9c\xac" x 300) {
        line("/$bad", "http://example.org/");
        line("/a", "http://example.org/$bad");
        line("/b", "http://$bad.example/");
        line("/c", "-", $bad);
        line("/d?utm_campaign=$bad&utm_source=$bad");
        line("/e", "-", "-", $bad);
        print "$bad\n";
}' >"$tmp/hostile.log"
us analyze "$tmp/hostile.log" --html "$tmp/hostile.html" --top 1000 --goal '<i>goal</i>=/a'
perl -e 'printf q({"v":1,"ts":"1780000000.%03d","rt":%.6f,"ip":"1.2.3.4","m":"GET","uri":"/","st":200,"bs":1,"ua":"Firefox"}) . "\n", $_, $_ * $_ * 0.00001 for 1 .. 999' >"$tmp/times.log"
us analyze "$tmp/times.log" --html "$tmp/times.html"
us --lang ja analyze "$real" --html "$tmp/ja.html"

unlike 'a script is nowhere in the source' "$(grep -aiE '<script|<img|<iframe| on[a-z]+ *=|javascript:[^i]' "$tmp"/*.html)" .
is 'no byte that is not UTF-8' "$(cat "$tmp"/*.html | iconv -f UTF-8 -t UTF-8 2>&1 >/dev/null)" ''
is 'no control character' "$(LC_ALL=C grep -acP '[\x00-\x08\x0b-\x1f\x7f]' "$tmp"/*.html | grep -v ':0$')" ''

# ---------------------------------------------------------------- in a browser
command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || {
        skip 'no chromium: what the page is in a browser was not looked at'
        done_testing
}
# One that has all that a page must not have: what is asked below can fail.
cat >"$tmp/control.html" <<'END'
<!doctype html><title>x</title><body style="margin:0"><h3>jump</h3><div style="width:2000px">wide</div><p style="color:#999">pale</p>
<table><tr><td>no caption</table><img src="http://example.invalid/x.png" onerror="1"><script>injected = 1; console.log('said'); missing()</script>
<p id=a>&#x202e;<p id=a><a href="http://example.invalid/">away</a>
END
alone=()
unshare -n true 2>/dev/null && alone=(unshare -n) # then nothing could leave, either
status_is 0 'all pages can be opened' "${alone[@]}" perl "$support/browser.pl" \
        "$tmp"/{real,cut,empty,days,little,hostile,times,ja,control}.html
mv "$tmp/stdout" "$tmp/browser.json"
seen() { jq -c --arg page "$1" ".[\$page] | $2" "$tmp/browser.json"; }

is 'the control: requests' "$(seen control .requests)" '["http://example.invalid/x.png"]'
ok 'the control: messages' test "$(seen control '.messages | length')" -ge 3
is 'the control: a view' "$(seen control '.views[0] | [.scroll_width, (.wide | length), (.pale | length), .scripts, .handlers, .injected, .tables_without_caption, .heading_jumps, .repeated_ids, .outside_links | if type == "array" then length else . end]')" \
        '[2000,1,1,2,1,"number",1,1,1,2]'
for page in real cut empty days little hostile times ja; do
        is "$page: no request" "$(seen $page .requests)" '[]'
        is "$page: no message on the console" "$(seen $page .messages)" '[]'
        is "$page: seven views" "$(seen $page '.views | map(.width) | unique')" '[360,768,794,1440]'
        is "$page: nothing is wider than the window" "$(seen $page '[.views[] | select(.scroll_width > .width or .wide != []) | [.name, .wide]]')" '[]'
        is "$page: no text has less contrast than 4.5" "$(seen $page '[.views[] | select(.pale != []) | [.name, .pale]]')" '[]'
        is "$page: light and dark differ" "$(seen $page '.views[:2] | map(.background) | unique | length')" 2
        is "$page: no script, no handler, nothing injected, no link to elsewhere" \
                "$(seen $page '.views | map([.scripts, .handlers, .injected, .outside_links, .unseen]) | unique')" '[[0,0,"undefined",[],0]]'
        is "$page: its style sheet is in force" "$(seen $page '[.views[] | select(.styled < 80)]')" '[]'
        is "$page: tables, plots, headings, links and ids are in order" \
                "$(seen $page '.views | map([.tables_without_caption, .plots_without_title, .heading_jumps, .dead_links, .repeated_ids]) | unique')" '[[0,0,0,0,[]]]'
done

# ---------------------------------------------------------------- its figures
equals_json() # NAME LOG TOP OPTION...
{
        local name=$1 log=$2 top=$3
        "$UNDERSTUDY" analyze "$log" --json --top 0 "${@:4}" >"$tmp/json"
        compared=$(jq -rn -f "$support/analyze_page.jq" --slurpfile json "$tmp/json" --slurpfile pages "$tmp/browser.json" \
                --arg page "$name" --argjson top "$top" 2>&1)
        like "$name: all figures are those of --json" "$compared" '^compared: [0-9]{2}$'
}
equals_json real "$real" 50
equals_json days "$odd/days.log" 20 --goal 'shop=/shop/*'
equals_json times "$tmp/times.log" 50
jq '.hits += 1 | .pages[0].visitors += 1' "$tmp/json" >"$tmp/other.json"
is 'a figure that differs would be found' "$(jq -rn -f "$support/analyze_page.jq" --slurpfile json "$tmp/other.json" \
        --slurpfile pages "$tmp/browser.json" --arg page times --argjson top 50 | sed 's/:.*//' | xargs)" 'hits pages kinds compared'
is 'a column of a plot tells its figures' "$(seen real '.figures.tips[0]')" '"2015-05-17 10:00: 26 (people 13, bots 13)"'
is 'large figures as people read them' "$(seen real '.figures.shown | [.human_visitors, .visitors, .bytes]')" '["1,607","2,095 with bots","2.7 GB"]'
"$UNDERSTUDY" analyze "$tmp/little.log" --json --memory 1M --threads 1 >"$tmp/json"
is 'what is not exact is named' "$(seen little .figures.approximate)" "$(jq -c '.approximate | map(.figure)' "$tmp/json")"
like 'and marked' "$(seen little '.figures.shown.human_visitors, .figures.warnings[0]')" 'Memory was short'

# ---------------------------------------------------------------- hostile names, as text
names=$(seen hostile '.figures | [.lists[][] | .[0]]')
for name in '/<script>injected=1</script>' '/</style><script>injected=3</script>' '/&lt;b&gt;&amp;' '/\000nul\000' '/\377\376\300\257' \
        '/\342\200\256gpj.exe' '/\033[31mred' '/%s%n%d' '<i>goal</i>'; do
        ok "$name is shown as it is" jq -e --arg name "$name" 'index($name) != null' <<<"$names"
done >/dev/null
is 'a name of 5,000 letters is whole in its title as far as it goes' "$(jq '[.[] | select(startswith("/xxxx") and endswith("... (5001 bytes)"))] | length' <<<"$names")" 3
is 'lines that fit no format are shown as text' "$(seen hostile '.figures.samples[0]')" '"<script>injected=1</script>"'
like 'and counted at the top' "$(seen hostile '.figures.warnings[0]')" 'lines fit no format'
ok 'the name of the log, too' test "$(seen days ".figures.text | contains(\"<b>\\\"&'logs\")")" = true
is 'the command can be repeated' "$(grep -aA1 '<footer>' "$tmp/times.html" | sed -n 's/.*<pre>\(.*\)<\/pre>.*/\1/p')" \
        "understudy analyze $tmp/times.log --html $tmp/times.html"

# ---------------------------------------------------------------- in Japanese
is 'the language' "$(seen ja '.views[0].language')" '"ja"'
unlike 'no heading is left in English' "$(seen ja '.figures.headings | map(select(test("^[ -~]*$") and (test("^([0-9]*|OS)$") | not)))')" '[A-Za-z]'
ok 'the same figures' test "$(seen ja '.figures | [.data, .lists.pages, .lists.series, .lists.status]')" = \
        "$(seen real '.figures | [.data, .lists.pages, .lists.series, .lists.status]')"
done_testing
