# shellcheck shell=bash
# agent.sh - a real sshd for one server of a site, without a port or a network: ssh's ProxyCommand runs it. Sourced
# behind lib.sh.
#
#     agent_host web1 "$(agent_line)"      sshd's configuration and keys in $tmp/ssh/web1, this line in authorized_keys
#     ssh -F "$tmp/ssh/config" web1        reaches it, as root
#     agent_frame VERB NUMBER BODY         a frame, to standard output
#     agent_frames                         frames from standard input, one a line: "VERB NUMBER BODY"

use sshd

agent_keys()
{
        mkdir -p "$tmp/ssh" && chmod 0700 "$tmp/ssh" || return
        [[ -e $tmp/ssh/controller ]] || ssh-keygen -q -t ed25519 -N '' -C controller -f "$tmp/ssh/controller"
}

# agent_host NAME LINE...: LINE is what authorized_keys has.
agent_host()
{
        local name=$1 here=$tmp/ssh/$1 sshd
        shift
        sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
        agent_keys && lab_sshd_files "$name" "$@" || return
        cat >>"$here/sshd_config" <<END
Subsystem sftp internal-sftp
AcceptEnv *
PermitUserEnvironment no
LogLevel VERBOSE
END
        cat >>"$tmp/ssh/config" <<END
Host $name
        ProxyCommand $sshd -i -f $here/sshd_config -E $here/log
        HostKeyAlias $name
        User root
        KexAlgorithms curve25519-sha256
        IdentityFile $tmp/ssh/controller
        IdentitiesOnly yes
        UserKnownHostsFile $tmp/ssh/known_hosts
        GlobalKnownHostsFile /dev/null
END
}

# agent_frame VERB NUMBER BODY
agent_frame() { perl -e 'print pack("CxxxVQ<", $ARGV[0], length $ARGV[2], $ARGV[1]), $ARGV[2]' "$@"; }

agent_frames()
{
        perl -e '
                binmode STDIN; local $/; my $all = <STDIN>;
                while (length $all >= 16) {
                        my ($verb, $length, $number) = unpack "CxxxVQ<", $all;
                        last if length $all < 16 + $length;
                        print "$verb $number ", substr($all, 16, $length), "\n";
                        $all = substr $all, 16 + $length;
                }
                print "rest: $all\n" if length $all;'
}
