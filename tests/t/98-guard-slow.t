#!/bin/bash
# A verifier that does not answer in time is told, and what it was asked is refused; it is asked again when it goes on.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www"
make_standby

guard_start --mode refuse --reads never --verdict-limit 1s
is 'ps names the gate' "$(ps -o comm= --ppid "$guard" | grep -cx understudy-gate)" 1
# The other children of this guard: it heals nothing, and alerts nobody.
mapfile -t verifiers < <(ps -o pid=,comm= --ppid "$guard" | awk '$2 != "understudy-gate" { print $1 }')
ok 'there are verifiers' test ${#verifiers[@]} -ge 1
kill -STOP "${verifiers[@]}"
echo planted >"$dest/planted.html" 2>/dev/null
not_ok 'what cannot be checked is refused' reads "$dest/planted.html"
ok 'that it was slow is told' wait_for 10 has_kind gate_slow
ok 'what is known can be read meanwhile' reads "$dest/css/site.css"
kill -CONT "${verifiers[@]}"
us pull "$dest" --repo "$repo" --pub "$pub"
ok 'everything is checked again' wait_for 10 reads "$dest/index.php"
guard_stop
is 'the guard ends well' $? 0
done_testing
