# analyze_figures.jq - the JSON of `understudy analyze` as the lines that analyze_oracle.pl prints (to be sorted).
def totals: "lines", "invalid", "hits", "bytes", "hosts", "visitors", "visits", "bounces", "visit_seconds", "page_views",
        "errors", "bot_hits", "human_visitors", "human_visits", "human_bounces", "human_page_views";
def rows($figure): .[$figure][] | [$figure, .path // .name, .hits, .visitors];

[("total" as $t | totals as $key | [$t, $key, .[$key]]),
        (.status | to_entries[] | ["status", .key, .value]),
        rows("pages"), rows("assets"), rows("methods"), rows("goals"), rows("entry_pages"), rows("exit_pages"),
        rows("referrer_pages"), rows("countries"),
        (.funnels[] | .name as $name | .steps | to_entries[] | select(.value.visitors > 0) |
                ["funnels", "\($name) \(.key + 1)", .value.visitors, .value.human_visitors]),
        (.not_found[] | ["not_found", .path, .hits]),
        (("referrers", "campaigns") as $figure | .[$figure][] | [$figure, .name, .hits, .visitors, .visits]),
        (.hours[] | select(.hits > 0) | ["hour", (.start | fromdate), .hits, .visitors])]
| .[] | map(tostring) | join("\t")
