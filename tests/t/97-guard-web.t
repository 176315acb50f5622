#!/bin/bash
# What visitors receive from a real nginx while four writers tamper as fast as they can: counted by the SHA-256 of what
# arrived at the client, not by what the guard says. GUARD_ATTEMPTS sets how often each of them tries.
. "$(dirname "$0")/lib.sh"
. "$tests_folder/../support/guard.sh"
need nginx ip
guard_place
visitor=$build_folder/lab/visitor
[[ -x $visitor ]] || skip_all 'the visitor was not built'
attempts=${GUARD_ATTEMPTS:-40}

make_site "$tmp/src"
for name in 1 2 3 4; do echo "<!doctype html><title>$name</title><p>Page $name of the release." >"$tmp/src/page$name.html"; done
make_repository
mkdir -p "$tmp/m/www"
make_standby

netns=us-guard-$$
ip netns add "$netns" && cleanup_namespace "$netns" && ip -n "$netns" link set lo up || skip_all 'no network namespaces'
# A process that is alone in no mount namespace of ours: as a service with PrivateTmp would be.
cat >"$tmp/nginx.conf" <<END
user root;
worker_processes 2;
pid $tmp/nginx.pid;
error_log $tmp/nginx.log crit;
daemon off;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path $tmp/t1; fastcgi_temp_path $tmp/t2; proxy_temp_path $tmp/t3; scgi_temp_path $tmp/t4; uwsgi_temp_path $tmp/t5;
    server { listen 127.0.0.1:80; root $dest; }
    server { listen 127.0.0.1:81; root $dest; open_file_cache max=100 inactive=60s; open_file_cache_valid 60s; }
}
END
ip netns exec "$netns" unshare -m nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.log" >"$tmp/nginx.out" 2>&1 &
cleanup_process $!
answers() { ip netns exec "$netns" curl -s -o /dev/null "http://127.0.0.1/page1.html"; }
ok 'nginx answers' wait_for 20 answers

: >"$tmp/known"
printf '%s\n' /page1.html /page2.html /page3.html /page4.html /docs/2008/a.html /css/site.css >"$tmp/paths"
while read -r path; do echo "$path $(sha256sum <"$tmp/src$path" | cut -d' ' -f1)"; done <"$tmp/paths" >"$tmp/known"

# visits PORT: a visitor in the background.
visitors=()
visits()
{
        ip netns exec "$netns" "$visitor" --pause 1 "http://127.0.0.1:$1" "$tmp/paths" "$tmp/log.$1" &
        visitors+=($!)
        cleanup_process $!
}
# count PORT: good, wrong and refused answers.
count()
{
        awk 'NR == FNR { known[$1] = $2; next } $2 != 200 { refused++; next } known[$5] == $4 { good++; next } { wrong++ }
                END { print good + 0, wrong + 0, refused + 0 }' "$tmp/known" "$tmp/log.$1"
}

writer()
{
        local i
        for ((i = 0; i < attempts; i++)); do
                case $1 in
                1) echo "evil $i" >"$tmp/m/evil1" && mv "$tmp/m/evil1" "$dest/page1.html" ;;
                2) echo "evil $i" >"$dest/page2.html" ;;
                3) mv "$dest/docs/2008/a.html" "$dest/page3.html" || cp "$tmp/src/page3.html" "$dest/page3.html" ;;
                4) ln -f "$dest/page4.html" "$tmp/m/link4" && printf evil | dd of="$tmp/m/link4" conv=notrunc ;;
                esac
                sleep 0.01
        done
} 2>/dev/null >&2 # refused, mostly

# round MODE READS
round()
{
        local good wrong refused port pids=() pid
        us pull "$dest" --repo "$repo" --pub "$pub"
        kill -HUP "$(cat "$tmp/nginx.pid")" # no descriptors from before
        sleep 0.5
        rm -f "$tmp"/log.*
        guard_start --repo "$repo" --mode "$1" --reads "$2" --reload "kill -HUP $(cat "$tmp/nginx.pid")"
        visitors=()
        visits 80
        visits 81
        sleep 1
        for pid in 1 2 3 4; do writer "$pid" & pids+=($!); done
        wait "${pids[@]}"
        sleep 0.5
        kill "${visitors[@]}" && wait "${visitors[@]}" 2>/dev/null
        for port in 80 81; do
                read -r good wrong refused < <(count "$port")
                diag "$1, reads $2, port $port: $good good, $wrong wrong, $refused refused"
                ok "$1, reads $2, port $port: visitors were served" test "$good" -gt 0
                if [[ $2 == always || $port == 80 ]]; then
                        is "$1, reads $2, port $port: not one wrong byte was received" "$wrong" 0
                fi
        done
        ok "$1, reads $2: found" has_kind finding
        guard_stop
}

round heal always # first: the fresh trees are opened before the guard has looked at them
grep -q 'cannot ask before reads' "$tmp/guard.err" && diag 'this kernel asks before opens only'
round refuse always
genuine() { us verify "$dest" --pub "$pub"; }
us pull "$dest" --repo "$repo" --pub "$pub"
ok 'what was tampered with is genuine after a pull' genuine
done_testing
