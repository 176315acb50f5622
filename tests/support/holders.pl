#!/usr/bin/perl
# holders.pl ADDRESS DEVICE STOP HOST HOST - looks every 2 ms, until the file STOP is there, who has the address on that device.
# Prints "BOTH of LOOKS". It asks the kernel itself, by a socket in each network namespace: no program is started for a look.
use strict;
use warnings;
use Fcntl;
use Socket;

use constant { SYS_SETNS => 308, CLONE_NEWNET => 0x40000000, SIOCGIFCONF => 0x8912, IFREQ => 40 }; # x86-64

my ($address, $device, $stop, @hosts) = @ARGV;
my @sockets = map {
        open my $namespace, '<', "/run/netns/$_" or die "$_: $!\n";
        syscall(SYS_SETNS, fileno $namespace, CLONE_NEWNET) == 0 or die "setns $_: $!\n";
        socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
        $socket;
} @hosts;

sub has {
        my ($socket) = @_;
        my $buffer = "\0" x (IFREQ * 32);
        my $list = pack 'i x4 P', length $buffer, $buffer;
        ioctl $socket, SIOCGIFCONF, $list or die "SIOCGIFCONF: $!\n";
        for my $at (0 .. unpack('i', $list) / IFREQ - 1) {
                my ($name, $bytes) = unpack 'Z16 x4 a4', substr $buffer, $at * IFREQ, IFREQ;
                return 1 if $name =~ /^\Q$device\E(:|$)/ && $bytes eq inet_aton($address);
        }
        return 0;
}

my ($looks, $both) = (0, 0);
while (!-e $stop) {
        my $n = grep { has($_) } @sockets;
        $looks++;
        $both++ if $n > 1;
        select undef, undef, undef, 0.002;
}
print "$both of $looks\n";
