# shellcheck shell=bash
# etcd.sh - a real etcd cluster of three for a site in a lab, and several controllers that ask it. Sourced behind failover.sh, for a
# site of its making, inside of a lab.
#
#     etcd_hosts 2                     hosts etcd1, etcd2, etcd3, and watch1, watch2 for controllers; the cluster answers
#     member 2                         it runs (again); signal KILL etcd2 etcd
#     watcher watch1; leads watch1     a controller there
#     cut_off watch1 192.0.2.21        nothing goes between the two; mend watch1

endpoints=http://192.0.2.21:2379,http://192.0.2.22:2379,http://192.0.2.23:2379
coordination="coordination { etcd { endpoints = {\"${endpoints//,/\", \"}\"} lease = 2s } }"
cluster=e1=http://192.0.2.21:2380,e2=http://192.0.2.22:2380,e3=http://192.0.2.23:2380

member()
{
        local n=$1 url=http://192.0.2.2$1
        lab_in "etcd$n" etcd --name "e$n" --data-dir "$tmp/etcd$n" --listen-client-urls "$url:2379" --advertise-client-urls "$url:2379" \
                --listen-peer-urls "$url:2380" --initial-advertise-peer-urls "$url:2380" --initial-cluster "$cluster" \
                --initial-cluster-state new --log-level error >"$tmp/etcd$n.log" 2>&1 </dev/null &
}
etcd_says() { ETCDCTL_API=3 etcdctl --endpoints "$endpoints" --command-timeout=5s "$@" 2>"$tmp/etcdctl"; }

declare -gA watchers
# watcher NAME: a controller on that host, with a state of its own
watcher()
{
        mkdir -p "$tmp/$1"
        : >"$tmp/$1.log"
        nsenter --net="/run/netns/$1" "$UNDERSTUDY" controller --config "$tmp/site.conf" --state "$tmp/$1" >>"$tmp/$1.log" 2>&1 </dev/null &
        watchers[$1]=$!
        wait_for 30 grep -q '^ready' "$tmp/$1.log"
}
end_watcher() { { kill -KILL "${watchers[$1]}" && wait "${watchers[$1]}"; } 2>/dev/null; }
leads() { [[ $(grep -E 'this controller (leads|does not lead)' "$tmp/$1.log" | tail -n 1) == *'controller leads' ]]; }
leads_not() { ! leads "$1"; }
# cut_off HOST ADDRESS...: nothing goes from there to these
cut_off()
{
        local host=$1
        shift
        lab_in "$host" nft -f - <<END
table inet cut {
        chain out { type filter hook output priority -400; ip daddr { $(IFS=,; echo "$*") } drop; }
        chain in { type filter hook prerouting priority -400; ip saddr { $(IFS=,; echo "$*") } drop; }
}
END
}
mend() { lab_in "$1" nft delete table inet cut; }
# made: how many failovers were made, by all of them.
made()
{
        local name
        for name in "${!watchers[@]}"; do "$UNDERSTUDY" journal show --dir "$tmp/$name/journal" --json 2>/dev/null; done |
                jq -r 'select(.kind == "step_done" and .step == "probe-site") | .step' | grep -c .
}
epoch() { drive database arbiter && sed 's/^ok //' "$tmp/stdout" | jq -r .epoch; }

etcd_answers() { etcd_says put /test/begun yes >"$tmp/put"; }
etcd_hosts()
{
        local n
        for n in 1 2 3; do lab_host "etcd$n" "192.0.2.2$n" && member "$n" || bail_out 'no hosts'; done
        for ((n = 1; n <= $1; n++)); do lab_host "watch$n" "192.0.2.3$n" || bail_out 'no hosts'; done
        wait_for 60 etcd_answers || bail_out "no etcd: $(cat "$tmp/etcdctl" "$tmp/etcd1.log")"
}
