#!/bin/bash
# The planned switch by programs of the operator's, and the return, on real servers: the "cloud" is a translation of addresses that
# visitors go through. Programs that lie, hang, print without end, leave something behind, or cannot tell. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database dns agent stage names
PATH=$PATH:/usr/sbin:/sbin
names_enter "$(readlink -f "$0")"

stage_network || bail_out 'no network'
nft -f - <<END || bail_out 'no translation of addresses'
table ip cloud {
        map elastic { type ipv4_addr : ipv4_addr; elements = { $service : 192.0.2.77 } }
        chain out { type nat hook output priority -100; dnat to ip daddr map @elastic; }
}
END
program() { cat >"$tmp/$1.new" && chmod 0755 "$tmp/$1.new" && mv "$tmp/$1.new" "$tmp/$1"; }
good_move()
{
        program move-stage <<END
#!/bin/sh
env >$tmp/environment
nft "flush map ip cloud elastic; add element ip cloud elastic { $service : \$UNDERSTUDY_TO_ADDRESSES }"
END
}
# Another way: as a visitor, who asks the page.
good_look()
{
        program who-is-on-stage <<END
#!/bin/sh
curl -sS -m 2 -o /dev/null -w '%header{x-served-by}\n' http://$service/css/site.css
END
}
good_move && good_look
# shellcheck disable=SC2034 # for names.sh
stage_moves=exec check_url=http://$service/portal/health
moves_stage "exec { move = \"$tmp/move-stage\" look = \"$tmp/who-is-on-stage\" timeout = 2s settle = 500ms ttl = 1 }"
served() { curl -sS -m 2 -o /dev/null -w '%header{x-served-by}' "http://$service/css/site.css"; }
is_ended() { is "$1" "$status" "$2"; [[ $status -eq $2 ]] || output_diag; }
is_home()
{
        is "$1: visitors are led to production" "$(served)" production
        is 'which alone may write' "$(places)" 'in out'
}

# ---------------------------------------------------------------- there, and back
us check --config "$tmp/site.conf"
like 'check has asked the program that looks' "$(output)" 'ok +exec '
status_is 0 'the plan' switch switch standby --plan
like 'names both programs' "$(output)" 'move-stage" leads visitors from production to standby, and ".*who-is-on-stage" must see standby'
is 'it changes nothing' "$(served)" production
visit "$service"
SECRET=x switch switch standby
is_ended 'the switch is done' 0
is 'visitors are led to the stand-by' "$(served)" standby
is 'which alone may write' "$(places)" 'out in'
like 'the program was told to whom' "$(cat "$tmp/environment")" 'UNDERSTUDY_TO=standby'
unlike 'and has nothing of our surroundings' "$(cat "$tmp/environment")" 'SECRET|HOME='
switch return
is_ended 'the return is done' 0
leave
is 'no visitor missed a page' "$(failed)" 0
is_home 'after the return'

# ---------------------------------------------------------------- programs that fail
program move-stage <<'END'
#!/bin/sh
exit 0
END
switch switch standby
is_ended 'one that says it did, and did not: undone' 1
like 'is found out by the other one' "$(errors)" 'says that it moved the stage, but .* still sees production'
is_home 'as before'

program move-stage <<END
#!/bin/sh
(sleep 4; nft "flush map ip cloud elastic; add element ip cloud elastic { $service : 192.0.2.78 }") &
wait
END
switch switch standby
is_ended 'one that hangs: undone' 1
like 'its time was over' "$(errors)" 'took longer than 2000 ms'
program move-stage <<END
#!/bin/sh
(sleep 2; nft "flush map ip cloud elastic; add element ip cloud elastic { $service : 192.0.2.78 }") >/dev/null 2>&1 &
END
switch switch standby
is_ended 'one that leaves something behind to do it later: undone' 1
sleep 4
is_home 'and what was left behind does nothing any more'

program move-stage <<'END'
#!/bin/sh
yes 'moving, please wait'
END
switch switch standby
is_ended 'one that prints without end: undone' 1
like 'is told' "$(errors)" 'printed more than 4096 bytes'
program move-stage <<'END'
#!/bin/sh
echo 'no route to the cloud' >&2
exit 7
END
switch switch standby
is_ended 'one that fails: undone' 1
like 'its words are shown' "$(errors)" 'ended in 7: no route to the cloud'
is_home 'as before'

# ---------------------------------------------------------------- the one that looks
good_move
program who-is-on-stage <<'END'
#!/bin/sh
yes standby
END
switch switch standby
is_ended 'a look without end: not begun' 3
like 'is told' "$(errors)" 'the move was not begun: .*printed more than'
program who-is-on-stage <<'END'
#!/bin/sh
echo '<html>Internal Server Error'
END
switch switch standby
is_ended 'a word that is no server: not begun' 3
like 'is told' "$(errors)" "printed '<html>Internal Server Error', which is no server"
good_look
moving switch standby
reached prove-new
program who-is-on-stage <<'END'
#!/bin/sh
exit 1
END
moved
is_ended 'one that goes blind in the middle: stopped' 4
like 'is told' "$(errors)" 'cannot tell who is on stage, it ended in 1'
good_look
switch switch --undo
is_ended 'when it sees again, the move is undone' 1
is_home 'as before'
done_testing
