#!/bin/bash
# A site that fails in ways that are no death: a web server that hangs, a keeper that is stopped past its lease and goes on, a
# controller that is down or stopped while things happen.
. "$(dirname "$0")/lib.sh"
use namespaces database agent stage failover
PATH=$PATH:/usr/sbin:/sbin
failover_enter "$(readlink -f "$0")"

failover_stage 'flips = 50'
keeper production
keeper standby
ok 'production is on stage' wait_for 30 is_served_by production
controller
known_standby

# ---------------------------------------------------------------- the web server hangs
visit
holders
signal STOP production nginx
ok 'a web server that hangs: the stand-by is on stage' wait_for 40 is_served_by standby
diag "web server stopped: gap $(gap) ms; visits by: $(changes)"
is 'never two held the address' "$(held_twice)" 0
ok 'the old one has let go of it' has_not production
signal CONT production nginx
not_ok 'when it goes on it cannot write' may_write production
is 'and the database has it shut out' "$(place production) $(place standby)" 'out in'
home 'a web server that hung'

# ---------------------------------------------------------------- the keeper is stopped past its lease
holders
signal STOP production understudy
ok 'a keeper that is stopped: its holder drops the address, and the site moves' wait_for 40 is_served_by standby
ok 'the old one has it no more' has_not production
signal CONT production understudy
sleep 1
ok 'nor when its keeper goes on' has_not production
is 'never two held the address' "$(held_twice)" 0
is 'visitors are where they were' "$(served)" standby
not_ok 'the database is closed to the old one' may_write production
is 'as is seen there' "$(place production) $(place standby)" 'out in'
home 'a keeper that was stopped'

# Keeper and holder: what is left is the kernel, which drops the address after its life of two seconds.
holders
signal STOP production understudy
signal STOP production holder
ok 'keeper and holder are stopped: the kernel drops the address, and the site moves' wait_for 40 is_served_by standby
signal CONT production understudy
signal CONT production holder
sleep 1
ok 'the old one has it no more' has_not production
is 'never two held the address' "$(held_twice)" 0
is 'visitors are where they were' "$(served)" standby
home 'keeper and holder that were stopped'

# ---------------------------------------------------------------- the controller is stopped, or down
before=$(moves)
kill -STOP "$controller"
sleep 3
is 'a controller that is stopped takes nobody from the stage' "$(served)" production
kill -CONT "$controller"
sleep 2
is 'nor when it goes on' "$(served)" production
is 'nobody was moved' "$(moves)" "$before"
end_controller
signal KILL production nginx
sleep 3
ok 'without a controller nobody moves, whatever happens' has_not standby
ok 'and the address stays' has_address production
start_web production
is 'the site is as it was' "$(served)" production
controller
sleep 1
is 'a controller that comes later finds nothing to do' "$(served) $(moves)" "production $before"
done_testing
