# shellcheck shell=bash
# faults.sh - what may befall a site while a move is under way, each fault made and mended, in a lab. Sourced behind failover.sh and
# lab/dns.sh, inside of a lab whose servers' folders are file systems of their own (small_disks).
#
#     fault_hosts keeper-killed production standby    whom it can befall, when the one leaves and the other comes
#     break_it keeper-killed production               it is made
#     mend_it keeper-killed production                and mended, as systemd or a person would, without anything being edited
#
# A killed process is missing until it is mended, and one that is stopped goes on then. Whoever hangs or is away comes back: what a
# move makes of it meanwhile is the test's to say.

# The faults that befall a process, a machine or the network; those of the process that makes the move are the tests' own.
common_faults=(agent-killed agent-stopped keeper-killed keeper-stopped holder-stopped sshd-killed sshd-stopped session-killed session-stopped
        names-killed names-stopped database-killed database-stopped cut cut-out slow disk-server)

fault_hosts()
{
        case $1 in
        controller-overtaken) echo "$2" ;;
        controller* | disk | tampered) ;;
        keeper-* | holder-*) echo "$2 $3" ;;
        names-*) echo 'dns1 dns2' ;;
        database-*) echo database ;;
        disk-server) echo "$3 database $2" ;;
        *) echo 'production standby database' ;;
        esac
}

# small_disks: 32 MB each. Before there is anything on them.
small_disks()
{
        local host
        for host in production standby database; do
                mkdir -p "$tmp/$host" && mount -t tmpfs -o size=32m,mode=0755 none "$tmp/$host" || return
        done
}

# ---------------------------------------------------------------- processes

# those_of HOST NAME PATTERN: processes of this name whose command line has the pattern.
those_of()
{
        local pid
        for pid in $(processes_of "$1" "$2"); do
                tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "$3" && echo "$pid"
        done
}
to_those() { those_of "${@:2}" | xargs -r kill "-$1" 2>/dev/null; }

to_agents() { to_those "$1" "$2" understudy ' agent '; }
to_keeper() { to_those "$1" "$2" understudy ' keeper '; }
to_listener() { to_those "$1" "$2" sshd '\[listener\]'; }
to_sessions() { to_those "$1" "$2" sshd '^sshd: root'; }

# A supervisor ends what a killed postmaster left, before it starts another.
start_database()
{
        signal KILL database postgres
        wait_for 10 no_postgres
        lab_postgres_start database
}
no_postgres() { [[ -z $(processes_of database postgres) ]]; }

# By its journal, and not by the file with which it once began.
start_names()
{
        sed -i 's/zonefile-load: difference/zonefile-load: none/' "$LAB_FOLDER/dns-$1/knot.conf"
        lab_dns_start "$1" - example.org
}

# ---------------------------------------------------------------- the network

# cut_off HOST [out]: from everything, or it is heard by nobody.
cut_off()
{
        {
                echo 'table inet cut {'
                [[ -n ${2:-} ]] || echo 'chain in { type filter hook prerouting priority -400; iifname "eth0" drop; }'
                echo 'chain out { type filter hook output priority -400; oifname "eth0" drop; }'
                echo '}'
        } | lab_in "$1" nft -f -
}
mend_link() { lab_in "$1" nft delete table inet cut; }

# 150 ms each way, give or take 50, and of a hundred frames five are lost. (Linux has netem for this, but not every kernel.)
slow_link()
{
        local port=port-${1:0:10}
        nsenter --net=/proc/1/ns/net "$source_folder/tests/support/slow_link.pl" "$port" switch 150 50 5 "$tmp/slow.ready" 2>"$tmp/slow.log" &
        slow=$!
        wait_for 5 test -e "$tmp/slow.ready" || diag "the link is not slow: $(cat "$tmp/slow.log")"
}
mend_slow()
{
        kill -TERM "$slow" && wait "$slow"
        rm -f "$tmp/slow.ready"
}

# ---------------------------------------------------------------- made and mended

break_it()
{
        case $1 in
        agent-killed) to_agents KILL "$2" ;;
        agent-stopped) to_agents STOP "$2" ;;
        keeper-killed) to_keeper KILL "$2" ;;
        keeper-stopped) to_keeper STOP "$2" ;;
        holder-stopped) to_keeper STOP "$2" && signal STOP "$2" holder ;;
        sshd-killed) to_listener KILL "$2" && to_sessions KILL "$2" ;;
        sshd-stopped) to_listener STOP "$2" ;;
        session-killed) to_sessions KILL "$2" ;;
        session-stopped) to_sessions STOP "$2" ;;
        names-killed) kill -KILL "$(cat "/run/dns-$2/knot.pid")" ;;
        names-stopped) kill -STOP "$(cat "/run/dns-$2/knot.pid")" ;;
        database-killed) kill -KILL "$(head -n 1 "$LAB_FOLDER/postgres-database/data/postmaster.pid")" ;;
        database-stopped) signal STOP database postgres ;;
        cut) cut_off "$2" ;;
        cut-out) cut_off "$2" out ;;
        slow) slow_link "$2" ;;
        disk-server) head -c 64M /dev/zero >"$tmp/$2/filler" ;;
        esac
}

mend_it()
{
        case $1 in
        agent-stopped) to_agents CONT "$2" ;;
        keeper-killed) keeper "$2" ;;
        keeper-stopped) to_keeper CONT "$2" ;;
        holder-stopped) to_keeper CONT "$2" && signal CONT "$2" holder ;;
        sshd-killed) stage_sshd "$2" "$(cat "$tmp/ssh/$2/authorized_keys")" ;;
        sshd-stopped) to_listener CONT "$2" ;;
        session-stopped) to_sessions CONT "$2" ;;
        names-killed) start_names "$2" ;;
        names-stopped) kill -CONT "$(cat "/run/dns-$2/knot.pid")" ;;
        database-killed) start_database ;;
        database-stopped) signal CONT database postgres ;;
        cut | cut-out) mend_link "$2" ;;
        slow) mend_slow ;;
        disk-server) rm "$tmp/$2/filler" ;;
        esac
}
