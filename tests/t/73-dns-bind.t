#!/bin/bash
# Moving a name at BIND: signed updates that compare, what is read back, and refusals. In a lab of its own.
. "$(dirname "$0")/lib.sh"
use namespaces
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter setpriv named
        TMPDIR=$tmp lab_enter '' "$(readlink -f "$0")"
        exit
fi

driver=$build_folder/tests/support/traffic_driver
secret=$(head -c 32 /dev/urandom | base64)
other=$(head -c 32 /dev/urandom | base64)
lab_network && lab_host dns1 192.0.2.53 || bail_out 'no network'
mkdir -p "$tmp/bind"
cat >"$tmp/bind/zone" <<'END'
$ORIGIN example.org.
$TTL 300
@       SOA     dns1 hostmaster 1 86400 3600 604800 60
        NS      dns1
dns1    A       192.0.2.53
www     A       192.0.2.77
www     AAAA    2001:db8::77
two     A       192.0.2.77
two     A       192.0.2.79
END
cat >"$tmp/bind/named.conf" <<END
options {
        directory "$tmp/bind"; pid-file "$tmp/bind/pid"; session-keyfile "$tmp/bind/session.key"; managed-keys-directory "$tmp/bind";
        listen-on { 192.0.2.53; }; listen-on-v6 { none; };
        recursion no; notify no; dnssec-validation no;
};
controls { };
key "understudy.example.org" { algorithm hmac-sha256; secret "$secret"; };
key "readonly.example.org" { algorithm hmac-sha256; secret "$other"; };
zone "example.org" { type primary; file "zone"; update-policy { grant understudy.example.org zonesub A AAAA; }; };
END
lab_in dns1 named -f -n 1 -c "$tmp/bind/named.conf" >"$tmp/bind/out" 2>&1 </dev/null &
named=$!
cleanup_process "$named"

key=understudy.example.org use=$secret patience=5000
dns() { "$driver" dns example.org "$key" hmac-sha256 "$use" "$patience" 192.0.2.53 -- "$@"; }
ask() { dns ask 192.0.2.53 "${1:-www.example.org}" 2>/dev/null; }
answers() { [[ $(ask) == '300 192.0.2.77' ]]; }
ok 'BIND answers' wait_for 20 answers || diag "$(cat "$tmp/bind/out")"

status_is 0 'the TTL is lowered' dns ttl www.example.org 5
is 'and read back' "$(ask)" '5 192.0.2.77'
status_is 0 'an update that changes nothing shows that the key may' dns change www.example.org 5 192.0.2.77 192.0.2.77
status_is 0 'moved' dns change www.example.org 5 192.0.2.77 192.0.2.78
is 'and read back' "$(ask)" '5 192.0.2.78'
status_is 0 'the same again: it is so already' dns change www.example.org 5 192.0.2.77 192.0.2.78
status_is 0 'IPv6' dns change www.example.org 5 2001:db8::77 2001:db8::78
status_is 0 'several addresses' dns change two.example.org 60 192.0.2.79,192.0.2.77 192.0.2.78
is 'are one set' "$(ask two.example.org)" '60 192.0.2.78'
status_is 0 'the server that visitors ask shows it' dns wait www.example.org 5 192.0.2.78
is 'which is told' "$(output)" 'same 0'

status_is 4 'the old value is another one' dns change www.example.org 5 192.0.2.77 192.0.2.99
like 'what it is now is told' "$(errors)" 'somebody else changed it.*192\.0\.2\.78'
use=$other
status_is 3 'a wrong secret' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'another secret .* understudy.example.org \(BADSIG\)'
key=stranger.example.org
status_is 3 'an unknown key' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'does not take the key stranger.example.org: .*BADKEY'
key=readonly.example.org
status_is 3 'a key that may not' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is told as one' "$(errors)" 'refuses the update \(REFUSED\); see that its key readonly.example.org may'
is 'nothing was changed by any of these' "$(ask)" '5 192.0.2.78'

key=understudy.example.org use=$secret patience=1200
kill -STOP "$(cat "$tmp/bind/pid")"
status_is 3 'no answer at all' dns change www.example.org 5 192.0.2.78 192.0.2.77
like 'is not called a failure, but not known' "$(errors)" 'not known whether www.example.org was changed'
kill -CONT "$(cat "$tmp/bind/pid")"
patience=5000
status_is 0 'asked again when it answers' dns change www.example.org 5 192.0.2.78 192.0.2.77
is 'it is so' "$(ask)" '5 192.0.2.77'
done_testing
