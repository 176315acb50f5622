# shellcheck shell=bash
# namespaces.sh - a network of servers on one machine, for demo.sh and for tests.
#
# The whole lab lives in a mount, a process and a network namespace of its own. When its first process ends, however it
# ends (Ctrl-C, kill -9), the kernel takes all of it down: every server, interface, address and mount. What stays is
# one folder, which lab_enter removes when the lab has ended; after a kill -9 the next lab does.
#
#     lab_enter "$keep" "$0" "$@"              outside: makes $LAB_FOLDER, runs the same script again inside; says
#                                              $LAB_INTERRUPTED when a signal ended it
#     lab_network                              inside: the switch; visitors are here, at $LAB_VISITOR
#     lab_host production 192.0.2.77           a host on it
#     lab_in production COMMAND...             run something there
#     lab_serve production FOLDER              nginx and PHP-FPM on port 80 of it, as www-data; $LAB_NGINX_HTTP takes the
#                                              place of its log, $LAB_NGINX_SERVER is added to its server
#     lab_address_move 192.0.2.80 production standby
#
# Nothing of this machine is used or changed: no service, no configuration, no interface.

LAB_VISITOR=192.0.2.200
LAB_PREFIX=understudy-lab

# Where the trees lie should offer leases and extended attributes: a tmpfs or an overlay is the last choice.
lab_place()
{
        local place last=
        for place in "${TMPDIR:-/var/tmp}" /var/tmp "$HOME"; do
                [[ -d $place && -w $place ]] || continue
                case $(stat -f -c %T "$place") in
                tmpfs | ramfs | overlayfs | nfs | fuseblk) last=${last:-$place} ;;
                *) echo "$place" && return ;;
                esac
        done
        [[ -n $last ]] && echo "$last"
}

# A process by its number and its start, as "PID-START": a number alone may be somebody else's by now.
lab_process()
{
        local stat
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
        # Behind the name, which may hold anything: state is the first word, the start the 20th.
        # shellcheck disable=SC2086
        set -- "$1" ${stat##*) }
        echo "$1-${21}"
}

lab_remove()
{
        [[ ${1##*/} == "$LAB_PREFIX".* ]] || return
        chattr -f -R -i -a "$1" >/dev/null 2>&1
        rm -rf --one-file-system -- "$1"
}

# The folder's name says whose it is, from its first moment on: another lab may start at the same time.
lab_remove_dead()
{
        local folder owner
        for folder in "$1/$LAB_PREFIX".*-*.*; do
                [[ -d $folder && ! -e $folder/kept ]] || continue
                owner=${folder##*/"$LAB_PREFIX".}
                owner=${owner%.*}
                [[ $(lab_process "${owner%-*}") == "$owner" ]] || lab_remove "$folder"
        done
}

# Kills the lab's first process; when it is gone, all the others are.
lab_kill()
{
        local first state
        first=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
        kill -KILL "$1" 2>/dev/null
        wait "$1" 2>/dev/null
        while state=$(sed -n 's/^State:\t//p' "/proc/${first:-none}/status" 2>/dev/null) && [[ -n $state && $state != Z* ]]; do
                sleep 0.02
        done
}

lab_interrupted()
{
        trap '' INT TERM HUP
        lab_kill "$2"
        lab_remove "$LAB_FOLDER"
        [[ -z ${LAB_INTERRUPTED:-} ]] || printf '\n%s\n' "$LAB_INTERRUPTED" >&2
        exit "$1"
}

# lab_enter KEEP SCRIPT ARGUMENT...: returns with the script's status when the lab has been taken down. With KEEP set
# the folder stays.
lab_enter()
{
        local keep=$1 place child status
        shift
        place=$(lab_place) || return 3
        lab_remove_dead "$place"
        LAB_FOLDER=$(mktemp -d "$place/$LAB_PREFIX.$(lab_process $$).XXXXXX") || return 3
        chmod 0755 "$LAB_FOLDER"
        export LAB_FOLDER
        # In the background, where it does not see Ctrl-C: bash runs a trap at once only while it waits like this.
        setpriv --pdeathsig KILL unshare --mount --net --pid --fork --kill-child --mount-proc bash "$@" &
        child=$!
        trap 'lab_interrupted 130 $child' INT
        trap 'lab_interrupted 143 $child' TERM HUP
        wait "$child"
        status=$?
        trap - INT TERM HUP
        if [[ -n $keep ]]; then : >"$LAB_FOLDER/kept"; else lab_remove "$LAB_FOLDER"; fi
        return "$status"
}

lab_network()
{
        # Names of network namespaces are mounts below /run: seen in here only.
        mount -t tmpfs -o mode=0755 lab /run && mkdir /run/netns &&
                ip link set lo up &&
                ip link add switch type bridge &&
                ip address add "$LAB_VISITOR/24" dev switch &&
                ip link set switch up
}

lab_host()
{
        ip netns add "$1" &&
                ip link add "port-${1:0:10}" type veth peer name eth0 netns "$1" &&
                ip link set "port-${1:0:10}" master switch up &&
                ip -n "$1" link set lo up &&
                ip -n "$1" address add "$2/24" dev eth0 &&
                ip -n "$1" link set eth0 up
}

# Not `ip netns exec`, which would give each command a mount namespace of its own, as no server has.
lab_in()
{
        local host=$1
        shift
        nsenter --net="/run/netns/$host" "$@"
}

# lab_address HOST ADDRESS: gives a host a further address.
lab_address() { ip -n "$1" address add "$2/32" dev eth0; }

# lab_address_move ADDRESS FROM TO. What a gratuitous ARP reply tells the neighbours is told to the only one directly.
lab_address_move()
{
        ip -n "$2" address del "$1/32" dev eth0 &&
                ip -n "$3" address add "$1/32" dev eth0 &&
                ip neighbour flush to "$1" dev switch
}

lab_php_fpm()
{
        local program
        for program in php-fpm /usr/sbin/php-fpm*; do
                command -v "$program" && return
        done
        return 1
}

lab_write_nginx()
{
        local host=$1 root=$2 here=$3
        cat >"$here/nginx.conf" <<END
user www-data;
worker_processes 1;
pid $here/nginx.pid;
error_log $here/nginx-error.log;
daemon off;
events { worker_connections 256; }
http {
    types {
        text/html html;
        text/css css;
        image/svg+xml svg;
        image/png png;
    }
    default_type application/octet-stream;
    ${LAB_NGINX_HTTP:-access_log $here/nginx-access.log;}
    client_body_temp_path $here/temp-body;
    fastcgi_temp_path $here/temp-fastcgi;
    proxy_temp_path $here/temp-proxy;
    scgi_temp_path $here/temp-scgi;
    uwsgi_temp_path $here/temp-uwsgi;
    server {
        listen 80;
        root $root;
        index index.html index.php;
        add_header X-Served-By $host always;
        location ^~ /lib/ { return 404; }
        ${LAB_NGINX_SERVER:-}
        location ~ \.php\$ {
            try_files \$uri =404;
            fastcgi_pass unix:/run/php-$host.sock;
            fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name;
            fastcgi_param REQUEST_METHOD \$request_method;
            fastcgi_param QUERY_STRING \$query_string;
            fastcgi_param CONTENT_TYPE \$content_type;
            fastcgi_param CONTENT_LENGTH \$content_length;
            fastcgi_param REQUEST_URI \$request_uri;
            fastcgi_param DOCUMENT_ROOT \$document_root;
            fastcgi_param REMOTE_ADDR \$remote_addr;
            fastcgi_param SERVER_PROTOCOL \$server_protocol;
        }
    }
}
END
}

lab_write_php()
{
        local host=$1 here=$2
        cat >"$here/php-fpm.conf" <<END
[global]
pid = $here/php-fpm.pid
error_log = $here/php-fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = /run/php-$host.sock
listen.owner = www-data
listen.mode = 0600
pm = static
pm.max_children = 2
catch_workers_output = yes
END
        # As Debian sets it up: the opcode cache is on, and a program that failed is answered with 500, not with its errors.
        printf 'zend_extension=opcache\nexpose_php=0\ndisplay_errors=0\n' >"$here/php.ini"
}

# lab_serve HOST DOCROOT: returns when it answers.
lab_serve()
{
        local host=$1 root=$2 here=$LAB_FOLDER/server-$1 end=$((SECONDS + 10))
        mkdir -p "$here" && lab_write_nginx "$host" "$root" "$here" && lab_write_php "$host" "$here" || return
        PHP_INI_SCAN_DIR='' lab_in "$host" "$(lab_php_fpm)" -F -y "$here/php-fpm.conf" -c "$here/php.ini" \
                >"$here/php-fpm.out" 2>&1 </dev/null &
        lab_in "$host" nginx -p "$here" -c "$here/nginx.conf" -e "$here/nginx-error.log" \
                >"$here/nginx.out" 2>&1 </dev/null &
        until [[ -S /run/php-$host.sock ]] && lab_in "$host" curl -s -o /dev/null http://127.0.0.1/; do
                if [[ $SECONDS -ge $end ]]; then
                        cat "$here"/*.out "$here"/*.log >&2
                        return 1
                fi
                sleep 0.05
        done
}
