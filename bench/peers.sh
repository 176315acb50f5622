#!/bin/bash
# peers.sh - the programs that stand beside us, and the servers they and we fetch from. Sourced by run.sh; called by it
# as a program (`peers.sh FUNCTION ARGUMENT`) where a function of several commands is to be measured as one.

http=http://127.0.0.1:8080
rsync=rsync://127.0.0.1:8730

# serve: nginx with everything below $work, and an rsync daemon with the source.
serve()
{
        cat >"$work/nginx.conf" <<END
user root;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
worker_processes 2;
events { worker_connections 256; }
http {
        access_log off;
        sendfile on;
        server { listen 127.0.0.1:8080; root $work; location / { } }
}
END
        printf 'port = 8730\naddress = 127.0.0.1\nuse chroot = no\nuid = 0\ngid = 0\n[source]\npath = %s\nread only = yes\n' \
                "$work/source" >"$work/rsyncd.conf"
        ${BENCH_NICE:+nice -n "$BENCH_NICE"} nginx -c "$work/nginx.conf" 2>"$work/nginx.start" &
        nginx_pid=$!
        ${BENCH_NICE:+nice -n "$BENCH_NICE"} rsync --daemon --no-detach --config="$work/rsyncd.conf" </dev/null &
        rsync_pid=$!
        for _ in $(seq 100); do
                curl -fsS -o /dev/null "$http/nginx.conf" 2>/dev/null && rsync "$rsync/" >/dev/null 2>&1 && return
                sleep 0.1
        done
        stop "the servers do not start: $(cat "$work/nginx.start" "$work/nginx.log" 2>/dev/null)"
}

peers_stop()
{
        [[ -z ${nginx_pid:-} ]] || { kill "$nginx_pid" && wait "$nginx_pid"; } 2>/dev/null
        [[ -z ${rsync_pid:-} ]] || { kill "$rsync_pid" && wait "$rsync_pid"; } 2>/dev/null
        nginx_pid='' rsync_pid=''
}

# AIDE with the attributes that we compare, too; times are not among them.
aide_init()
{
        cat >"$work/aide.conf" <<END
database_in=file:$work/aide.db
database_out=file:$work/aide.db
gzip_dbout=no
report_url=stdout
$1 ftype+p+l+n+u+g+s+acl+xattrs+sha256
END
        aide --config="$work/aide.conf" --init >"$work/output" 2>&1 || stop "aide --init: $(tail -n 3 "$work/output")"
}

ostree_commit()
{
        [[ -d $work/ostree ]] || ostree --repo="$work/ostree" init --mode=archive
        ostree --repo="$work/ostree" commit --branch=site --tree=dir="$work/source" >"$work/ostree.output" 2>&1 ||
                stop "ostree commit: $(tail -n 3 "$work/ostree.output")"
}

# The new tree stands beside the old one and takes its name, as with us; the old one is left.
take_name()
{
        [[ ! -e $1 ]] || mv "$1" "$1.$$.old"
        mv "$1.new" "$1"
}

ostree_pull()
{
        set -e
        if [[ ! -d $work/ostree-client ]]; then
                ostree --repo="$work/ostree-client" init --mode=bare
                ostree --repo="$work/ostree-client" remote add --no-gpg-verify bench "$http/ostree"
        fi
        ostree --repo="$work/ostree-client" pull bench site
        ostree --repo="$work/ostree-client" checkout bench:site "$1.new"
        take_name "$1"
}

casync_make()
{
        casync make --store="$work/casync.castr" "$work/site.caidx" "$work/source" >"$work/output" 2>&1 ||
                stop "casync make: $(tail -n 3 "$work/output")"
}

casync_extract()
{
        local seed=()
        set -e
        [[ ! -e $1 ]] || seed=(--seed="$1")
        casync extract --store="$http/casync.castr" "${seed[@]}" "$http/site.caidx" "$1.new"
        take_name "$1"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || "$@"
