# shellcheck shell=bash
# names.sh - a site that moves by DNS, in a lab: everything of stage.sh, two authoritative servers (Knot DNS; dns2 gets the zone
# from dns1), visitors who go by resolvers, and the faults that are made. Sourced behind lib.sh, lab/namespaces.sh,
# lab/database.sh, lab/dns.sh, agent.sh and stage.sh, inside of a lab.
#
#     names_stage                        the site; production is in at the database, and the name is its
#     switch switch standby              as `us`; the progress is in $tmp/stderr
#     moving switch standby; reached lower-ttl; ...; moved      the same in the background
#     visit; switch return; leave; failed; pages_after "$since" standby
#
# Without DNS: stage_network; stage_moves=exec; moves_stage 'exec { ... }'.

check_url=http://$name/portal/health

# names_enter SCRIPT: in a lab of its own, which it enters by running itself again.
names_enter()
{
        [[ -z ${LAB_FOLDER:-} ]] || return 0
        need_root
        need ip unshare nsenter setpriv nft psql jq nginx ssh sshd ssh-keygen curl perl knotd knotc
        lab_postgres_programs >/dev/null || skip_all 'PostgreSQL is not installed'
        chmod 0755 "$tmp"
        TMPDIR=$tmp lab_enter '' "$1"
        exit
}

names_stage()
{
        stage_network && stage_names || bail_out 'no network, or no name servers'
        stage_moves=dns
        moves_stage "$(stage_names_section)"
}

# moves_stage LINE: the site, with this section of its configuration.
moves_stage()
{
        local host
        make_site "$tmp/src"
        make_repository
        stage_database || bail_out 'no accounts'
        stage_server production && stage_server standby || bail_out 'the web servers do not start'
        agent_keys
        stage_ssh "$tmp/ssh/config" "$tmp/ssh/controller"
        stage_config "$tmp/site.conf" "ssh_config = \"$tmp/ssh/config\"" "$1" \
                "check \"health\" { url = \"$check_url\" expect = \"well\" timeout = 2s }" 'limits { drain = 5s }'
        us check --config "$tmp/site.conf" --offline || bail_out "$(output)$(errors)"
        mkdir -p "$tmp/controller" "$tmp/database/state"
        for host in production standby database; do
                us agent --config "$tmp/site.conf" --server "$host" --state "$tmp/$host/state" --authorize "$tmp/ssh/controller.pub"
                stage_sshd "$host" "$(output)"
        done
        for host in production standby database; do wait_for 40 reach "$host" || bail_out "no agent on $host: $(output)$(errors)"; done
        switch fence begin production || bail_out "the fence cannot be begun: $(errors)"
}

# ---------------------------------------------------------------- moving and looking

switch() { us "$@" --config "$tmp/site.conf" --state "$tmp/controller"; }
drive() { run "$build_folder/tests/support/agent_driver" "$1" "$1" "$tmp/ssh/config" "$2" '' 20000 1; }
reach() { drive "$1" clock && [[ $status -eq 0 ]]; }
# places: of production and the stand-by at the database
places() { drive database fence-look && sed 's/^ok //' "$tmp/stdout" | jq -r '[.members | sort_by(.server)[].place] | join(" ")'; }
# names_at HOST: "TTL ADDRESS" as that server answers
names_at()
{
        "$build_folder/tests/support/traffic_driver" dns example.org understudy hmac-sha256 x 3000 "$1" "$1" -- ask "$1" $name
}
# stage_is WHO WORDS: the name at both servers, its usual TTL, and who may write
stage_is()
{
        local other=production
        [[ $1 == standby ]] || other=standby
        is "$2: the name at the primary" "$(names_at 192.0.2.53)" "$ttl ${stage_addresses[$1]}"
        is 'and at the secondary' "$(names_at 192.0.2.54)" "$ttl ${stage_addresses[$1]}"
        if [[ $1 == production ]]; then is "$1 may write, $other not" "$(places)" 'in out'; else is "$1 may write, $other not" "$(places)" 'out in'; fi
}

# moving COMMAND...: in the background; reached STEP: it is about to make that step; moved: it has ended, $status.
moving()
{
        : >"$tmp/moving.log"
        "$UNDERSTUDY" "$@" --config "$tmp/site.conf" --state "$tmp/controller" --verbose >"$tmp/moving.out" 2>"$tmp/moving.log" </dev/null &
        move=$!
        cleanup_process "$move"
}
said() { grep -q -- "$1" "$tmp/moving.log"; }
reached() { wait_for 60 said "s  $1 \\.\\.\\." || { diag "it does not come to $1:" "$(cat "$tmp/moving.log")"; return 1; }; }
moved()
{
        wait "$move" 2>/dev/null
        status=$?
        cp "$tmp/moving.out" "$tmp/stdout"
        cp "$tmp/moving.log" "$tmp/stderr"
}

# ---------------------------------------------------------------- visitors

# visit [ADDRESS]: of this one, or by the name.
visit()
{
        rm -f "$tmp/stop"
        "$source_folder/lab/gap.pl" "${1:-$name@192.0.2.53,192.0.2.54}" /portal/health "$tmp/stop" 10 5000 >"$tmp/visits" 2>&1 &
        visitor=$!
        cleanup_process "$visitor"
        wait_for 20 grep -q ' 200 ' "$tmp/visits"
}
leave()
{
        : >"$tmp/stop"
        wait "$visitor"
        diag "$(wc -l <"$tmp/visits") pages, $(failed) failed" "$(grep -v ' 200 ' "$tmp/visits" | head -n 3)"
}
failed() { grep -vc ' 200 ' "$tmp/visits"; }
now() { perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'print int 1000 * clock_gettime(CLOCK_MONOTONIC)'; }
# pages_after MILLISECONDS WHO
pages_after() { awk -v since="$1" -v who="$2" '$1 > since && $3 == who { n++ } END { print n + 0 }' "$tmp/visits"; }

# ---------------------------------------------------------------- faults

# The zone does not get from the primary to the secondary.
cut_secondary()
{
        lab_in dns2 nft -f - <<'END'
table inet cut {
        chain in { type filter hook input priority 0; ip saddr 192.0.2.53 drop; }
        chain out { type filter hook output priority 0; ip daddr 192.0.2.53 drop; }
}
END
}
mend_secondary()
{
        lab_in dns2 nft delete table inet cut
        lab_dns_control dns2 zone-refresh example.org >/dev/null 2>&1
}
# The primary makes updates, and its answers are lost on their way. (A bare acknowledgement is shorter.)
lose_answers()
{
        lab_in dns1 nft -f - <<'END'
table inet lossy {
        chain out { type filter hook output priority 0; ip daddr 192.0.2.200 tcp sport 53 ip length > 80 drop; }
}
END
}
find_answers() { lab_in dns1 nft delete table inet lossy; }
# primary_takes KEY-SECRET / primary_takes nothing
primary_takes()
{
        local file=$LAB_FOLDER/dns-dns1/knot.conf
        if [[ $1 == nothing ]]; then
                sed -i 's/acl: \[update, transfer\]/acl: [transfer]/' "$file"
        else
                sed -i "s|^    secret: .*|    secret: $1|; s/acl: \\[transfer\\]/acl: [update, transfer]/" "$file"
        fi
        lab_dns_control dns1 reload >/dev/null 2>&1
}
primary() { kill "-$1" "$(cat /run/dns-dns1/knot.pid)"; }
secondary() { kill "-$1" "$(cat /run/dns-dns2/knot.pid)"; }
