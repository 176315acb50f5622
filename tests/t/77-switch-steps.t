#!/bin/bash
# The planned switch with one fault while exactly one of its steps is under way, for each step of the machine's own table: the
# controller killed or stopped, its disk full; an agent, a keeper, an sshd, a name server or the database killed, or stopped past its
# deadline; a server cut off both ways or heard by nobody, behind a slow line, or with a full disk; the one that comes tampered with
# while nobody looks. Whatever comes of it, --resume or --undo ends in a good state, and the next round begins from there; nothing is
# edited. In a lab of its own.
#
# One fault a step, another one with each commit; the variables of step_rounds.sh for all of them.
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
rounds planned one 1
# Whatever the turn: nobody looks after the one that comes while the move lies there, just before it is given visitors.
[[ -n ${STEPS_ONLY:-}${STEPS_FAULTS:-} ]] || one address binds tampered 0 resume
[[ $stage == production ]] || by_hand return
stage=production
steps_by_exec
rounds planned one 1
every_step_was_hit planned
done_testing
