#!/bin/bash
# A planned move whose database host cannot be asked: before it begins, when it is to claim its epoch, and when it is to give it back.
# Nothing is begun, or it takes itself back; where it cannot know, it stops and says so. In a lab of its own.
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
moves_begun() { journal | grep -c move_began; }

# to_database ADDRESS: where the controller looks for it.
to_database() { sed -i "/^Host database/,/HostKeyAlias/s/HostName .*/HostName $1/" "$tmp/ssh/config"; }

to_database 192.0.2.99
by_hand switch standby
is 'a database host that does not answer: the switch is not begun' "$status" 3
like 'which is said' "$(errors)" 'the move was not begun: .*database: arbiter'
is 'nor is it in the journal' "$(moves_begun)" 0
to_database 192.0.2.10
in_good_state production 'not begun'

frozen_at claim '' switch standby
is 'a move stands still when it is to claim its epoch' $? 0
to_agents STOP database
let_go 90
to_agents CONT database
is 'the host does not answer then: the move has taken itself back' "$moved" 1
ok 'and is not in flight' test "$(in_flight && echo yes)" = ''
in_good_state production 'taken back'

frozen_at prove-old binds switch standby
is 'a move stands still behind its claim' $? 0
kill -KILL "$move"
ok 'it is killed' move_over 30
to_database 192.0.2.99
by_hand switch --undo
is 'the epoch cannot be given back: the undo stops' "$status" 4
like 'and says what is left, and what to do' "$(errors)" 'stopped at claim, and a person is needed.*everything else is as it was.*--undo'
to_database 192.0.2.10
by_hand switch --undo
is 'which ends it' "$status" 1
in_good_state production 'undone'
done_testing
