#!/bin/bash
# Starting and stopping a web server that rests: what counts is who answers, not what the command said. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nginx
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/traffic_driver
lab_network || bail_out 'no network'
cat >"$tmp/nginx.conf" <<END_NGINX
pid $tmp/nginx.pid;
error_log $tmp/nginx.log;
events { }
http { access_log off; client_body_temp_path $tmp/body; server { listen 192.0.2.200:80; root $tmp; } }
END_NGINX
nginx="nginx -c $tmp/nginx.conf -e $tmp/nginx.log"
nobody_answers() { [[ $(web answers) == no ]]; }
web() { timeout 30 "$driver" web 192.0.2.200 80 "$@"; }

status_is 0 'asked' web answers
is 'nobody answers' "$(output)" no
status_is 0 'stopping what is stopped' web stop 'exit 9'
status_is 0 'started' web start "$nginx"
is 'it answers' "$(web answers)" yes
status_is 0 'starting what runs: the command is not run' web start "touch $tmp/started"
not_ok 'indeed' test -e "$tmp/started"
status_is 0 'reloaded' web reload "$nginx -s reload"
status_is 3 'a reload that fails' web reload "$nginx -s nonsense"
like 'is told with its words' "$(errors)" 'ended in 1.*invalid option'
status_is 3 'a command that lies: still there' web stop 'true'
like 'is found out' "$(errors)" '"true" ended in 0, and the web server .* is not as it should be'
status_is 0 'a command that complains, but works' web stop "$nginx -s stop; echo complaint; exit 1"
is 'nobody answers' "$(web answers)" no
status_is 3 'a command that lies: not there' web start 'echo all is well'
like 'is found out' "$(errors)" 'ended in 0, .*: all is well'
status_is 3 'a command that hangs' web start 'sleep 60'
like 'is ended' "$(errors)" 'took longer than'
status_is 0 'a server that keeps the output open' web start "$nginx -g 'daemon off;' & sleep 0.1"
kill "$(cat "$tmp/nginx.pid")"
# A server that still answers needs no start, and none is asked for.
wait_for 10 nobody_answers
status_is 2 'no command' web start
done_testing
