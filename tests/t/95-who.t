#!/bin/bash
# Who wrote: real uploads by FTP and SFTP from another host, a login's shell, a web server's program, and writers that
# are gone at once. Runs in a lab of its own (namespaces, accounts), so that nothing of the machine is used.
. "$(dirname "$0")/lib.sh"
use namespaces upload
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        need_root
        need ip unshare nsenter curl jq vsftpd sshd ssh ssh-keygen openssl findmnt nginx setpriv
        lab_php_fpm >/dev/null || skip_all 'php-fpm is not installed'
        LAB_OUTSIDE_MOUNTS=$(readlink /proc/self/ns/mnt)
        export LAB_OUTSIDE_MOUNTS TMPDIR=$tmp
        lab_enter '' "$(readlink -f "$0")"
        exit
fi

site=$LAB_FOLDER/site
sessions=$tmp/sessions
lab_network || bail_out 'no network'
lab_host production 192.0.2.77 && lab_host standby 192.0.2.78 && lab_host intruder 192.0.2.7 &&
        lab_host visitor 192.0.2.9 || bail_out 'no hosts'
ip -n production -6 address add 2001:db8::77/64 dev eth0 nodad
ip -n intruder -6 address add 2001:db8::7/64 dev eth0 nodad
mkdir -m 0755 "$site" "$sessions" && mkdir -m 0777 "$site/web" "$site/burst" && chown 4711:4711 "$site"
upload_account www-upload 4711 secret "$site" || bail_out 'no account'
upload_ftp production || bail_out 'no FTP server'
upload_sftp production && upload_sftp standby internal-sftp || bail_out 'no SSH server'

"$build_folder/tests/support/who_driver" --ftp-log "$LAB_FOLDER/upload-production/vsftpd.log" --logind "$sessions" \
        "$site" "$site/web" "$site/burst" >"$tmp/events" 2>"$tmp/driver.err" &
cleanup_process $!
wait_for 10 grep -q ready "$tmp/events" || bail_out "$(cat "$tmp/driver.err")"

# told NAME: the first event about a file as the last command's output. Later ones may come when its writer has ended.
told()
{
        wait_for 20 grep -q "\"name\":\"$1\"" "$tmp/events"
        grep -m 1 "\"name\":\"$1\"" "$tmp/events" >"$tmp/stdout"
}
remote='[.who.remote | .address, .source, .trust] | join(" ")'

# ---------------------------------------------------------------- uploads; slow enough that the writer is there

head -c 300000 /dev/zero >"$tmp/page"
export UPLOAD_RATE=200K
ok 'an upload by FTP' upload_by ftp intruder 192.0.2.77 www-upload secret "$tmp/page" "$site/ftp.html"
told ftp.html
json_is 'FTP: the program' .who.exe "$(readlink -f "$(command -v vsftpd)")"
json_is 'FTP: the user' '[.who.uid, .who.user, .who.login_user] | join(" ")' '4711 www-upload www-upload'
json_is 'FTP: the address of the session' "$remote" "192.0.2.7 vsftpd's control connection certain"
json_is 'FTP: the name in the log' .who.service.account www-upload
json_is 'FTP: its parent is vsftpd of root' '.who.parents[0] | "\(.comm) \(.uid)"' 'vsftpd 0'
json_is 'FTP: in a sentence' .text 'vsftpd, user www-upload (uid 4711), FTP session from 192.0.2.7'

ok 'an upload by SFTP' upload_by sftp intruder 192.0.2.77 www-upload secret "$tmp/page" "$site/sftp.html"
told sftp.html
json_is 'SFTP: the program' .who.exe /usr/lib/openssh/sftp-server
json_is 'SFTP: the user' '[.who.uid, .who.user, .who.login_user] | join(" ")' '4711 www-upload www-upload'
json_is 'SFTP: the address of the session' "$remote" "192.0.2.7 sshd's socket certain"
json_is 'SFTP: in a sentence' .text 'sftp-server, user www-upload (uid 4711), SFTP session from 192.0.2.7'

ok 'an upload by SFTP over IPv6' upload_by sftp intruder 2001:db8::77 www-upload secret "$tmp/page" "$site/six.html"
told six.html
json_is 'IPv6: the address' "$remote" "2001:db8::7 sshd's socket certain"

ok "an upload to the SFTP server inside of sshd" \
        upload_by sftp intruder 192.0.2.78 www-upload secret "$tmp/page" "$site/internal.html"
told internal.html
json_is 'internal SFTP: the program' .who.exe "$(readlink -f "$(command -v sshd)")"
json_is 'internal SFTP: in a sentence' .text 'sshd, user www-upload (uid 4711), SFTP session from 192.0.2.7'

# ---------------------------------------------------------------- a login

upload_shell intruder 192.0.2.77 www-upload secret "sh -c 'echo x >$site/shell.html; sleep 2'; cat /proc/self/sessionid" \
        >"$tmp/session"
told shell.html
json_is 'a login: the address of its session' "$remote" "192.0.2.7 sshd's socket certain"
like 'a login: in a sentence' "$(json .text)" \
        '^[a-z]+ \(started by sshd\), user www-upload \(uid 4711\), SSH session from 192\.0\.2\.7$'
like 'a login: the command line' "$(json .who.command)" "echo x >$site/shell.html"

# A program that calls itself sshd, with a connection of its own to another address: below the shell, and in its place.
cp "$(command -v bash)" "$LAB_FOLDER/sshd"
for how in '' exec; do
        upload_shell intruder 192.0.2.77 www-upload secret \
                ": ; $how $LAB_FOLDER/sshd -c 'exec 3<>/dev/tcp/192.0.2.78/22; echo x >$site/false$how.html; sleep 2; :'"
        told "false$how.html"
        json_is "a false sshd${how:+ in the place of the shell}: it is seen through" "$remote" "192.0.2.7 sshd's socket certain"
        json_is 'and its program is named' .who.exe "$LAB_FOLDER/sshd"
done

# One that has left his ancestors while the session is open: the session's connection, and not as certain.
upload_shell intruder 192.0.2.77 www-upload secret \
        "(setsid sh -c 'sleep 1; echo x >$site/apart.html; sleep 2' >/dev/null 2>&1 </dev/null &); sleep 4"
told apart.html
json_is 'one that left: the connections of his session, none as certain' \
        '.who | "\(.service) \(.login_user) \(.remote.trust) \(.remote.candidates)"' 'null www-upload ambiguous ["192.0.2.7"]'

# One that stays behind when the session is closed: only the records of the system know where he came from.
upload_shell intruder 192.0.2.77 www-upload secret \
        "cat /proc/self/sessionid >$site/burst/session; setsid sh -c 'until [ -e $sessions/go ]; do sleep 0.1; done;
                echo x >$site/behind.html; sleep 2; echo x >$site/recorded.html; sleep 2' >/dev/null 2>&1 </dev/null &"
gone() { [[ -z $(lab_in production ss -Htn state established sport = :22) ]]; }
wait_for 10 gone
: >"$sessions/go"
told behind.html
json_is 'one that stayed behind: no address is guessed' '.who | "\(.remote) \(.service) \(.login_user)"' \
        'null null www-upload'
json_is 'and it is said' .who.missing.remote 'there is none'
session=$(cat "$site/burst/session")
printf 'USER=www-upload\nREMOTE=1\nREMOTE_HOST=192.0.2.7\nLEADER=1\n' >"$sessions/$session"
told recorded.html
json_is 'with a record of the session: the address, and whose word it is' "$remote" '192.0.2.7 logind recorded'
like 'and in a sentence' "$(json .text)" 'login session from 192\.0\.2\.7 according to logind$'

# ---------------------------------------------------------------- a web server's program: candidates, never one

cat >"$site/web/write.php" <<'END'
<?php
file_put_contents($_GET['name'], 'x');
sleep(2);
END
lab_serve production "$site/web" || bail_out 'no web server'
lab_in visitor curl -s "http://192.0.2.77/write.php?name=$site/web/one.html"
told one.html
json_is 'web: the program and its user' '.who | "\(.user) \(.service.kind)"' 'www-data php'
json_is 'web: the only connection is not told as certain' '.who.remote | "\(.address) \(.trust) \(.candidates)"' \
        'null ambiguous ["192.0.2.9"]'
# Another one whose connection is open, and who did nothing.
lab_in intruder bash -c 'exec 3<>/dev/tcp/192.0.2.77/80 && echo connected && read -rt 20 <&3' >"$tmp/connected" &
cleanup_process $!
wait_for 10 grep -q connected "$tmp/connected"
lab_in visitor curl -s "http://192.0.2.77/write.php?name=$site/web/two.html"
told two.html
json_is 'web: two connections, two candidates' '.who.remote | "\(.address) \(.one_of) \(.candidates | sort)"' \
        'null 2 ["192.0.2.7","192.0.2.9"]'
like 'web: in a sentence' "$(json .text)" '^php-fpm[0-9.]*, user www-data .*, web request from one of 2 addresses connected then: '

# ---------------------------------------------------------------- gone at once: the right one or nobody

for i in {1..40}; do
        uid=$((5000 + i % 7))
        setpriv --reuid="$uid" --clear-groups sh -c "echo x >$site/burst/$uid-$i"
done
told 5005-40
jq -c 'select(.name | test("^5[0-9]{3}-")) | [(.name | split("-")[0]), .who.uid, .who.state, .text]' \
        <(grep '^{' "$tmp/events") >"$tmp/burst"
ok 'all writers of the burst were told' test "$(jq -r '.[0]' "$tmp/burst" | wc -l)" -ge 40
is 'nobody was told in the place of another' \
        "$(jq -c 'select(.[1] != null and (.[1] | tostring) != .[0])' "$tmp/burst" | head -n 3)" ''
is 'one whose user is not known is told as gone' \
        "$(jq -c 'select(.[1] == null and (.[3] | test("^gone before") | not))' "$tmp/burst" | head -n 3)" ''
diag "$(jq -rs 'group_by(.[2]) | map("\(length) events: \(.[0][2])") | join(", ")' "$tmp/burst")"
done_testing
