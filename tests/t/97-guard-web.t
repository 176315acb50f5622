#!/bin/bash
# What visitors receive from a real nginx, and from PHP-FPM with its opcode cache behind it, while four writers tamper as fast
# as they can and wrk loads pages at full speed: counted by what arrived at the client, not by what the guard says.
# GUARD_ATTEMPTS sets how often each of them tries (40); `make soak` has 2,500, which makes 10,000.
. "$(dirname "$0")/lib.sh"
use guard namespaces
PATH=$PATH:/usr/sbin:/sbin
need nginx ip wrk
php_fpm=$(lab_php_fpm) || skip_all 'php-fpm is not installed'
guard_place
visitor=$build_folder/lab/visitor
[[ -x $visitor ]] || skip_all 'the visitor was not built'
attempts=${GUARD_ATTEMPTS:-40}

make_site "$tmp/src"
for name in 1 2 3 4; do echo "<!doctype html><title>$name</title><p>Page $name of the release." >"$tmp/src/page$name.html"; done
echo '<?php require __DIR__ . "/part5.php";' >"$tmp/src/page5.php"
echo '<?php echo "<!doctype html><title>5</title><p>Page 5 of the release, by a program.\n";' >"$tmp/src/part5.php"
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
    server { listen 127.0.0.1:80; root $dest; location ~ \.php\$ { fastcgi_pass unix:$tmp/php.sock; include $tmp/php.params; } }
    server { listen 127.0.0.1:81; root $dest; open_file_cache max=100 inactive=60s; open_file_cache_valid 60s;
             location ~ \.php\$ { fastcgi_pass unix:$tmp/php.sock; include $tmp/php.params; } }
}
END
cat >"$tmp/php.params" <<'END'
fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
fastcgi_param REQUEST_METHOD $request_method;
fastcgi_param SERVER_PROTOCOL $server_protocol;
END
cat >"$tmp/php-fpm.conf" <<END
[global]
pid = $tmp/php-fpm.pid
error_log = $tmp/php-fpm.log
daemonize = no
[www]
user = root
group = root
listen = $tmp/php.sock
pm = static
pm.max_children = 2
END
printf '%s\n' zend_extension=opcache expose_php=0 display_errors=0 opcache.revalidate_freq=0 >"$tmp/php.ini"
PHP_INI_SCAN_DIR='' ip netns exec "$netns" unshare -m "$php_fpm" --allow-to-run-as-root -F -y "$tmp/php-fpm.conf" -c "$tmp/php.ini" \
        >"$tmp/php-fpm.out" 2>&1 </dev/null &
cleanup_process $!
ip netns exec "$netns" unshare -m nginx -c "$tmp/nginx.conf" -e "$tmp/nginx.log" >"$tmp/nginx.out" 2>&1 &
cleanup_process $!
answers() { [[ $(ip netns exec "$netns" curl -s -o "$tmp/page" -w '%{http_code}' "http://127.0.0.1/$1") == 200 ]]; }
ok 'nginx answers' wait_for 20 answers page1.html
ok 'PHP answers' wait_for 20 answers page5.php
cp "$tmp/page" "$tmp/page5"
flying=$({ printf evil && tail -c +5 "$tmp/src/page4.html"; } | sha256sum | cut -d' ' -f1)

: >"$tmp/known"
printf '%s\n' /page1.html /page2.html /page3.html /page4.html /docs/2008/a.html /css/site.css >"$tmp/paths"
while read -r path; do echo "$path $(sha256sum <"$tmp/src$path" | cut -d' ' -f1)"; done <"$tmp/paths" >"$tmp/known"
sed "s|^|$tmp/src|" "$tmp/paths" >"$tmp/genuine" && echo "$tmp/page5" >>"$tmp/genuine"
echo /page5.php >>"$tmp/paths" && echo "/page5.php $(sha256sum <"$tmp/page5" | cut -d' ' -f1)" >>"$tmp/known"

# wrk judges as well: by the bytes of all genuine pages, for it does not say which of them it had asked for.
cat >"$tmp/load.lua" <<END
local known, flying, paths, threads, n = {}, {}, {}, {}, 0
for path in io.lines("$tmp/paths") do paths[#paths + 1] = path end
for name in io.lines("$tmp/genuine") do known[io.open(name, "rb"):read("*a")] = true end
for body in pairs(known) do flying[#flying + 1] = "evil" .. body:sub(5) end
for _, body in ipairs(flying) do flying[body] = true end
good, wrong, refused, old = 0, 0, 0, 0
function setup(thread) threads[#threads + 1] = thread end
function request() n = n % #paths + 1 return wrk.format("GET", paths[n]) end
function response(status, headers, body)
        if status ~= 200 then refused = refused + 1
        elseif known[body] then good = good + 1
        elseif body == "" or flying[body] then old = old + 1
        else wrong = wrong + 1 io.stderr:write(string.format("wrong: %q\\n", body:sub(1, 200))) end
end
function done()
        for _, thread in ipairs(threads) do
                io.write("counted ", thread:get("good"), " ", thread:get("wrong"), " ", thread:get("refused"), " ", thread:get("old"), "\\n")
        end
end
END

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
        awk -v flying="$flying" 'NR == FNR { known[$1] = $2; next } $4 == flying { old++; next } $2 != 200 { refused++; next } known[$5] == $4 { good++; next } { wrong++ }
                END { print good + 0, wrong + 0, refused + 0 }' "$tmp/known" "$tmp/log.$1"
}

writer()
{
        local i
        for ((i = 0; i < attempts; i++)); do
                case $1 in
                1) echo "evil $i" >"$tmp/m/evil1" && mv "$tmp/m/evil1" "$dest/page1.html" ;;
                2) echo "evil $i" >"$dest/page2.html"; echo '<?php echo "evil";' >"$tmp/m/evil2" && mv "$tmp/m/evil2" "$dest/part5.php" ;;
                3) mv "$dest/docs/2008/a.html" "$dest/page3.html" || cp "$tmp/src/page3.html" "$dest/page3.html" ;;
                4) ln -f "$dest/page4.html" "$tmp/m/link4" && printf evil | dd of="$tmp/m/link4" conv=notrunc ;;
                esac
                sleep 0.01
        done
} 2>/dev/null >&2 # refused, mostly

# round MODE READS
round()
{
        local good wrong refused port pids=() pid load old line
        us pull "$dest" --repo "$repo" --pub "$pub"
        kill -HUP "$(cat "$tmp/nginx.pid")" # no descriptors from before
        sleep 0.5
        rm -f "$tmp"/log.*
        guard_start --repo "$repo" --mode "$1" --reads "$2" --reload "kill -HUP $(cat "$tmp/nginx.pid"); kill -USR2 $(cat "$tmp/php-fpm.pid")"
        visitors=()
        visits 80
        visits 81
        ip netns exec "$netns" wrk -t 1 -c 8 -d 3600s -s "$tmp/load.lua" http://127.0.0.1/ >"$tmp/wrk" 2>&1 &
        load=$!
        cleanup_process "$load"
        sleep 1
        for pid in 1 2 3 4; do writer "$pid" & pids+=($!); done
        wait "${pids[@]}"
        sleep 0.5
        kill -INT "$load" && wait "$load"
        kill "${visitors[@]}" && wait "${visitors[@]}" 2>/dev/null
        read -r _ good wrong refused old < <(grep '^counted' "$tmp/wrk")
        diag "$1, reads $2, wrk at full speed: $good good, $wrong wrong, $refused refused, $old through an old descriptor"
        grep '^wrong: ' "$tmp/wrk" | head -n 5 | while read -r line; do diag "$line"; done
        ok "$1, reads $2, wrk: visitors were served" test "${good%.*}" -gt 0
        is "$1, reads $2, wrk: not one wrong byte was received through an open" "${wrong%.*}" 0
        # Opened, and the read permitted, while the page was genuine; written in place before the bytes were copied.
        ok "$1, reads $2, wrk: nearly none through an old descriptor" test "${old%.*}" -le $((3 + ${good%.*} / 1000))
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
