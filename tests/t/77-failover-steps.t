#!/bin/bash
# The failover with one fault while exactly one of its steps is under way, for each step of the machine's own table: the controller
# killed or stopped, an agent, a keeper, an sshd, a name server or the database killed or stopped, a server cut off, behind a slow line
# or with a full disk. Whatever comes of it, the site is moved in the end, production can return, and nothing is edited. In a lab of
# its own.
#
# At half of the steps, one fault at each, others with each commit; the variables of step_rounds.sh for all of them.
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
# shellcheck source=../support/faults.sh
. "$source_folder/tests/support/faults.sh"
# shellcheck source=../support/steps.sh
. "$source_folder/tests/support/steps.sh"
# shellcheck source=../support/step_rounds.sh
. "$source_folder/tests/support/step_rounds.sh"
# shellcheck source=../support/failover_rounds.sh
. "$source_folder/tests/support/failover_rounds.sh"
PATH=$PATH:/usr/sbin:/sbin
need knotd knotc
failover_enter "$(readlink -f "$0")"

steps_stage web_stopped
rounds_begin "${failover_faults[@]}"
rounds failover one_failover 2
steps_by_exec
rounds failover one_failover 2
[[ -z ${STEPS_FAULTS:-} ]] || every_step_was_hit failover
done_testing
