# shellcheck shell=bash
# dns.sh - authoritative name servers (Knot DNS) on hosts of the lab. For demo.sh and for tests; needs namespaces.sh,
# inside of a lab.
#
#     lab_dns_key KEY.example.org SECRET                              a key that may update; before the servers
#     lab_dns_primary dns1 192.0.2.53 example.org ZONEFILE ADDRESS... takes updates, and tells these secondaries
#     lab_dns_secondary dns2 192.0.2.54 example.org 192.0.2.53        gets the zone from there
#     lab_dns_control dns2 zone-refresh                               knotc
#
# Each returns when the server answers for the zone. Everything is in $LAB_FOLDER/dns-HOST; /run/dns-HOST/knot.pid has the
# process.

LAB_DNS_KEYS=()
lab_dns_key() { LAB_DNS_KEYS+=("$1 $2"); }

lab_dns_write()
{
        local host=$1 address=$2 here=$LAB_FOLDER/dns-$1 one
        mkdir -p "$here/zones" "/run/dns-$host" || return
        cat >"$here/knot.conf" <<CONF
server:
    rundir: /run/dns-$host
    listen: $address@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    automatic-acl: off
log:
  - target: $here/log
    any: info
database:
    storage: $here
    journal-db-max-size: 10M
    timer-db-max-size: 1M
    kasp-db-max-size: 10M
    catalog-db-max-size: 10M
CONF
        [[ ${#LAB_DNS_KEYS[@]} -eq 0 ]] || echo 'key:' >>"$here/knot.conf"
        for one in "${LAB_DNS_KEYS[@]}"; do
                printf '  - id: %s\n    algorithm: hmac-sha256\n    secret: %s\n' "${one%% *}" "${one#* }" >>"$here/knot.conf"
        done
}

lab_dns_start()
{
        local host=$1 address=$2 zone=$3 here=$LAB_FOLDER/dns-$1 end=$((SECONDS + 15))
        lab_in "$host" knotd -c "$here/knot.conf" >"$here/out" 2>&1 </dev/null &
        until lab_dns_control "$host" zone-status "$zone" +serial 2>/dev/null | grep -q 'serial: [0-9]'; do
                [[ $SECONDS -lt $end ]] || { cat "$here/out" "$here/log" >&2; return 1; }
                sleep 0.05
        done
}

lab_dns_control()
{
        local host=$1
        shift
        knotc -s "/run/dns-$host/knot.sock" "$@"
}

# The first key may update; the others are known, and may not.
lab_dns_primary()
{
        local host=$1 address=$2 zone=$3 file=$4 here=$LAB_FOLDER/dns-$1 one
        shift 4
        lab_dns_write "$host" "$address" && cp "$file" "$here/zones/$zone.zone" || return
        {
                [[ $# -eq 0 ]] || echo 'remote:'
                for one; do printf '  - id: at-%s\n    address: %s@53\n' "$one" "$one"; done
                printf 'acl:\n  - id: update\n    key: %s\n    action: update\n' "${LAB_DNS_KEYS[0]%% *}"
                printf '  - id: transfer\n    address: 192.0.2.0/24\n    action: transfer\n'
                printf 'zone:\n  - domain: %s\n    storage: %s/zones\n    file: %s.zone\n' "$zone" "$here" "$zone"
                printf '    acl: [update, transfer]\n    zonefile-sync: -1\n    zonefile-load: difference\n    journal-content: all\n'
                [[ $# -eq 0 ]] || printf '    notify: [%s]\n' "$(printf 'at-%s, ' "$@" | sed 's/, $//')"
        } >>"$here/knot.conf"
        lab_dns_start "$host" "$address" "$zone"
}

lab_dns_secondary()
{
        local host=$1 address=$2 zone=$3 primary=$4 here=$LAB_FOLDER/dns-$1
        lab_dns_write "$host" "$address" || return
        cat >>"$here/knot.conf" <<CONF
remote:
  - id: primary
    address: $primary@53
acl:
  - id: notify
    address: $primary
    action: notify
zone:
  - domain: $zone
    storage: $here/zones
    master: primary
    acl: notify
CONF
        lab_dns_start "$host" "$address" "$zone"
}
