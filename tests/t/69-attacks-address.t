#!/bin/bash
# Odd addresses of a repository, a server that talks to the terminal, sizes that lie: an error in words, or the genuine
# thing; never a hang, never a byte for the terminal to obey.
. "$(dirname "$0")/lib.sh"
need jq minisign python3

make_site "$tmp/src"
make_repository
mkdir -p "${dest%/*}"

# Standard output and standard error of the last command hold nothing that a terminal obeys.
quiet_terminal()
{
        if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$tmp/stdout" "$tmp/stderr"; then
                fail "$1" && output_diag
        else
                pass "$1"
        fi
}

# ---------------------------------------------------------------- addresses

cp -a "$repo" "$tmp/re po#%41?"
for url in "$tmp/re po#%41?" "file://$tmp/re%20po%23%2541%3F" "file://localhost$repo" "file://$repo///" "$repo/" "file://$repo/%2e/"; do
        status_is 0 "releases of ${url#*"$tmp"}" us releases --repo "$url" --pub "$pub"
done
for url in '' 'http://' 'http:///' 'https://' 'ftp://127.0.0.1/x' "FILE://$repo" "file://otherhost$repo" "file://$repo%00/x" \
        'http://127.0.0.1:0/' 'http://127.0.0.1:99999/' 'http://[::1/' 'http://[::1]:1/' 'http://user:pass word@127.0.0.1:1/' \
        'http://127.0.0.1:1/#x' 'http://127.0.0.1:1/?x' 'http://127.0.0.1:1/a b' $'http://127.0.0.1:1/\r\nX: y' \
        $'http://127.0.0.1:1/\033[2J' $'http://h\xc2\x9bost.invalid/' 'http://user:secret@127.0.0.1:1/' 'http://@/' \
        'http://127.0.0.1:1/../../x' "dict://127.0.0.1:1/" "gopher://127.0.0.1:1/" "-" "--" "/dev/null" "/proc/self/mem" \
        "$(printf 'http://127.0.0.1:1/%09000d' 0)" "$(printf 'a%.0s' {1..300})"; do
        run timeout 30 "$UNDERSTUDY" releases --repo="$url" --pub "$pub"
        ok "an address that is none: $(printf %.30q "$url")" test "$status" -eq 2 -o "$status" -eq 3
        unlike "$(printf %.30q "$url"): no password in the words" "$(errors)" 'secret|pass word'
        quiet_terminal "$(printf %.30q "$url"): nothing for the terminal"
done

# ---------------------------------------------------------------- a server that talks to the terminal

cat >"$tmp/server.py" <<'PYTHON'
import socket, sys
answers = {
    "status": b"HTTP/1.1 500 \x1b]0;owned\x07\r\nContent-Length: 0\r\n\r\n",
    "location": b"HTTP/1.1 302 x\r\nLocation: http://x/\x1b[2J\xc2\x9b31m\r\nContent-Length: 0\r\n\r\n",
    "userinfo": b"HTTP/1.1 302 x\r\nLocation: http://\x1b[2J:y@[::1]/\r\nContent-Length: 0\r\n\r\n",
    "protocol": b"\x1b[2J\x9b31m not HTTP at all\r\n\r\n",
    "encoding": b"HTTP/1.1 200 x\r\nContent-Encoding: \x1b[2J\r\nContent-Length: 2\r\n\r\n1\n",
    "chunk": b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[2J\r\n",
    "length": b"HTTP/1.1 200 x\r\nContent-Length: 99999999999999999999\r\n\r\n1\n",
    "negative": b"HTTP/1.1 200 x\r\nContent-Length: -1\r\n\r\n1\n",
    "latest": b"HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\n\x1b[2J\xc2\x9b31m\n",
    "early": b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" * 3000,
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + b"\x00" * 100,
    "auth": b"HTTP/1.1 401 x\r\nWWW-Authenticate: Negotiate \x1b[2J\r\nContent-Length: 0\r\n\r\n",
}
listener = socket.create_server(("127.0.0.1", 0), backlog=50)
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                break
            head += more
        which = head.split(b" ")[1].split(b"/")[1].decode() if head else ""
        connection.sendall(answers.get(which, b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"))
    except OSError:
        pass
    connection.close()
PYTHON
python3 "$tmp/server.py" >"$tmp/port" &
cleanup_process $!
wait_for 10 test -s "$tmp/port"
port=$(cat "$tmp/port")
for what in status location userinfo protocol encoding chunk length negative latest early upgrade auth; do
        run timeout 40 "$UNDERSTUDY" pull "$dest" --repo "http://127.0.0.1:$port/$what" --pub "$pub"
        is "a server with an odd $what: an error" "$status" 3
        quiet_terminal "a server with an odd $what: nothing for the terminal"
done

# ---------------------------------------------------------------- signed, and odd to look at

sign() { minisign -S -s "$key" -m "$1" -x "$1.minisig" -t "$2" >/dev/null </dev/null; }
cp -a "$repo" "$tmp/signed"
release=$tmp/signed/releases/1/release.json
for text in $'{"\033[2J": 1}' $'\033[2J' "$(printf '[%.0s' {1..100000})" '{"number": 1e999}' '{"a":"\u001b[2J"}' '{"a":"\ud800"}' \
        '18446744073709551616' $'{"format": "understudy-release-1\xc2\x9b"}' '{"number": 9223372036854775808}'; do
        printf '%s\n' "$text" >"$release"
        sign "$release" 'understudy site=example release=1 file=release.json'
        us pull "$dest" --repo "$tmp/signed" --pub "$pub"
        is "a signed release.json of $(printf %.20q "$text"): an error" "$status" 3
        quiet_terminal "a signed release.json of $(printf %.20q "$text"): nothing for the terminal"
done
rm -r "$tmp/signed"
cp -a "$repo" "$tmp/signed"
for member in manifest_size companion_size bytes files; do
        for value in 9223372036854775807 4611686018427387904 1099511627776; do
                jq -S --indent 1 ".roots.docroot.$member = $value" "$repo/releases/1/release.json" | sed "s/: [0-9.]*e+18/: $value/" >"$release"
                sign "$release" 'understudy site=example release=1 file=release.json'
                run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$tmp/signed" --pub "$pub"
                is "$member of $value: an error" "$status" 3
        done
done
for member in size index_size; do
        jq -S --indent 1 ".packs[0].$member = 1099511627776" "$repo/releases/1/release.json" >"$release"
        sign "$release" 'understudy site=example release=1 file=release.json'
        run timeout 60 "$UNDERSTUDY" pull "$dest" --repo "$tmp/signed" --pub "$pub"
        is "a pack whose $member is a terabyte: an error" "$status" 3
done
not_ok 'nothing was made' test -e "$dest"
is 'nothing is left beside it' "$(ls -A "${dest%/*}")" ''
done_testing
