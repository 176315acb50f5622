#!/bin/bash
# Moving a name at real name servers (Knot DNS): a primary, a secondary, and one that is behind. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces dns
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv nft knotd knotc
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/traffic_driver
secret=$(head -c 32 /dev/urandom | base64)
other=$(head -c 32 /dev/urandom | base64)
lab_dns_key understudy.example.org "$secret"
lab_dns_key readonly.example.org "$other"
lab_network && lab_host dns1 192.0.2.53 && lab_host dns2 192.0.2.54 && lab_host dns3 192.0.2.55 ||
        bail_out 'no network'
cat >"$tmp/zone" <<'END_ZONE'
$ORIGIN example.org.
$TTL 300
@       SOA     dns1 hostmaster 1 86400 3600 604800 60
        NS      dns1
        NS      dns2
        NS      dns3
dns1    A       192.0.2.53
dns2    A       192.0.2.54
dns3    A       192.0.2.55
www     A       192.0.2.77
www     AAAA    2001:db8::77
two     A       192.0.2.77
two     A       192.0.2.79
END_ZONE
# The third server is not told of changes, and looks for them once a day.
lab_dns_primary dns1 192.0.2.53 example.org "$tmp/zone" 192.0.2.54 && lab_dns_secondary dns2 192.0.2.54 example.org 192.0.2.53 &&
        lab_dns_secondary dns3 192.0.2.55 example.org 192.0.2.53 || bail_out 'no name servers'

primary=$(cat /run/dns-dns1/knot.pid) secondary=$(cat /run/dns-dns2/knot.pid)
key=understudy.example.org use=$secret patience=3000
dns() { "$driver" dns example.org "$key" hmac-sha256 "$use" "$patience" 192.0.2.53 192.0.2.54 192.0.2.55 -- "$@"; }
ask() { dns ask "$1" "${2:-www.example.org}"; }

is 'asked' "$(ask 192.0.2.53)" '300 192.0.2.77'
is 'a name that is not there' "$(ask 192.0.2.53 nothing.example.org)" '0'
status_is 3 'a server that is not authoritative' ask 192.0.2.53 www.example.net
like 'says so' "$(errors)" '192.0.2.53: .*does not answer for www.example.net'

status_is 0 'the TTL is lowered' dns ttl www.example.org 5
is 'what it was before is told' "$(output)" '300 192.0.2.77'
is 'the primary has it' "$(ask 192.0.2.53)" '5 192.0.2.77'

status_is 0 'moved' dns change www.example.org 5 192.0.2.77 192.0.2.78
is 'the primary has it' "$(ask 192.0.2.53)" '5 192.0.2.78'
status_is 0 'the same again: it is so already' dns change www.example.org 5 192.0.2.77 192.0.2.78
is 'another name kept its addresses' "$(ask 192.0.2.53 two.example.org)" '300 192.0.2.77 192.0.2.79'
status_is 0 'IPv6' dns change www.example.org 5 2001:db8::77 2001:db8::78
status_is 0 'several addresses' dns change two.example.org 60 192.0.2.79,192.0.2.77 192.0.2.78
is 'are one set' "$(ask 192.0.2.53 two.example.org)" '60 192.0.2.78'

# ---------------------------------------------------------------- one of the servers is behind

status_is 0 'all servers are looked at' dns wait www.example.org 5 192.0.2.78
is 'the third is behind' "$(output)" 'same same other 1'
lab_dns_control dns3 zone-refresh example.org >"$tmp/refresh" 2>&1
status_is 0 'it catches up' dns wait www.example.org 5 192.0.2.78
is 'all are there' "$(output)" 'same same same 0'
kill -STOP "$secondary"
patience=1500
status_is 0 'one that hangs' dns wait www.example.org 5 192.0.2.78
is 'is silent, not wrong' "$(output)" 'same silent same 1'
kill -CONT "$secondary"
patience=3000

# ---------------------------------------------------------------- somebody else was first, and refusals

status_is 4 'the old value is another one' dns change www.example.org 5 192.0.2.77 192.0.2.99
like 'what it is now is told' "$(errors)" 'somebody else changed it.*192\.0\.2\.78'
is 'and nothing was changed' "$(ask 192.0.2.53)" '5 192.0.2.78'

use=$other
status_is 3 'a wrong secret' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'another secret .* understudy.example.org \(BADSIG\)'
key=stranger.example.org
status_is 3 'an unknown key' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'does not take the key stranger.example.org: .*BADKEY'
key=readonly.example.org
status_is 3 'a key that may not' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'may not change this name'
key=understudy.example.org use='no base64!'
status_is 2 'a secret that is none' dns change www.example.org 5 192.0.2.78 192.0.2.77
use=$secret
status_is 2 'a name of another zone' dns change www.example.net 5 192.0.2.78 192.0.2.77
is 'nothing was changed by any of these' "$(ask 192.0.2.53)" '5 192.0.2.78'

# ---------------------------------------------------------------- answers that do not come

# The update arrives and is made; its answer is lost on the way. (A bare acknowledgement is shorter.)
lab_in dns1 nft -f - <<'END_NFT'
table inet lossy {
        chain out {
                type filter hook output priority 0;
                tcp sport 53 ip length > 80 drop
        }
}
END_NFT
status_is 0 'made but not answered: found out by looking' dns change www.example.org 5 192.0.2.78 192.0.2.77
is 'it was made once' "$(ask 192.0.2.53)" '5 192.0.2.77'
lab_in dns1 nft delete table inet lossy

kill -STOP "$primary"
patience=1200
status_is 3 'no answer at all' dns change www.example.org 5 192.0.2.77 192.0.2.78
like 'is not called a failure, but not known' "$(errors)" 'not known whether www.example.org was changed'
kill -CONT "$primary"
patience=3000
# What was on its way is made now or never; the same call again ends well in either case.
status_is 0 'asked again when it answers' dns change www.example.org 5 192.0.2.77 192.0.2.78
is 'it is so' "$(ask 192.0.2.53)" '5 192.0.2.78'

kill "$primary"
gone() { ! kill -0 "$primary" 2>/dev/null; }
wait_for 10 gone
patience=500
status_is 3 'no server' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'certain: nothing was sent' "$(errors)" 'cannot send an update'
done_testing
