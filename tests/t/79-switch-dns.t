#!/bin/bash
# The planned switch by DNS and the return, as in 2009, on real servers: two authoritative Knot servers, nginx with a portal that
# writes to PostgreSQL, sshd with agents, visitors behind resolvers that remember for as long as the TTL says. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces database dns agent stage names
PATH=$PATH:/usr/sbin:/sbin
names_enter "$(readlink -f "$0")"
names_stage

# ---------------------------------------------------------------- before
us check --config "$tmp/site.conf"
like 'check has asked DNS' "$(output)" 'ok +dns '
status_is 0 'the plan' switch switch standby --plan
like 'says what is waited for' "$(output)" "the TTL of 1 names goes from $ttl s to $move_ttl s"
like 'and what moves' "$(output)" '1 names go from the addresses of production to those of standby'
is 'it changes nothing' "$(names_at 192.0.2.53)" "$ttl 192.0.2.77"

# ---------------------------------------------------------------- there, and back
visit
switch switch standby
ended=$(now)
is 'the switch is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
sleep 1
stage_is standby 'after the switch'
leave
is 'no visitor missed a page' "$(failed)" 0
is 'those after the move come from the stand-by' "$(pages_after "$ended" production)" 0
ok 'of which there are some' test "$(pages_after "$ended" standby)" -gt 10
not_ok 'production cannot reach the database' lab_in production curl -fsS -m 5 -o "$tmp/health" http://127.0.0.1/portal/health

# A visitor of the old one who is slower than any TTL: the drain waits for him.
visit
moving return
reached dns
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("192.0.2.78:80") or die; syswrite $s, "GET /css/site.css HTTP/1.1\r\n";
        select undef, undef, undef, 0.05 until -e $ARGV[0];
        syswrite $s, "Host: www.example.org\r\nConnection: close\r\n\r\n"; local $/; print <$s>' "$tmp/go" >"$tmp/slow" 2>&1 &
slow=$!
cleanup_process "$slow"
reached drain
sleep $((move_ttl + 1))
not_ok 'as long as a visitor is there, the old one is not shut out' said 's  fence'
: >"$tmp/go"
moved
ended=$(now)
is 'the return is done' "$status" 0
[[ $status -eq 0 ]] || output_diag
wait "$slow"
like 'the slow visitor got his page' "$(cat "$tmp/slow")" 'X-Served-By: standby'
sleep 1
stage_is production 'after the return'
leave
is 'no visitor missed a page on the way back' "$(failed)" 0
is 'those after the return come from production' "$(pages_after "$ended" standby)" 0
done_testing
