#!/bin/bash
# The rules of a failover, on real servers: hold-down, the cap on flips, and a stand-by that rests with its web server stopped.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage alerts failover
PATH=$PATH:/usr/sbin:/sbin
failover_enter "$(readlink -f "$0")"

cat >"$tmp/rest" <<'END'
#!/bin/sh
kill "$(cat "$1")"
END
chmod +x "$tmp/rest"
stage_more[standby]="standby_rest = web_stopped
web_start = \"nginx -c $tmp/standby/nginx.conf -e $tmp/standby/nginx.log >$tmp/standby/nginx.out 2>&1 &\"
web_stop = \"$tmp/rest $tmp/standby/nginx.pid\""
hold_down=25s
start_sink unix accept "$tmp/syslog"
alerts="syslog:$tmp/syslog"
alerted() { cat "$got"/* 2>/dev/null | grep -q "$1"; }
failover_stage 'flips = 1 flips_window = 10m'
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production
signal TERM standby nginx
controller
known_standby

# ---------------------------------------------------------------- a stand-by that rests stopped
visit
signal KILL production nginx
ok 'a stand-by whose web server rests is started and put on stage' wait_for 40 is_served_by standby
diag "its web server had to be started: gap $(gap) ms"
ok 'a person is told' wait_for 20 alerted 'standby is on stage'
like 'as a step of its own' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "step_done") | .step' | tr '\n' ' ')" \
        'fence admit prepare probe-new'
moved=$SECONDS
start_web production
by_hand return
is 'production returns' "$status" 0

# ---------------------------------------------------------------- hold-down, then the cap
sleep 1
signal KILL production nginx
ok 'soon after a failover there is no other' wait_for 20 said 'hold_down'
ok 'a person is told' wait_for 20 alerted 'not moved to its stand-by'
ok 'and the stand-by stays where it is' has_not standby
ok 'when the time is over, one in ten minutes was enough' wait_for 50 said 'as many failovers as may be'
ok 'which is no sooner than was said' test $((SECONDS - moved)) -ge 20
sleep 1
ok 'the stand-by stays where it is' has_not standby
is 'one was made' "$("$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json | jq -r 'select(.kind == "move_began" and .move_kind == "failover") | .to' | wc -l)" 1
done_testing
