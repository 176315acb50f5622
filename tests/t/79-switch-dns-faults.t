#!/bin/bash
# The planned switch by DNS when DNS fails: refused, answered late, made but not answered, a wrong key, a secondary that is behind or
# silent, the controller killed. Each ends in a stated good state: by itself, by --resume, or by --undo. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database dns agent stage names
PATH=$PATH:/usr/sbin:/sbin
names_enter "$(readlink -f "$0")"
ttl=2
names_stage
other=$(head -c 32 /dev/urandom | base64)
intents() { "$UNDERSTUDY" journal show --dir "$tmp/controller/journal" --json 2>/dev/null | grep -c '"step_intent"'; }
is_low() { [[ $(names_at 192.0.2.53) == "$move_ttl "* ]]; }
is_ended() { is "$1" "$status" "$2"; [[ $status -eq $2 ]] || output_diag; }

# ---------------------------------------------------------------- what is known before: nothing is begun
primary_takes "$other"
switch switch standby
is_ended 'a wrong key' 3
like 'is told as one' "$(errors)" 'the move was not begun: .*another secret .*\(BADSIG\)'
us check --config "$tmp/site.conf"
like 'and by check' "$(output)" 'dns .*\(BADSIG\)'
primary_takes nothing
switch switch standby
is_ended 'a server that takes no updates' 3
like 'is told' "$(errors)" 'the move was not begun: .*may not change'
primary_takes "$secret"
secondary STOP
switch switch standby
is_ended 'a secondary that is silent' 3
like 'is told' "$(errors)" 'the move was not begun: .*192\.0\.2\.54'
secondary CONT
is 'not a step was made' "$(intents)" 0
stage_is production 'nothing changed'

# ---------------------------------------------------------------- the key is changed in the middle
moving switch standby
reached prove-new
primary_takes "$other"
moved
is_ended 'the name cannot be moved, nor its TTL given back: stopped' 4
like 'the words say why and what to do' "$(errors)" '\(BADSIG\).*--undo'
is 'the name is as it was' "$(names_at 192.0.2.53)" "$move_ttl 192.0.2.77"
primary_takes "$secret"
switch switch --undo
is_ended 'with the key back it is undone' 1
stage_is production 'as before'

# ---------------------------------------------------------------- the secondary does not get the change
moving switch standby
reached prove-new
cut_secondary
moved
is_ended 'the name is moved back; the TTL does not get through: stopped' 4
like 'which server is behind is told' "$(errors)" 'dns: the authoritative server 192.0.2.53 names standby, and 192.0.2.54 names production'
like 'the name is with production everywhere' "$(names_at 192.0.2.53)$(names_at 192.0.2.54)" '^[0-9] 192.0.2.77[0-9] 192.0.2.77$'
is 'and production may write' "$(places)" 'in out'
mend_secondary
switch switch --undo
is_ended 'with the secondary back it is undone' 1
stage_is production 'as before'

# ---------------------------------------------------------------- behind for a while; the answers of the primary are lost
visit
moving switch standby
reached prove-new
cut_secondary
lose_answers
reached dns
sleep 1.5
mend_secondary
moved
find_answers
is_ended 'late, and made without an answer: the switch is done all the same' 0
stage_is standby 'moved'
leave
is 'no visitor missed a page' "$(failed)" 0

# ---------------------------------------------------------------- the primary answers late
visit
moving return
reached dns
primary STOP
sleep 2
primary CONT
moved
is_ended 'a primary that hangs for a while: the return is done' 0
stage_is production 'home'
leave
is 'no visitor missed a page on the way back' "$(failed)" 0

# ---------------------------------------------------------------- the controller is killed
moving switch standby
reached lower-ttl
wait_for 10 is_low
kill -KILL "$move"
moved
switch switch --undo
is_ended 'killed while the TTL is waited out: undone' 1
stage_is production 'as before'

moving switch standby
reached dns
primary STOP
sleep 0.5
kill -KILL "$move"
moved
primary CONT
switch switch --resume
is_ended 'killed while the name is moved: it goes on' 0
stage_is standby 'moved'
done_testing
