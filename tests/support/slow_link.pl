#!/usr/bin/perl
# slow_link.pl PORT BRIDGE DELAY JITTER LOSS READY - takes PORT out of the bridge, and hands frames on between the two: each DELAY ms
# later, give or take JITTER, in their order, and LOSS of a hundred not at all. READY is there when it does; at SIGTERM all is as before.
#
# What a card leaves to be done to a frame (checksums, segments) is in the header that comes with it (PACKET_VNET_HDR), and goes on
# with it. PORT does not speak for itself meanwhile: it answers no ARP.
use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant {
        AF_PACKET => 17, SOCK_RAW => 3, ETH_P_ALL => 3, SOL_PACKET => 263, PACKET_VNET_HDR => 15, PACKET_IGNORE_OUTGOING => 23,
        SIOCGIFINDEX => 0x8933, FRAME => 70000
};

my ($port, $bridge, $delay, $jitter, $loss, $ready) = @ARGV;
my ($near, $far) = ('slow-near', 'slow-far');

sub ip { system('ip', @_) == 0 or die "ip @_\n"; }

sub listen_at {
        my ($device) = @_;
        socket my $socket, AF_PACKET, SOCK_RAW, unpack('S', pack 'n', ETH_P_ALL) or die "socket: $!\n";
        setsockopt $socket, SOL_PACKET, $_, pack('i', 1) or die "setsockopt $_: $!\n" for PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING;
        my $request = pack 'a16 x24', $device;
        ioctl $socket, SIOCGIFINDEX, $request or die "$device: $!\n";
        bind $socket, pack('S n i S C C a8', AF_PACKET, ETH_P_ALL, unpack('x16 i', $request), 0, 0, 0, '') or die "bind $device: $!\n";
        return $socket;
}

my $over = 0;
$SIG{TERM} = sub { $over = 1 };
ip('link', 'add', $near, 'type', 'veth', 'peer', 'name', $far);
ip('link', 'set', $near, 'arp', 'off', 'up');
ip('link', 'set', $port, 'nomaster', 'arp', 'off');
my @ends = (listen_at($port), listen_at($near));
ip('link', 'set', $far, 'master', $bridge, 'up');
open my $file, '>', $ready or die "$ready: $!\n";
close $file;

my @queues = ([], []); # what came at this end: [when it is due, the frame]
while (!$over) {
        my $now = clock_gettime(CLOCK_MONOTONIC);
        my ($wait, $readable) = (0.2, '');
        for my $i (0, 1) {
                my $queue = $queues[$i];
                syswrite $ends[1 - $i], (shift @$queue)->[1] while @$queue && $queue->[0][0] <= $now;
                $wait = $queue->[0][0] - $now if @$queue && $queue->[0][0] - $now < $wait;
                vec($readable, fileno $ends[$i], 1) = 1;
        }
        next unless select($readable, undef, undef, $wait) > 0;
        for my $i (0, 1) {
                next unless vec $readable, fileno $ends[$i], 1;
                next unless sysread $ends[$i], my $frame, FRAME;
                next if rand(100) < $loss;
                my $queue = $queues[$i];
                my $due = clock_gettime(CLOCK_MONOTONIC) + ($delay + (2 * rand() - 1) * $jitter) / 1000;
                $due = $queue->[-1][0] if @$queue && $queue->[-1][0] > $due;
                push @$queue, [$due, $frame];
        }
}
ip('link', 'delete', $near);
ip('link', 'set', $port, 'arp', 'on', 'master', $bridge);
