# shellcheck shell=bash
# switch_act.sh - act 6 of the demo: the planned switch by DNS as in 2009, the work, and the return. Sourced by moves.sh.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; the rest in demo.sh and moves.sh

# act6_move NAME FROM-ADDRESS COMMAND...: with visitors of whom some keep their connections; what became of them is said, and is
# in NAME.json.
act6_move()
{
        local way=$1 from=$2 requests failed standby gap broken whole status standing=15
        shift 2
        rm -f stop.kept kept
        perl "$here/established.pl" "$from" /css/site.css /files/archive.bin 5 10 stop.kept 0 >kept 2>&1 &
        act6_kept=$!
        moves_visit "$name@192.0.2.53,192.0.2.54" 10 5000 && wait_for 20 grep -q begun kept || fail 3 "$(tail -n 1 visits) $(tail -n 1 kept)"
        moves_command "$@"
        status=$?
        sleep 0.5
        : >stop.kept
        moves_leave
        wait "$act6_kept"
        read -r requests failed standby gap < <(moves_visits)
        broken=$(awk '$1 == "kept" { print $3 }' kept)
        whole=$(awk -v digest="$moves_digest" '$1 == "download" && $3 == digest { n = $4 } END { print n + 0 }' kept)
        broken=$((broken + 5 - whole))
        step "$word_act6_visitors" "$requests" "$standby" "$failed"
        step "$word_act6_kept" "$standing" "$broken"
        [[ $status -eq 0 && $failed -eq 0 && $broken -eq 0 && $standby -gt 0 ]] || moves_good=false
        [[ $status -eq 0 ]] || quote "$(sed 's/^understudy: //' move.log | tail -n 1)"
        jq -n '$ARGS.positional as $a | {requests: $a[0], failed: $a[1], from_standby: $a[2], gap_ms: $a[3], kept: $a[4], broken: $a[5]}' \
                --jsonargs "$requests" "$failed" "$standby" "$gap" "$standing" "$broken" >"$way.json"
}

act6()
{
        heading "$word_act6"
        moves_stage dns || fail 3 "$(tail -n 3 stage.out)"
        step "$word_act6_names" "$name" "$ttl"
        act6_move there "${stage_addresses[production]}" switch standby
        moves_alone standby production "$word_standby"
        sed -i 's|</main>|<p>Maintenance is done.</p>\n&|' src/news/index.html && moves_publish || fail 3 "$(tail -n 3 stage.out)"
        step "$word_act6_work"
        act6_move back "${stage_addresses[standby]}" return
        moves_alone production standby "$word_production"
        moves_rest
        jq -n --slurpfile there there.json --slurpfile back back.json '{there: $there[0], back: $back[0]}' >switch.json
}
