# shellcheck shell=bash
# stage.sh - a whole site in a lab that can be moved: nginx with the portal on production and stand-by, PostgreSQL on the
# database's host. For the demo (moves.sh) and for tests, where it is sourced behind lib.sh, lab/namespaces.sh and
# lab/database.sh, inside of a lab. It wants $tmp, $repo, $pub, $UNDERSTUDY and wait_for.
#
#     stage_database                     accounts, and access for the web servers' network
#     stage_server production            its tree pulled, the portal and nginx running; returns when it answers
#     stage_config FILE [LINE...]        the site's configuration, with these lines at its end; by address, or by $stage_moves,
#                                        which needs a section in these lines
#     stage_names                        two authoritative servers (lab/dns.sh; dns2 gets the zone from dns1) in which $name is
#                                        production's; stage_names_section is what the configuration has of them
#
# The service's address is $service; every answer says in X-Served-By who gave it. With $service_six, set before, the service has
# that address as well, and each host an IPv6 address of its own; then the web servers listen at one socket for both families, as
# many do, at which a visitor by IPv4 is one by a mapped address.

stage_files=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=sshd.sh
. "$stage_files/sshd.sh"
portal=${UNDERSTUDY_PORTAL:-${build_folder:-}/lab/understudy-portal}
service=192.0.2.80
service_six=${service_six:-}
declare -gA stage_addresses=([production]=192.0.2.77 [standby]=192.0.2.78 [database]=192.0.2.10)
declare -gA stage_more=() # further lines of a server's section
stage_move='' # and of the moves'
stage_moves=address      # what moves: of the configuration's section move
name=www.example.org
# In seconds: at rest, and lowered to.
ttl=3 move_ttl=1

stage_network()
{
        local host
        lab_network || return
        for host in database production standby; do lab_host "$host" "${stage_addresses[$host]}" || return; done
        [[ -z $service_six ]] || stage_network_six
}

# six_of HOST: its own address. (No waiting for duplicates: it is usable at once.)
six_of() { echo "2001:db8::${stage_addresses[$1]##*.}"; }
stage_network_six()
{
        local host
        ip -6 address add "2001:db8::${LAB_VISITOR##*.}/64" dev switch nodad || return
        for host in database production standby; do
                lab_in "$host" sysctl -q net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.accept_ra=0 &&
                        ip -n "$host" -6 address add "$(six_of "$host")/64" dev eth0 nodad || return
        done
}

stage_database()
{
        lab_postgres database 192.0.2.10 <<'END' || return
local   all all peer
host    portal portal 192.0.2.0/24 password
END
        lab_postgres_sql database "create user portal password 'secret'" &&
                lab_postgres_sql database 'create database portal owner portal' &&
                lab_postgres_as psql -X -q -v ON_ERROR_STOP=1 -h /run/postgresql-database -d portal <"$stage_files/portal/schema.sql" &&
                lab_postgres_sql database 'grant all on all tables in schema public to portal; grant all on all sequences in schema public to portal' portal &&
                lab_postgres_sql database "insert into account (name, salt, password) values ('alice', 'x', encode(sha256('xsecret'), 'hex'))" portal
}

# (A secondary that missed a notification asks again after two seconds.)
stage_names()
{
        secret=$(head -c 32 /dev/urandom | base64)
        lab_dns_key understudy "$secret"
        (umask 077 && echo "hmac-sha256:understudy:$secret" >"$tmp/tsig.key")
        lab_host dns1 192.0.2.53 && lab_host dns2 192.0.2.54 || return
        cat >"$tmp/zone" <<END
\$ORIGIN example.org.
\$TTL $ttl
@       SOA     dns1 hostmaster 1 2 1 604800 60
        NS      dns1
        NS      dns2
dns1    A       192.0.2.53
dns2    A       192.0.2.54
www     A       192.0.2.77
END
        lab_dns_primary dns1 192.0.2.53 example.org "$tmp/zone" 192.0.2.54 && lab_dns_secondary dns2 192.0.2.54 example.org 192.0.2.53
}

stage_names_section() { echo "dns { servers = {192.0.2.53, 192.0.2.54} zone = example.org names = {$name} ttl = $ttl move_ttl = $move_ttl settle = 1s tsig_key = \"$tmp/tsig.key\" }"; }

stage_web()
{
        local host=$1 here=$tmp/$1
        lab_in "$host" "$portal" "$here/portal.sock" "$stage_files/portal/templates" \
                'host=192.0.2.10 user=portal dbname=portal password=secret connect_timeout=2' "$host" >"$here/portal.log" 2>&1 </dev/null &
        lab_in "$host" nginx -c "$here/nginx.conf" -e "$here/nginx.log" >"$here/nginx.out" 2>&1 </dev/null &
        wait_for 20 lab_in "$host" curl -fsS -o "$here/front" http://127.0.0.1/css/site.css 2>/dev/null
}

stage_server()
{
        local host=$1 here=$tmp/$1
        mkdir -p "$here/www" "$here/state" "$here/nginx"
        "$UNDERSTUDY" pull "$here/www/site" --repo "$repo" --pub "$pub" --state "$here/state" --quiet || return
        chmod a+rx "$here" && chmod -R a+rX "$here/www" "$here/nginx"
        cat >"$here/nginx.conf" <<END
user root; daemon off; pid $here/nginx.pid; error_log $here/nginx.log crit; worker_processes 1;
events { worker_connections 512; }
http {
        access_log off; include /etc/nginx/fastcgi_params;
        client_body_temp_path $here/nginx/1; fastcgi_temp_path $here/nginx/2; proxy_temp_path $here/nginx/3; scgi_temp_path $here/nginx/4; uwsgi_temp_path $here/nginx/5;
        server {
                listen ${service_six:+[::]:}80${service_six:+ ipv6only=off}; root $here/www/site;
                add_header X-Served-By $host always;
                location /portal/ { fastcgi_pass unix:$here/portal.sock; }
        }
}
END
        stage_web "$host"
}

# The check of the site is the portal's own: a page that asks the database.
stage_config()
{
        local file=$1 host
        shift
        {
                echo "site = $(sed -n 's/.*"site": *"\([^"]*\)".*/\1/p' "$repo/releases/1/release.json")"
                for host in production standby; do
                        printf 'server "%s" { role = %s ssh = "%s" addresses = {%s} interface = eth0 roots = {"docroot=%s"}\n%s }\n' \
                                "$host" "$host" "$host" "${stage_addresses[$host]}${service_six:+, \"$(six_of "$host")\"}" "$tmp/$host/www/site" "${stage_more[$host]:-}"
                done
                cat <<END
server "database" { role = database ssh = "database" addresses = {192.0.2.10} }
move { planned = $stage_moves failover = $stage_moves $stage_move }
database {
        kind = postgresql
        host = database
        port = 5432
        connection = "host=/run/postgresql-database user=postgres dbname=postgres"
        hba_file = "$LAB_FOLDER/postgres-database/data/pg_hba.conf"
}
repository {
        url = "$repo"
        pub = "$pub"
}
END
                [[ $stage_moves != address ]] || printf 'service { addresses = {"%s/24"%s} ports = {80} }\n' "$service" "${service_six:+, \"$service_six/64\"}"
                printf '%s\n' "$@"
        } >"$file"
}

# ---------------------------------------------------------------- sshd at port 22 of each host: what a cut cable cuts

# stage_sshd HOST LINE...: LINE is what its authorized_keys has.
stage_sshd()
{
        local host=$1 here=$tmp/ssh/$1
        lab_sshd_files "$@" || return
        lab_in "$host" "$(command -v sshd)" -D -f "$here/sshd_config" -E "$here/log" </dev/null >"$here/out" 2>&1 &
}

# stage_ssh FILE KEY: how whoever has this key reaches the three hosts.
stage_ssh()
{
        local host
        for host in production standby database; do
                cat <<END
Host $host
        HostName ${stage_addresses[$host]}
        HostKeyAlias $host
        User root
        KexAlgorithms curve25519-sha256
        IdentityFile $2
        IdentitiesOnly yes
        UserKnownHostsFile $tmp/ssh/known_hosts
        GlobalKnownHostsFile /dev/null
END
        done >"$1"
}
