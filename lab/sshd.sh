# shellcheck shell=bash
# sshd.sh - what an sshd of a lab is made of. Sourced by stage.sh, where it listens, and by the tests' agent.sh, where ssh
# starts it. It wants $tmp.

# lab_sshd_files NAME LINE...: $tmp/ssh/NAME with the host's key, sshd_config, and authorized_keys that has these lines; the key is
# in $tmp/ssh/known_hosts. (/run/sshd: asked for by sshd when it starts as root; it may be missing in a container. SHLVL: a shell
# that is not the first one leaves out the ~/.bashrc of whoever runs the lab.)
lab_sshd_files()
{
        local name=$1 here=$tmp/ssh/$1
        shift
        mkdir -p "$here" /run/sshd && printf '%s\n' "$@" >"$here/authorized_keys" || return
        [[ ! -e $here/host_key ]] || return 0
        ssh-keygen -q -t ed25519 -N '' -f "$here/host_key" </dev/null || return
        echo "$name $(cut -d' ' -f1,2 "$here/host_key.pub")" >>"$tmp/ssh/known_hosts"
        cat >"$here/sshd_config" <<END
HostKey $here/host_key
AuthorizedKeysFile $here/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
SetEnv SHLVL=1
END
}
