#!/bin/bash
# A planned move in which a process that works on a tree hangs on the server that comes: it is waited for as long as it makes progress,
# and no longer; the move takes itself back and says what to look at. In a lab of its own.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=../../lab/namespaces.sh
. "$source_folder/lab/namespaces.sh"
# shellcheck source=../../lab/database.sh
. "$source_folder/lab/database.sh"
# shellcheck source=../../lab/dns.sh
. "$source_folder/lab/dns.sh"
# shellcheck source=../support/agent.sh
. "$source_folder/tests/support/agent.sh"
# shellcheck source=../../lab/stage.sh
. "$source_folder/lab/stage.sh"
# shellcheck source=../support/failover.sh
. "$source_folder/tests/support/failover.sh"
# shellcheck source=../support/established.sh
. "$source_folder/tests/support/established.sh"
# shellcheck source=../support/faults.sh
. "$source_folder/tests/support/faults.sh"
# shellcheck source=../support/steps.sh
. "$source_folder/tests/support/steps.sh"
PATH=$PATH:/usr/sbin:/sbin
need knotd knotc
failover_enter "$(readlink -f "$0")"
steps_stage running

frozen_at prove-new '' switch standby
is 'a move stands still when it is to prove the one that comes' $? 0
to_agents STOP standby
began=$SECONDS
let_go 150
took=$((SECONDS - began))
to_agents CONT standby
is 'what it is asked for hangs: the move is taken back' "$moved" 1
like 'and says what hangs' "$(cat "$tmp/move.log")" 'prove-new: standby: .*made no progress for [0-9]+ s.*look there'
ok "within two minutes: $took s" test "$took" -lt 120
ok 'not before a minute without progress' test "$took" -ge 60
in_good_state production 'taken back'
by_hand switch standby
is 'when nothing hangs any more it is done' "$status" 0
in_good_state standby 'done'
done_testing
