#!/usr/bin/perl
# doors.pl ADDRESS PORT STOP HOST HOST - asks PostgreSQL there from both hosts in turn, until the file STOP is there, whether it would
# hear a password of them. Prints "BOTH of ROUNDS": how often it let in one between two times at which it let in the other.
use strict;
use warnings;
use Fcntl;
use Socket;
use Time::HiRes qw(sleep);

use constant { SYS_SETNS => 308, CLONE_NEWNET => 0x40000000 }; # x86-64

my ($address, $port, $stop, @hosts) = @ARGV;
my @namespaces = map { open my $file, '<', "/run/netns/$_" or die "$_: $!\n"; $file } @hosts;
my $words = "user\0portal\0database\0portal\0\0";
my $hello = pack 'N N a*', 8 + length $words, 196608, $words;

sub ready { my ($socket, $write) = @_; my $set = ''; vec($set, fileno $socket, 1) = 1; return select $write ? undef : $set, $write ? $set : undef, undef, 1; }

# R: it asks for the password, as of one whom its rules let in.
sub is_let_in {
        my ($namespace) = @_;
        syscall(SYS_SETNS, fileno $namespace, CLONE_NEWNET) == 0 or die "setns: $!\n";
        socket my $socket, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
        fcntl $socket, F_SETFL, O_NONBLOCK or die "fcntl: $!\n";
        connect $socket, pack_sockaddr_in($port, inet_aton($address));
        return 0 unless ready($socket, 1) > 0 && defined syswrite $socket, $hello;
        return 0 unless ready($socket, 0) > 0 && sysread $socket, my $answer, 1;
        return $answer eq 'R';
}

$SIG{PIPE} = 'IGNORE';
my ($rounds, $both, @last) = (0, 0);
while (!-e $stop) {
        push @last, is_let_in($namespaces[$rounds++ % 2]);
        shift @last if @last > 3;
        $both++ if @last == 3 && $last[0] && $last[1] && $last[2];
        sleep 0.02;
}
print "$both of $rounds\n";
