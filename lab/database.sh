# shellcheck shell=bash
# database.sh - a real PostgreSQL on a host of the lab. For demo.sh and for tests; needs namespaces.sh, inside of a lab.
#
#     lab_postgres database 192.0.2.10 < pg_hba.conf     a server of its own on port 5432 of the host, which returns when
#                                                        it answers; standard input is its access rules
#     lab_postgres_sql database 'create table ...'       as its superuser
#     lab_postgres_stop database
#
# Its socket is in /run/postgresql-HOST, its data and log in $LAB_FOLDER/postgres-HOST. Nothing of the machine's own
# PostgreSQL is used but the programs and the user.

lab_postgres_programs()
{
        local folder
        for folder in /usr/lib/postgresql/*/bin; do
                [[ -x $folder/postgres && -x $folder/initdb ]] && echo "$folder" && return
        done
        return 1
}

# As the user that PostgreSQL runs as: it refuses to run as root.
lab_postgres_as() { setpriv --reuid postgres --regid postgres --clear-groups -- "$@"; }

lab_postgres_sql()
{
        lab_postgres_as psql -X -q -A -t -v ON_ERROR_STOP=1 -h "/run/postgresql-$1" -d "${3:-postgres}" -c "$2"
}

lab_postgres_start()
{
        local host=$1 here=$LAB_FOLDER/postgres-$1 end=$((SECONDS + 20))
        lab_in "$host" setpriv --reuid postgres --regid postgres --clear-groups -- "$(lab_postgres_programs)/postgres" \
                -D "$here/data" >"$here/log" 2>&1 </dev/null &
        until lab_postgres_sql "$host" 'select 1' >"$here/ready" 2>&1; do
                [[ $SECONDS -lt $end ]] || { cat "$here/log" "$here/ready" >&2; return 1; }
                sleep 0.05
        done
}

lab_postgres()
{
        local host=$1 listen=$2 here=$LAB_FOLDER/postgres-$1 programs
        programs=$(lab_postgres_programs) || return
        install -d -o postgres -g postgres -m 0700 "$here" "/run/postgresql-$host" &&
                lab_postgres_as "$programs/initdb" -D "$here/data" -A peer -E UTF8 --locale=C --no-sync >"$here/initdb" 2>&1 ||
                { cat "$here/initdb" >&2; return 1; }
        # (Nothing in a lab outlives it: the disk is not waited for, and shared memory lies in the data folder, where it goes
        # with the lab also when the server was killed.)
        cat >>"$here/data/postgresql.conf" <<CONF
listen_addresses = '$listen'
unix_socket_directories = '/run/postgresql-$host'
fsync = off
max_connections = 20
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
CONF
        cat >"$here/data/pg_hba.conf" && lab_postgres_start "$host"
}

lab_postgres_stop()
{
        local pid
        pid=$(head -n 1 "$LAB_FOLDER/postgres-$1/data/postmaster.pid") && kill -INT "$pid" || return
        while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}
