#!/bin/bash
# 30-hostile.t - a repository's server that is broken or hostile: every answer ends in a clear error or in the right
# bytes, within bounded time and memory, and the live tree stays as it was.
. "$(dirname "$0")/lib.sh"

need jq zstd openssl ps
need_root
driver=$build_folder/tests/support/fetch_driver
server=$build_folder/tests/support/hostile_server
[[ -x $driver && -x $server ]] || bail_out "$driver is not built"

# What goes over the network: one file that is streamed, some small ones, two releases.
make_site "$tmp/src"
head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -K 01 -iv 00 2>/dev/null >"$tmp/src/film.mp4"
make_keys "$tmp/keys"
make_repository
number=$(<"$repo/latest")
manifest=$repo/releases/$number/manifest.mtree
sed -n 's/.* size=\([0-9]*\) .*sha256=\([0-9a-f]*\).*/\2 \1/p' "$manifest" | sort -u >"$tmp/wanted"
wanted=$(wc -l <"$tmp/wanted")
pack=$(basename "$(ls -S "$repo"/packs/*.pack | head -1)")

server_pid=
# serve MODE [PART]: starts the server, sets $url.
serve()
{
        local port
        [[ -z $server_pid ]] || { kill "$server_pid" && wait "$server_pid"; } 2>/dev/null
        : >"$tmp/port"
        mkfifo "$tmp/alive.$$" 2>/dev/null
        "$server" "$repo" "$@" <>"$tmp/alive.$$" >>"$tmp/port" 2>"$tmp/server.log" &
        server_pid=$!
        cleanup_process "$server_pid"
        for _ in {1..100}; do
                port=$(<"$tmp/port")
                [[ -n $port ]] && break
                sleep 0.05
        done
        url=http://127.0.0.1:$port
}

# read_objects / read_latest: through the driver, with short patience.
# shellcheck disable=SC2016
read_objects() { run timeout 90 bash -c '"$0" -s 1000 -t 3 "$1" objects "$2" <"$3"' "$driver" "$url" "$number" "$tmp/wanted"; }
read_latest() { run timeout 90 "$driver" -s 1000 -t 3 "$url" latest; }
read_manifest()
{
        run timeout 90 "$driver" -s 1000 -t 3 "$url" file "releases/$number/manifest.mtree" \
                "$(stat -c %s "$manifest")" "$(sha256sum "$manifest" | cut -d' ' -f1)"
}

field() { sed -n "s/.*$1 \([0-9]*\).*/\1/p" "$tmp/stdout" | tail -1; }

# all_well NAME: the last read brought everything.
all_well()
{
        if [[ $status == 0 && $(field objects) == "$wanted" ]]; then
                pass "$1"
        else
                fail "$1"
                diag "  status $status"
                output_diag
        fi
}

# refused NAME WORDS [MILLISECONDS]: status 3, one line with these words, in time, with little memory.
refused()
{
        local name=$1 words=$2 most=${3:-4000} memory
        memory=$(field helper_kb)
        if [[ $status == 3 && $(wc -l <"$tmp/stderr") == 1 && $(errors) =~ $words ]] &&
                [[ $(field ms) -le $most && $(field received) -le 20000000 ]] &&
                { [[ $memory -le 100000 ]] || nm "$driver" 2>/dev/null | grep -q __asan_init; }; then
                pass "$name"
        else
                fail "$name"
                diag "  status $status, expected 3 and words like: $words; at most $most ms"
                output_diag
        fi
}

# ------------------------------------------------- what has to work
serve good
read_objects
all_well 'a web server with ranges'
is 'as many bytes as the packs have, about' $(($(field received) < 3500000)) 1
read_manifest
is 'a manifest' "$status" 0
serve no-ranges
read_objects
all_well 'a web server without ranges'
serve cut-once
read_objects
all_well 'a connection that is cut in the middle is taken up again'
is 'not from the start' $(($(field received) < 3600000)) 1
serve cut-often "$pack"
read_objects
all_well 'a connection that is cut again and again, but gets further each time'
serve busy-once
read_objects
all_well 'a server that is busy for a moment'

# ------------------------------------------------- what must end
while IFS='~' read -r mode part words most; do
        serve "$mode" ${part:+"$part"}
        read_objects
        refused "$mode ${part:-everywhere}" "$words" "${most:-4000}"
done <<END
short~~premature end
short~.pack~has [0-9]+ bytes where the release says
short~.index~has [0-9]+ bytes where the release says
short-chunked~.pack~ends too early
short-chunked~.index~ends too early
long~.index~has [0-9]+ bytes where the release says
long-unsaid~.index~sends more than it should
endless~.index~sends more than it should
endless~.json~sends more than it should
endless-headers~~headers have no end
endless-header~~headers have no end
endless-100~~headers have no end
changed~.index~not the one that the release names
changed~.pack~is damaged|wrong content
redirect-file~~file:///etc/passwd, which is not followed
redirect-host~~http://other.invalid/repo/, which is not followed
stall~.json~stopped sending~9000
silent~.json~stopped sending~9000
drip~.index~stopped sending~15000
cut-there~.pack~closed|remaining
other-range~.index~another range
other-range~.pack~another range
gzip~~encoding that nobody asked for
huge-length~.json~no more than
huge-length~.index~where the release says
huge-length~.pack~where the release says
html~.json~release.json
html~.index~where the release says
not-http~~HTTP
404 Not Found~.pack~has no file packs
404 Not Found~.index~has no file packs
403 Forbidden~~HTTP status 403
500 Internal Server Error~~HTTP status 500
204 No Content~~HTTP status 204
END

# ------------------------------------------------- secrets, and TLS
for mode in redirect-here '404 Not Found' '401 Unauthorized' html short; do
        serve "$mode"
        url=${url/127/operator:sesame@127}
        read_latest
        is "$mode: refused" "$status" 3
        unlike "$mode: the password is not shown" "$(errors)" 'sesame|operator'
done
openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout "$tmp/tls.key" -out "$tmp/tls.pem" 2>/dev/null
chmod 0600 "$tmp/tls.pem" # the helper could not open it any more
port=$((20000 + $$ % 10000))
(cd "$repo" && exec openssl s_server -accept "$port" -cert "$tmp/tls.pem" -key "$tmp/tls.key" -HTTP -quiet </dev/null) \
        >"$tmp/tls.log" 2>&1 &
cleanup_process $!
printf 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n7\n' >"$repo/latest.tls"
mv "$repo/latest" "$repo/latest.kept"
mv "$repo/latest.tls" "$repo/latest"
for _ in {1..50}; do
        openssl s_client -connect "localhost:$port" </dev/null >/dev/null 2>&1 && break
        sleep 0.1
done
run timeout 60 "$driver" -s 1000 -t 20 -c "$tmp/tls.pem" "https://localhost:$port" latest
is 'TLS with roots of ours' "$status $(field latest)" '0 7'
run timeout 60 "$driver" -s 1000 -t 20 "https://localhost:$port" latest
is 'TLS with an unknown root is refused' "$status" 3
like 'with words' "$(errors)" 'certificate'
run timeout 60 "$driver" -s 1000 -t 20 -c "$tmp/tls.pem" "https://127.0.0.1:$port" latest
is 'TLS with a certificate for another name is refused' "$status" 3
mv "$repo/latest.kept" "$repo/latest"

# ------------------------------------------------- the live tree stays as it was
# The stand-by has release 1, tampered with; release 2 lies in the repository.
mkdir -p "${dest%/*}"
status_is 0 'pull from the folder' us pull "$dest" --repo "$repo" --pub "$pub"
echo '<!-- more -->' >>"$tmp/src/docs/help.html"
head -c 400000 /dev/zero | openssl enc -aes-128-ctr -K 02 -iv 00 2>/dev/null >"$tmp/src/img/new.jpg"
make_repository
echo planted >"$dest/index.html"
snapshot "$dest" >"$tmp/before"
cp -a "$repo" "$tmp/repo.good"

# untouched NAME WORDS: the last pull was refused, and nothing has changed; nothing is left beside the tree either.
untouched()
{
        snapshot "$dest" >"$tmp/after"
        if [[ $status == 3 && $(wc -l <"$tmp/stderr") == 1 && $(errors) =~ $2 ]] && cmp -s "$tmp/before" "$tmp/after" &&
                ! compgen -G "${dest%/*}/.understudy.*" >/dev/null; then
                pass "$1"
        else
                fail "$1"
                diag "  status $status, expected 3, a tree as before, and words like: $2"
                diag "  beside the tree: $(ls -A "${dest%/*}")"
                output_diag
                diff "$tmp/before" "$tmp/after" | head -5 | sed 's/^/#   /'
        fi
}

while IFS='~' read -r mode part words; do
        serve "$mode" ${part:+"$part"}
        run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$url" --pub "$pub" --stall-timeout 1
        untouched "pull: $mode ${part:-everywhere}" "$words"
done <<END
short~~.
html~~.
endless~~.
redirect-host~~not followed
changed~.json~.
changed~.minisig~.
changed~.pack~damaged|not what release 2 promised
changed~.index~not the one that the release names
cut-there~.pack~.
404 Not Found~.index~no file
404 Not Found~.minisig~.
END

# Frames that unpack to a gigabyte, where small objects should be: the index is signed, the pack is only fetched.
head -c 1G /dev/zero | zstd -q -1 >"$tmp/bomb"
for one in "$repo"/packs/*.pack; do
        size=$(stat -c %s "$one")
        head -c "$size" "$tmp/bomb" | dd of="$one" conv=notrunc status=none
done
serve good
run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$url" --pub "$pub"
untouched 'pull: a bomb in the packs, over HTTP' 'damaged'
run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$repo" --pub "$pub"
untouched 'pull: a bomb in the packs, from the folder' 'damaged'
rm -r "$repo"
mv "$tmp/repo.good" "$repo"

# The good server again; it is cut once in the middle.
serve cut-once .pack
run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$url" --pub "$pub" --json
is 'pull: cut once: exact now, and it had been tampered with' "$status" 1
json_is 'pull: it is the new release' .release 2
is 'the planted page is gone' "$(ls "$dest"/index.html 2>/dev/null)" ''
status_is 0 'and verify agrees' us verify "$dest" --pub "$pub"

# A helper that is killed: the command ends, and says so.
serve silent
"$UNDERSTUDY" pull "$dest" --repo "$url" --pub "$pub" >"$tmp/stdout" 2>"$tmp/stderr" &
pull=$!
cleanup_process "$pull"
for _ in {1..100}; do
        helper=$(<"/proc/$pull/task/$pull/children")
        [[ -n $helper && $(ps -o user= -p "${helper% }" 2>/dev/null) == @(nobody|understudy) ]] && break
        sleep 0.05
done
kill -KILL "${helper% }"
wait "$pull"
is 'a killed helper is an error of the command' $? 3
like 'with words' "$(errors)" 'signal 9'
done_testing
