# shellcheck shell=bash
# upload.sh - the ways by which somebody with a password gets at a tree: an FTP server (vsftpd) and an SFTP server
# (sshd) of the lab's own, and an account for them. For demo.sh and for tests; needs namespaces.sh, inside of a lab.
#
#     upload_account www-upload 4711 secret /srv/site     an account in copies of /etc/passwd, group and shadow that are
#                                                         seen in this mount namespace only
#     upload_ftp production                               vsftpd on port 21 of a host, returns when it answers
#     upload_sftp production [internal-sftp]              sshd on port 22 of it
#     upload_by ftp  visitor-host 192.0.2.77 www-upload secret FILE PATH
#     upload_by sftp visitor-host 192.0.2.77 www-upload secret FILE PATH
#     upload_shell visitor-host 192.0.2.77 www-upload secret COMMAND...
#
# PATH is absolute on the server. The logs are $LAB_FOLDER/upload-HOST/{vsftpd,sshd}.log. The machine's own accounts,
# PAM configuration, keys and servers are neither used nor changed: what stands in /etc for these programs is covered by
# the lab's own files, and all of it goes with the lab's mount namespace.

# True inside of a mount namespace that is not the first process's of the machine: a bind mount over /etc stays in here.
upload_is_apart()
{
        [[ -n ${LAB_FOLDER:-} && $(readlink /proc/self/ns/mnt) != "${LAB_OUTSIDE_MOUNTS:-}" ]] &&
                [[ $(findmnt -n -o PROPAGATION /) != *shared* ]]
}

# PAM without the machine's: a name, a password, and the kernel's mark of a login where it can be set.
upload_pam()
{
        local folder=$LAB_FOLDER/upload-pam service
        mkdir -p "$folder"
        for service in sshd vsftpd other; do
                cat >"$folder/$service" <<'END'
auth     required pam_unix.so
account  required pam_unix.so
session  optional pam_loginuid.so
session  required pam_unix.so
END
        done
        mount --bind "$folder" /etc/pam.d
}

# upload_account NAME UID PASSWORD HOME: HOME must be there, and should belong to UID. May be called for several.
upload_account()
{
        local name=$1 uid=$2 password=$3 home=$4 folder=$LAB_FOLDER/upload-accounts file
        upload_is_apart || { echo 'upload: not in a lab' >&2; return 1; }
        if [[ ! -d $folder ]]; then
                mkdir -m 0755 "$folder" && upload_pam || return
                for file in passwd group shadow; do
                        cp -p "/etc/$file" "$folder/$file" && mount --bind "$folder/$file" "/etc/$file" || return
                done
        fi
        echo "$name:x:$uid:$uid:lab:$home:/bin/sh" >>"$folder/passwd" &&
                echo "$name:x:$uid:" >>"$folder/group" &&
                echo "$name:$(openssl passwd -6 "$password"):20000:0:99999:7:::" >>"$folder/shadow"
}

# upload_answers HOST PORT: within some seconds.
upload_answers()
{
        local end=$((SECONDS + 10))
        until lab_in "$1" bash -c "exec 3<>/dev/tcp/127.0.0.1/$2" 2>/dev/null; do
                [[ $SECONDS -lt $end ]] || return 1
                sleep 0.05
        done
}

upload_ftp()
{
        local host=$1 here=$LAB_FOLDER/upload-$1
        mkdir -p "$here" /run/vsftpd/empty || return
        cat >"$here/vsftpd.conf" <<END
listen=YES
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_umask=022
pam_service_name=vsftpd
session_support=YES
check_shell=NO
secure_chroot_dir=/run/vsftpd/empty
xferlog_enable=YES
vsftpd_log_file=$here/vsftpd.log
use_localtime=YES
END
        lab_in "$host" vsftpd "$here/vsftpd.conf" >"$here/vsftpd.out" 2>&1 </dev/null &
        # shellcheck disable=SC2034 # for the caller
        UPLOAD_PID=$!
        upload_answers "$host" 21 || { cat "$here/vsftpd.out" >&2; return 1; }
}

# upload_sftp HOST [internal-sftp]: with Debian's sftp-server as a program of its own, or with the one inside of sshd.
upload_sftp()
{
        local host=$1 sftp=${2:-/usr/lib/openssh/sftp-server} here=$LAB_FOLDER/upload-$1
        mkdir -p "$here" /run/sshd || return
        [[ -e $here/host_key ]] || ssh-keygen -q -t ed25519 -N '' -f "$here/host_key" || return
        cat >"$here/sshd_config" <<END
Port 22
AddressFamily any
HostKey $here/host_key
PidFile none
UsePAM yes
PasswordAuthentication yes
PermitRootLogin no
UseDNS no
PrintMotd no
Subsystem sftp $sftp
END
        # By its whole path, as sshd asks for: it runs itself again for each connection.
        lab_in "$host" "$(PATH=$PATH:/usr/sbin command -v sshd)" -D -e -f "$here/sshd_config" \
                >"$here/sshd.log" 2>&1 </dev/null &
        # shellcheck disable=SC2034 # for the caller
        UPLOAD_PID=$!
        upload_answers "$host" 22 || { cat "$here/sshd.log" >&2; return 1; }
}

# upload_by ftp|sftp FROM-HOST ADDRESS USER PASSWORD FILE PATH: with curl, from another host; $UPLOAD_RATE (as "100K")
# makes it slow. The host key is new in each lab, so it is not checked.
upload_by()
{
        local protocol=$1 from=$2 address=$3 user=$4 password=$5 file=$6 path=$7
        [[ $address != *:* ]] || address="[$address]"
        # An FTP path begins at the user's home; // is the root.
        [[ $protocol != ftp ]] || path=/$path
        lab_in "$from" curl --silent --show-error --insecure --max-time 30 ${UPLOAD_RATE:+--limit-rate "$UPLOAD_RATE"} \
                --user "$user:$password" --upload-file "$file" "$protocol://$address$path"
}

# upload_shell FROM-HOST ADDRESS USER PASSWORD COMMAND: the command runs there, in a session of sshd.
upload_shell()
{
        local from=$1 address=$2 user=$3 password=$4 ask=$LAB_FOLDER/upload-ask
        shift 4
        [[ -e $ask ]] || { printf '#!/bin/sh\necho "$UPLOAD_PASSWORD"\n' >"$ask" && chmod 0700 "$ask"; } || return
        UPLOAD_PASSWORD=$password SSH_ASKPASS=$ask SSH_ASKPASS_REQUIRE=force lab_in "$from" ssh -F none -q \
                -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=password \
                "$user@$address" "$@" </dev/null
}
