# shellcheck shell=bash
# mariadb.sh - a real MariaDB on a host of the lab. For tests; needs namespaces.sh, inside of a lab.
#
#     lab_mariadb database 192.0.2.10 [OPTION...]    a server of its own on port 3306 of the host, which returns when it
#                                                    answers
#     lab_mariadb_sql database 'create table ...'    as its administrator
#     lab_mariadb_stop database                      and lab_mariadb_start database 192.0.2.10 [OPTION...] again
#
# Its socket is /run/mariadb-HOST/socket, its data and log are in $LAB_FOLDER/mariadb-HOST. Nothing of the machine's own
# MariaDB is used but the programs.

lab_mariadb_user() { getent passwd mysql >/dev/null && echo mysql || echo nobody; }

lab_mariadb_sql()
{
        mariadb --no-defaults -N -B -S "/run/mariadb-$1/socket" -u root "${3:-mysql}" -e "$2"
}

lab_mariadb_start()
{
        local host=$1 listen=$2 here=$LAB_FOLDER/mariadb-$1 end=$((SECONDS + 30))
        shift 2
        # (Nothing in a lab outlives it: the disk is not waited for.)
        lab_in "$host" mariadbd --no-defaults --user="$(lab_mariadb_user)" --datadir="$here/data" --tmpdir="$here/tmp" --pid-file="$here/pid" \
                --socket="/run/mariadb-$host/socket" --bind-address="$listen" --port=3306 --skip-log-bin \
                --innodb-buffer-pool-size=16M --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 \
                --innodb-flush-method=nosync --max-connections=20 "$@" >>"$here/log" 2>&1 </dev/null &
        until lab_mariadb_sql "$host" 'select 1' >"$here/ready" 2>&1; do
                [[ $SECONDS -lt $end ]] || { cat "$here/log" "$here/ready" >&2; return 1; }
                sleep 0.1
        done
}

lab_mariadb()
{
        local host=$1 here=$LAB_FOLDER/mariadb-$1
        install -d -o "$(lab_mariadb_user)" -m 0755 "$here" "$here/data" "$here/tmp" "/run/mariadb-$host" &&
                mariadb-install-db --no-defaults --user="$(lab_mariadb_user)" --datadir="$here/data" --tmpdir="$here/tmp" --skip-test-db \
                        --auth-root-authentication-method=socket >"$here/install" 2>&1 || { cat "$here/install" >&2; return 1; }
        lab_mariadb_start "$@"
}

lab_mariadb_stop()
{
        local pid
        pid=$(cat "$LAB_FOLDER/mariadb-$1/pid") && kill -TERM "$pid" || return
        while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}
