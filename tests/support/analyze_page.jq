# analyze_page.jq - jq -rn -f analyze_page.jq --slurpfile json SUMMARY --slurpfile pages BROWSER --arg page NAME --argjson top N
# What the page of an analysis shows (as browser.pl reads it) against `analyze --json --top 0`: a line for each figure,
# list, plot or hour that differs, and in the end how many were compared. In English alone: words of ours are names, too.
def cut($columns): map([.[$columns[]]]);
def expected($json; $hours):
  # Paths that nobody ever got are not among the pages of a report.
  { pages: ($json.pages | map(select(.visitors > 0)) | cut(["path", "hits", "visitors", "bytes"])),
    assets: ($json.assets | cut(["path", "hits", "visitors", "bytes"])),
    not_found: ($json.not_found | cut(["path", "hits", "bytes"])),
    entry_pages: ($json.entry_pages | cut(["path", "hits", "visitors"])),
    exit_pages: ($json.exit_pages | cut(["path", "hits", "visitors"])),
    referrer_pages: ($json.referrer_pages | cut(["name", "hits", "visitors"])),
    bots: ($json.bots | cut(["name", "hits", "visits", "bytes"])),
    goals: ($json.goals | cut(["name", "hits", "visitors"])),
    virtual_hosts: ($json.virtual_hosts | cut(["name", "hits", "visitors", "bytes"])),
    methods: ($json.methods | cut(["name", "hits"])) } +
  (["referrers", "search_engines", "campaigns", "browsers", "systems", "devices"] |
    map({ (.): ($json[.] | cut(["name", "hits", "visitors", "visits"])) }) | add) | map_values(.[:$top]);
def unlimited($json; $hours):
  { status: ($json.status | to_entries | map([.key, .value])),
    classes: ($json.status | to_entries | group_by(.key[:1]) | map([.[0].key[:1], (map(.value) | add)])),
    kinds: [["Visitors", "visitors"], ["Visits", "visits"], ["Visits of one page", "bounces"], ["Page views", "page_views"], ["Requests", "hits"]] |
      map([.[0], $json["human_" + .[1]], $json[.[1]] - $json["human_" + .[1]]]),
    series: (if $hours then $json.hours else $json.days end |
      map([(.start | if $hours then sub("T"; " ") | .[:16] else .[:10] end), .visitors, .human_visitors, .visits, .hits, .bot_hits, .errors, .bytes])) };
def plotted($series): $series | [map(.[1]), map(.[4]), map(.[7]), map(.[6])];
# Bars have the heights of their values, whatever the scale.
def true_to_scale($values; $heights):
  ($values | add) as $sum | ($heights | add) as $height |
  if $sum == 0 then $height == 0
  else [range($values | length)] | all(. as $i | ($heights[$i] - $values[$i] * $height / $sum) | fabs < 0.05) and ($heights | max | . >= 49.9 and . <= 100.01) end;
def week($json):
  [range(7)] | map(. as $day | [range(24)] | map(. as $hour |
    $json.hours | map((.start | fromdateiso8601) as $t | select((($t / 86400 | floor) + 3) % 7 == $day and ($t / 3600 | floor) % 24 == $hour)) |
    if length == 0 then null else (map(.human_visitors) | add) / length end));
def close($found; $expected):
  $found == $expected or ($found != null and $expected != null and ($found - $expected | fabs) <= (if $expected < 10 then 0.051 else 0.501 end));

$json[0] as $json | $pages[0][$page].figures as $found |
($json.hours | length <= 96) as $hours |
(expected($json; $hours) | map_values(select(length > 0))) as $lists | unlimited($json; $hours) as $more |
[ ($found.data | to_entries[] | select(.value != $json[.key]) | "\(.key): the page has \(.value), the summary \($json[.key])"),
  (["visitors", "visits", "page_views", "hits", "bounces", "hosts", "bytes", "errors", "lines", "invalid", "human_visitors", "human_hits"][] |
    select($found.data[.] == null) | "\(.) is not on the page"),
  ($lists + ($more | del(.classes)) | to_entries[] | select($found.lists[.key] != .value) |
    "\(.key): the page has \($found.lists[.key][:3]), the summary \(.value[:3])"),
  ($found.lists | keys[] | select($lists[.] == null and $more[.] == null and . != "week" and . != "durations") | "\(.) is not in the summary"),
  (select(($found.lists.classes | map([.[0][:1], .[1]])) != $more.classes) | "the classes of statuses differ"),
  (plotted($more.series) as $values | range(4) | select(true_to_scale($values[.]; $found.heights[.]) | not) | "plot \(.) is not true to scale"),
  (select($json.hours | length > 24) | week($json) as $week | range(7) as $day | range(24) as $hour |
    select(close($found.lists.week[$day][$hour + 1]; $week[$day][$hour]) | not) |
    "week: day \($day) hour \($hour) is \($found.lists.week[$day][$hour + 1]), not \($week[$day][$hour])"),
  (select(($json.duration_us // {classes: []}).classes | map(.hits) != ($found.lists.durations // [] | map(.[1]))) | "response times differ"),
  (select($found.approximate != ($json.approximate | map(.figure))) | "not exact are \($found.approximate) on the page")
] | .[], "compared: \([$found.data, $found.lists] | map(keys | length) | add)"
