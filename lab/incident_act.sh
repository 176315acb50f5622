# shellcheck shell=bash
# incident_act.sh - act 5 of the demo: customers of a portal, some of whom were served a planted page, and how they are
# told. Sourced by demo.sh. Who got what is known from the bytes that each of them received, and from nothing else.
# shellcheck disable=SC2154 # word_...: in words.LANGUAGE.sh; $LAB_FOLDER, $language ...: in demo.sh
# shellcheck source-path=SCRIPTDIR
# shellcheck source=database.sh
. "$here/database.sh"

act5_site=http://192.0.2.90
act5_notices=/run/notices

# A customer has an address, a browser and a language of his own.
act5_curl()
{
        local number=$1
        shift
        curl -s -m 10 --interface "192.0.2.$((100 + number))" -A "Browser $number" -b "act5/cookies-$number" -c "act5/cookies-$number" "$@"
}

# act5_open NUMBER PATH: keeps whether it was the planted page.
act5_open()
{
        act5_curl "$1" "$act5_site$2" >act5/page
        [[ $(sha256sum <act5/page) != "$act5_planted" ]] || echo "customer$1" >>act5/truth
}

act5_log_in() { act5_curl "$1" -d "name=customer$1&password=secret" "$act5_site/portal/login"; }

act5_sql() { lab_postgres_sql database "$1" portal; }

act5_database()
{
        lab_host database 192.0.2.10 && lab_postgres database 192.0.2.10 <<'END' || return
local   all all peer
host    portal portal 192.0.2.90/32 password
END
        lab_postgres_sql database "create user portal password 'secret'" &&
                lab_postgres_sql database 'create database portal owner portal' &&
                { cat "$here/portal/schema.sql" && echo "grant all on all tables in schema public to portal; grant all on all sequences in schema public to portal;
                        insert into account (name, language, salt, password) select 'customer' || n, case when n % 3 = 0 then 'en' else 'ja' end, 'x',
                        encode(sha256('xsecret'), 'hex') from generate_series(1, 12) n"; } |
                        lab_postgres_as psql -X -q -v ON_ERROR_STOP=1 -h /run/postgresql-database -d portal -f - >act5/psql 2>&1
}

act5_servers()
{
        local number evidence
        evidence=$(cat "$here/../nginx-evidence.conf" "$here/../data/nginx-evidence.conf" 2>/dev/null | sed '/^#/d; s/us_tag/portal_tag/')
        # The repository that act 3 put away is the genuine one.
        [[ ! -d repository.genuine ]] || { mv repository foreign-repository && mv repository.genuine repository; } || return
        lab_host portal 192.0.2.90 && act5_database || return
        for number in {1..12}; do ip address add "192.0.2.$((100 + number))/24" dev switch || return; done
        mkdir -p portal && understudy_run portal pull portal/site --repo http://192.0.2.70 --pub release.pub || return
        LAB_NGINX_HTTP="$evidence access_log $LAB_FOLDER/act5/evidence.log understudy;" \
                LAB_NGINX_SERVER="location /portal/ { include /etc/nginx/fastcgi_params; fastcgi_pass unix:/run/portal.sock; }" \
                lab_serve portal "$LAB_FOLDER/portal/site" || return
        lab_in portal "$UNDERSTUDY_PORTAL" /run/portal.sock "$here/portal/templates" \
                'host=192.0.2.10 user=portal dbname=portal password=secret' portal "$act5_notices" >act5/portal.out 2>&1 </dev/null &
        act4_wait 10 test -S /run/portal.sock && chmod 666 /run/portal.sock
}

# The day: four open the page before anything is planted, five meanwhile, one afterwards; two never look.
act5_day()
{
        local number
        for number in {1..12}; do act5_log_in "$number" >act5/page; done
        grep -q customer12 act5/page || return
        # The portal knows a login to the second, and its clock to another one: on a fast machine these would lie in the window.
        sleep 2.2
        for number in 1 2 3 4; do act5_open "$number" /login/; done
        understudy_run portal verify portal/site --pub release.pub || return
        install -m 0644 planted.html portal/site/login/index.html
        understudy_run portal verify portal/site --pub release.pub
        for number in 3 4 5 6 7; do act5_open "$number" /login/; done
        act5_open 8 /prices.html
        understudy_run portal pull portal/site --repo http://192.0.2.70 --pub release.pub
        for number in 1 9; do act5_open "$number" /login/; done
        act5_sql "copy (select to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as time, account, address, agent, tag from login) to stdout csv header" >act5/logins.csv
        sort -u act5/truth -o act5/truth
}

# Nobody does anything: the finding opens the incident, finds who was served what, and writes drafts.
act5_watch()
{
        local server
        server=$(UNDERSTUDY_STATE=$LAB_FOLDER/portal/state "$UNDERSTUDY" journal show --json --kind difference | jq -r .server | head -n 1)
        command_line understudy incident watch --once --journal portal/state/journal --log 'portal=evidence.log' --logins logins.csv
        UNDERSTUDY_STATE=$LAB_FOLDER/operator/state "$UNDERSTUDY" incident watch --once --journal portal/state/journal \
                --log "$server=act5/evidence.log" --logins act5/logins.csv --clock "$server=0~0.1" --clock logins=0~1 >words 2>&1
        [[ $? -eq 1 ]] || return
        command_line understudy incident exposure 1 --list
        act5_incident exposure 1 --list --json
        [[ $? -eq 1 && -s answer ]] || return
        jq -r '.list[].account' answer | sort >act5/listed
        jq -r '.list[] | select(.grade == "confirmed") | .account' answer | sort >act5/confirmed
        act5_missing=$(comm -23 act5/truth act5/listed | wc -l)
        act5_wrong=$(comm -13 act5/truth act5/confirmed | wc -l)
        step "$word_act5_exposed" "$(wc -l <act5/truth)" "$(jq -r '.accounts.confirmed + .accounts.probable' answer)" "$(jq -r '.accounts.possible' answer)"
        step "$word_act5_truth" "$act5_missing" "$act5_wrong"
}

# Quietly: these are many.
act5_incident()
{
        UNDERSTUDY_STATE=$LAB_FOLDER/operator/state lab_in portal "$UNDERSTUDY" incident "$@" >answer 2>words
}

act5_notice()
{
        local seen other
        act5_incident set 1 "notice_en=$word_act5_notice_en" "notice_ja=$word_act5_notice_ja" \
                'mail_subject_en=About your account' "cause=$word_act5_cause" &&
                act5_incident aware 1 || return
        command_line understudy incident notices 1 --approve operator
        act5_incident notices 1 --approve operator || return
        UNDERSTUDY_STATE=$LAB_FOLDER/operator/state lab_in portal "$UNDERSTUDY" incident serve --socket "$act5_notices" >act5/serve 2>&1 </dev/null &
        act4_wait 10 grep -qsx ready act5/serve && chmod 666 "$act5_notices" || return
        seen=$(act5_log_in 5) other=$(act5_log_in 2)
        step "$word_act5_login" customer5
        quote "$(sed -n 's|.*role="alert"><p>\([^<]*\)</p>.*|\1|p' <<<"$seen")"
        [[ $seen == *"$word_act5_notice_ja"* && $other != *'role="alert"'* && $other == *customer2* ]] && act5_shown=true
        act5_curl 5 -d '' "$act5_site/portal/acknowledge" >act5/page
        [[ $(act5_log_in 5) != *'role="alert"'* ]] || act5_shown=false
        step "$word_act5_acknowledged" customer5 customer2
}

act5_mail()
{
        mkdir -p act5/mails
        lab_in portal perl "$here/mail_sink.pl" 2525 act5/mails >act5/sink 2>&1 </dev/null &
        act4_wait 10 lab_in portal bash -c ': </dev/tcp/127.0.0.1/2525' 2>/dev/null || return
        act5_sql "select name || ',' || name || '@example.org,' || language from account" >act5/addresses
        command_line understudy incident mail 1 --addresses addresses --smtp smtp://127.0.0.1:2525 --approve operator
        act5_incident mail 1 --addresses act5/addresses --smtp smtp://127.0.0.1:2525 --sender help@example.org --approve operator || return
        act5_mails=$(find act5/mails -name '[0-9]*' | wc -l)
        step "$word_act5_mails" "$act5_mails"
}

act5_report()
{
        local tongue
        for tongue in ja en; do
                command_line understudy incident report 1 --form public --lang "$tongue"
                act5_incident report 1 --form public --format json --lang "$tongue" || return
                cp answer "act5/report.$tongue"
                quote "$(jq -r '.sections[] | select(.key == "what") | .paragraphs[0].text' answer)"
                quote "$(jq -r '.sections[] | select(.key == "who") | .paragraphs[0].text' answer)"
        done
}

act5()
{
        heading "$word_act5"
        act5_good=true act5_shown=false act5_missing=0 act5_wrong=0 act5_mails=0
        if ! lab_postgres_programs >/dev/null || [[ ! -x $UNDERSTUDY_PORTAL ]]; then
                step "$word_act5_left_out"
                act5_good=left-out
                return
        fi
        mkdir -p act5 operator
        : >act5/truth
        act5_planted=$(sha256sum <planted.html)
        act5_servers || fail 3 "$(cat words act5/psql act5/portal.out 2>/dev/null | tail -n 3)"
        step "$word_act5_portal"
        act5_day || fail 3 "$(cat words act5/portal.out | tail -n 3)"
        act5_watch && act5_notice && act5_mail && act5_report || fail 3 "$(tail -n 3 words)"
        [[ $act5_missing -eq 0 && $act5_wrong -eq 0 && $act5_shown == true && $act5_mails -eq $(wc -l <act5/truth) ]] || act5_good=false
}

# For --json.
act5_json()
{
        jq -n --arg good "$act5_good" --argjson shown "$act5_shown" --argjson numbers "[$(wc -l 2>/dev/null <act5/truth || echo 0), $act5_missing, $act5_wrong, $act5_mails]" \
                '{good: $good, exposed: $numbers[0], missing: $numbers[1], wrong: $numbers[2], shown: $shown, mails: $numbers[3]}'
}
