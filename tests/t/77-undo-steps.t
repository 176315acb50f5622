#!/bin/bash
# A planned switch that is taken back, with one fault while exactly one step is being undone, for each step of the machine's table that
# can be: the faults of 77-switch-steps.t. Whatever comes of it, --undo or --resume ends in a good state. In a lab of its own.
#
# At a third of the steps, one fault at each, others with each commit; the variables of step_rounds.sh for all of them.
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
# shellcheck source=../support/step_rounds.sh
. "$source_folder/tests/support/step_rounds.sh"
# shellcheck source=../support/planned_rounds.sh
. "$source_folder/tests/support/planned_rounds.sh"
PATH=$PATH:/usr/sbin:/sbin
need knotd knotc
failover_enter "$(readlink -f "$0")"

steps_stage powered_off
rounds_begin "${planned_faults[@]}"
undoing=yes
[[ $((turn % 2)) -eq 0 ]] || { by_hand switch standby && stage=standby; }
rounds undo one 3
[[ $stage == production ]] || by_hand return
stage=production
steps_by_exec
rounds undo one 3
[[ -z ${STEPS_FAULTS:-} ]] || every_step_was_hit undo
done_testing
