#!/bin/bash
# Failover by address on real servers: a power cut, a web server killed, a heartbeat lost without a death, the controller down;
# a tampered stand-by; and the return. Keepers, controller and agents over a network that can be cut. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin

failover_enter "$(readlink -f "$0")"

[[ -z ${FAST:-} ]] || fast_setting # measures what an idle machine can do
failover_stage 'flips = 50'
like "a keeper's key may ask for a lease only" "${keeper_lines[0]}" ' --for production'

# ---------------------------------------------------------------- leases
by_hand fence show
like 'the fence was begun with production' "$(output)" 'production +in'
keeper production
keeper standby
ok 'the keeper of production takes the address' wait_for 30 is_served_by production
ok 'that of the stand-by does not' has_not standby
controller

end_controller
sleep 1.2
is 'a controller that is killed takes nobody from the stage' "$(served)" production
controller
known_standby

# ---------------------------------------------------------------- a power cut
visit
cut_power production
ok 'a power cut: the stand-by is on stage' wait_for 40 is_served_by standby
power_gap=$(gap)
diag "power cut: gap $power_gap ms; visits by: $(changes)"
sed 's/^/#   /' "$tmp/controller.log" >&"$tap"
ok 'within ten times what these leases allow' test "$power_gap" -lt 20000
is 'the database has shut production out' "$(place production)" out
is 'and let the stand-by in' "$(place standby)" in
is 'the journal has the failover to its end' \
        "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "move_ended") | .outcome')" 'done'
is 'the fence came before the address' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json |
        jq -r 'select(.kind == "step_done") | .step' | grep -E '^(fence|admit|address)$' | tr '\n' ' ')" 'fence admit address '
boot production
sleep 1
ok 'when it is back it has not the address' has_not production
not_ok 'and cannot write to the database' may_write production
is 'visitors stay where they are' "$(served)" standby
run lab_in database "$UNDERSTUDY" status --config "$tmp/site.conf" --json
is 'status of the site: would not go further by itself' "$status" 1
json_is 'and says who is on stage and why' '.stage + " " + .failover.why' 'standby not-home'
json_is 'who may write' '[.servers[] | .server + " " + .database.place] | join(", ")' 'production out, standby in'
home 'a power cut'

by_hand status --json
is 'status of the site: all is ready' "$status" 0
json_is 'and who keeps what' '[.servers[] | .server + " " + .address + " " + (.keeper | tostring)] | join(", ")' \
        'production here true, standby nowhere true'
us fleet add production --role production --state "$tmp/register"
run lab_in database "$UNDERSTUDY" status --config "$tmp/site.conf" --state "$tmp/register" --json
json_is 'a stand-by that the register does not know would get no visitors' \
        '[.failover.ready, (.servers[] | select(.server == "standby") | .eligible)] | map(tostring) | join(" ")' 'false false'
like 'and that is said' "$(json '.servers[] | select(.server == "standby") | .obstacle')" 'not in the register'

# ---------------------------------------------------------------- the web server dies, its machine does not
visit
signal KILL production nginx
ok 'a web server that is killed: the stand-by is on stage' wait_for 40 is_served_by standby
web_gap=$(gap)
diag "web server killed: gap $web_gap ms; visits by: $(changes)"
ok 'within ten times what these leases allow' test "$web_gap" -lt 20000
ok 'the old one has let go of the address' has_not production
not_ok 'and cannot write to the database' may_write production
start_web production
home 'the death of a web server'

# ---------------------------------------------------------------- a heartbeat is lost, but nobody died
visit
lab_in production nft -f - <<'END'
table inet cut {
        chain in { type filter hook prerouting priority -400; ip saddr { 192.0.2.10, 192.0.2.78 } drop; }
        chain out { type filter hook output priority -400; ip daddr { 192.0.2.10, 192.0.2.78 } drop; }
}
END
ok 'cut off from the others: the stand-by is on stage' wait_for 40 is_served_by standby
cut_gap=$(gap)
diag "heartbeat lost: gap $cut_gap ms; visits by: $(changes)"
ok 'production, which nobody could tell, has dropped the address by itself' has_not production
is 'visitors went from the one to the other, once' "$(changes)" 'production standby '
lab_in production nft delete table inet cut
ok 'it stays away when it hears again' has_not production
not_ok 'and cannot write to the database' may_write production
wait_for 40 reach production
home 'a lost heartbeat'

# ---------------------------------------------------------------- a stand-by that is not genuine
echo '<script src="http://malware.invalid/x.js"></script>' >"$tmp/standby/www/site/index.html"
run lab_in standby "$UNDERSTUDY" verify "$tmp/standby/www/site" --pub "$pub" --state "$tmp/standby/state"
sleep 2
cut_power production
ok 'a tampered stand-by is refused' wait_for 30 said 'not equal to its release'
sleep 0.5
ok 'and is not on stage' has_not standby
is 'nor in at the database' "$(place standby)" out
run lab_in standby "$UNDERSTUDY" pull "$tmp/standby/www/site" --repo "$repo" --pub "$pub" --state "$tmp/standby/state"
ok 'when it has been pulled it is' wait_for 40 is_served_by standby
done_testing
