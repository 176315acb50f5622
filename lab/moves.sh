# shellcheck shell=bash
# moves.sh - the site of the acts in which Understudy moves it by itself: production, a stand-by that rests stopped, the database's
# host with the controller, two name servers, a publisher, visitors. Sourced by demo.sh.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; $LAB_FOLDER, $act ...: in demo.sh
# shellcheck disable=SC2034 # for stage.sh
# shellcheck source-path=SCRIPTDIR
# shellcheck source=dns.sh
. "$here/dns.sh"
# shellcheck source=stage.sh
. "$here/stage.sh"
# shellcheck source=switch_act.sh
. "$here/switch_act.sh"
# shellcheck source=failover_act.sh
. "$here/failover_act.sh"

# The packages that are missing for these acts.
moves_missing()
{
        local pair missing=()
        for pair in knotd:knot nft:nftables sshd:openssh-server ssh:openssh-client perl:perl; do
                command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
        done
        lab_postgres_programs >/dev/null || missing+=(postgresql)
        echo "${missing[*]}"
}

# In a lab within the lab: it has a production and a stand-by of its own.
moves()
{
        local missing status
        missing=$(moves_missing)
        if [[ -n $missing || ! -x $UNDERSTUDY_PORTAL ]]; then
                # shellcheck disable=SC2059
                [[ $act == all ]] || fail 3 "$(printf "$word_need_programs" "$missing")"
                heading "$word_act6"
                step "$word_moves_left_out" "${missing:-understudy-portal}"
                echo '{"good": "left-out", "switch": null, "failover": null}' >moves.json
                return
        fi
        mkdir -p moves
        LAB_FOLDER=$LAB_FOLDER/moves DEMO_MOVES=yes setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc \
                bash "$here/demo.sh" ${keep:+--keep} ${json:+--json} ${quiet:+--quiet} --act "$act" --lang "$language"
        status=$?
        [[ $status -eq 0 ]] || exit "$status"
        cp moves/moves.json .
}

moves_run()
{
        cd "$LAB_FOLDER" || exit 3
        portal=$UNDERSTUDY_PORTAL
        tmp=$LAB_FOLDER repo=$LAB_FOLDER/repository pub=$LAB_FOLDER/keys/release.pub
        export UNDERSTUDY_STATE=$LAB_FOLDER/state
        moves_good=true
        echo null >switch.json
        echo null >failover.json
        [[ $act == failover ]] || act6
        [[ $act == switch ]] || act7
        jq -n --argjson good "$moves_good" --slurpfile switch switch.json --slurpfile failover failover.json \
                '{good: $good, switch: $switch[0], failover: $failover[0]}' >moves.json
}

wait_for() { act4_wait "$@"; }

# What the site is made of; a page made by a program is the portal's here.
moves_files()
{
        mkdir -p src/files keys ssh controller database/state && cp -r "$here/site/." src && rm -rf src/login src/contact.php src/lib &&
                chmod -R u=rwX,go=rX src && head -c 16M /dev/urandom >src/files/archive.bin || return
        moves_digest=$(sha256sum src/files/archive.bin | cut -d' ' -f1)
        "$UNDERSTUDY" keygen keys --no-password >stage.out 2>&1 && moves_publish
}
moves_publish() { "$UNDERSTUDY" publish src --repo repository --key keys/release.key --site lab >stage.out 2>&1; }

moves_stage()
{
        local host
        [[ -z ${moves_staged:-} ]] || return 0
        moves_files && stage_network && stage_names && stage_database >>stage.out 2>&1 &&
                stage_server production && stage_server standby &&
                ssh-keygen -q -t ed25519 -N '' -C controller -f ssh/controller </dev/null &&
                stage_ssh ssh/config "$tmp/ssh/controller" || return
        stage_more[standby]="standby_rest = web_stopped
web_start = \"nginx -c $tmp/standby/nginx.conf -e $tmp/standby/nginx.log >$tmp/standby/nginx.out 2>&1 &\"
web_stop = \"nginx -c $tmp/standby/nginx.conf -e $tmp/standby/nginx.log -s stop\""
        moves_configure "$1" || return
        for host in production standby database; do
                stage_sshd "$host" "$(moves_authorize "$host" controller)" || return
        done
        for host in production standby database; do
                wait_for 20 lab_in "$host" bash -c ': </dev/tcp/127.0.0.1/22' 2>/dev/null || return
        done
        moves_understudy fence begin production >>stage.out 2>&1 || return
        moves_rest
        moves_staged=yes
        step "$word_moves_servers"
}

# moves_authorize SERVER KEY [MORE...]
moves_authorize()
{
        "$UNDERSTUDY" agent --config "$tmp/site.conf" --server "$1" --state "$tmp/$1/state" --authorize "$tmp/ssh/$2.pub" "${@:3}"
}

# moves_configure dns|address: the planned moves of the first site, the failover of the second.
moves_configure()
{
        local url=http://$name/portal/health
        stage_moves=$1
        moves_check="check \"health\" { url = \"$url\" expect = \"well\" interval = 200ms timeout = 1s failures = 2 }"
        moves_limits='limits { drain = 20s hold_down = 1s flips = 50 lease_self = 1500ms lease_take = 1700ms }'
        moves_section=''
        [[ $1 != dns ]] || moves_section=$(stage_names_section)
        stage_config site.conf "ssh_config = \"$tmp/ssh/config\"" "$moves_check" "$moves_limits" \
                'on_tamper { planned = refuse failover = refuse }' "$moves_section" &&
                "$UNDERSTUDY" check --config site.conf --offline >>stage.out 2>&1
}

# As whoever is at the controller, which is on the database's host.
moves_understudy() { lab_in database "$UNDERSTUDY" --lang "$language" "$@" --config "$tmp/site.conf" --state "$tmp/controller"; }

# The stand-by's web server rests.
moves_rest()
{
        kill "$(cat standby/nginx.pid)" 2>/dev/null
        wait_for 5 moves_is_stopped
}
moves_is_stopped() { ! lab_in standby curl -s -o /dev/null http://127.0.0.1/; }

moves_may_write() { lab_in "$1" curl -fsS -m 5 -o health http://127.0.0.1/portal/health 2>/dev/null; }
# moves_only SERVER OTHER: the one can write to the database, the other cannot.
moves_only() { moves_may_write "$1" && ! moves_may_write "$2"; }

# moves_alone SERVER OTHER WORDS: who may write to the database, as the servers themselves find out.
moves_alone()
{
        if moves_only "$1" "$2"; then
                step "$green$word_moves_only$plain" "$3"
        else
                step "$red$word_moves_not_only$plain" "$3"
                moves_good=false
                return 1
        fi
}

# moves_command COMMAND...: a line for each step; its words are in move.log. When it drains, connections that stand come to
# their end, for which the file stop.kept is the sign.
moves_command()
{
        local line word
        command_line understudy "$@" --config site.conf
        moves_understudy "$@" --verbose 2>&1 </dev/null | tee move.log | while IFS= read -r line; do
                [[ $line =~ ^\ *([0-9.]+)\ s\ \ ([a-z-]+)(.*)$ ]] || continue
                if [[ ${BASH_REMATCH[3]} == ' ...' ]]; then
                        [[ ${BASH_REMATCH[2]} != drain ]] || { sleep 1 && : >stop.kept; }
                        continue
                fi
                word=word_step_${BASH_REMATCH[2]//-/_}
                say "    $(printf '%7.1f s  ' "${BASH_REMATCH[1]}")$(pad 12 "${BASH_REMATCH[2]}") ${!word:-}${BASH_REMATCH[3]}"
        done
        return "${PIPESTATUS[0]}"
}

# ---------------------------------------------------------------- visitors: what they received

# moves_visit ADDRESS EVERY_MS: each by a connection of his own.
moves_visit()
{
        rm -f stop visits
        perl "$here/gap.pl" "$1" /portal/health stop "$2" "${3:-1000}" >visits 2>&1 &
        moves_visitor=$!
        wait_for 20 grep -q ' 200 ' visits
}
moves_leave()
{
        : >stop
        wait "$moves_visitor"
}
# moves_visits: their requests, those that failed, those that the stand-by answered, and the longest time between two good ones
# in milliseconds.
moves_visits()
{
        awk '$2 != 200 { failed++ }
                $2 == 200 { if (good++ && $1 - last > most) most = $1 - last; last = $1 }
                $3 == "standby" { standby++ }
                END { print NR, failed + 0, standby + 0, most + 0 }' visits
}

# ---------------------------------------------------------------- the end

moves_table()
{
        local head cells word
        [[ $(jq -r '.good' moves.json) != left-out ]] || return 0
        IFS='|' read -ra head <<<"$word_moves_head"
        say
        say "$bold$(row "${head[@]}")$plain"
        while IFS=$'\t' read -ra cells; do
                word=word_row_${cells[0]}
                row "${!word}" "${cells[1]}" "${cells[2]}" "${cells[3]}" "${cells[4]}"
        done < <(jq -r '(.switch // {} | to_entries[] | select(.value | type == "object") |
                        [.key, .value.requests, .value.failed, "\(.value.broken)/\(.value.kept)", "\(.value.gap_ms) ms"]),
                (.failover // empty | ["power", .power_cut.requests, .power_cut.failed, "-", "\(.power_cut.gap_ms) ms"],
                        ["tampered", .tampered.pages, .tampered.unanswered, "-", "-"]) | @tsv' moves.json)
}
