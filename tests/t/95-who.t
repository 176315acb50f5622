#!/bin/bash
# Who wrote: real uploads by FTP and SFTP from another host, by shells, by a web server's program; and writers that are
# gone. Runs in a lab of its own (namespaces, accounts), so that nothing of the machine is used.
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source-path=SCRIPTDIR/../../lab
# shellcheck source=namespaces.sh
. "$here/../../lab/namespaces.sh"
# shellcheck source=upload.sh
. "$here/../../lab/upload.sh"
PATH=$PATH:/usr/sbin:/sbin

if [[ -z ${LAB_FOLDER:-} ]]; then
        # shellcheck source=../tests/t/lib.sh
        . "$here/lib.sh"
        need_root
        need ip unshare nsenter curl jq vsftpd sshd openssl findmnt
        LAB_OUTSIDE_MOUNTS=$(readlink /proc/self/ns/mnt)
        export LAB_OUTSIDE_MOUNTS TMPDIR=$tmp
        lab_enter '' "$(readlink -f "$0")"
        exit
fi
. "$here/lib.sh"

driver=$build_folder/tests/support/who_driver
site=$LAB_FOLDER/site
lab_network && lab_host production 192.0.2.77 && lab_host intruder 192.0.2.7 && lab_host visitor 192.0.2.9 || bail_out 'no network'
ip -n production -6 address add 2001:db8::77/64 dev eth0 nodad
ip -n intruder -6 address add 2001:db8::7/64 dev eth0 nodad
mkdir -m 0755 "$site" && chown 4711:4711 "$site"
upload_account www-upload 4711 secret "$site" || bail_out 'no account'
upload_ftp production || bail_out 'no FTP server'
upload_sftp production || bail_out 'no SSH server'
"$driver" --ftp-log "$LAB_FOLDER/upload-production/vsftpd.log" "$site" >"$tmp/events" 2>"$tmp/driver.err" &
wait_for 5 grep -q ready "$tmp/events" || bail_out "$(cat "$tmp/driver.err")"
echo '<script src="http://malware.invalid/x.js"></script>' >"$tmp/page"
upload_by ftp intruder 192.0.2.77 www-upload secret "$tmp/page" "$site/ftp.html"
upload_by sftp intruder 192.0.2.77 www-upload secret "$tmp/page" "$site/sftp.html"
sleep 1
cat "$tmp/events" >&2
cat "$LAB_FOLDER"/upload-production/*.log >&2
done_testing
