#!/usr/bin/perl
# gap.pl ADDRESS PATH STOP [EVERY_MS] - visitors who each open a connection of their own, one every 5 ms, until the file STOP is
# there. Prints for each: MILLISECONDS STATUS SERVER, when it ended, of the monotonic clock: the HTTP status (000: none) and
# X-Served-By ("-": none).
use strict;
use warnings;
use Errno qw(EINPROGRESS EAGAIN);
use Fcntl;
use IO::Select;
use Socket;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($address, $path, $stop, $every) = @ARGV;
$every ||= 5;
my ($to, $read, $write, %visit) = (pack_sockaddr_in(80, inet_aton($address)), IO::Select->new, IO::Select->new);
my $next = now();
my $limit = 1000; # ms for one visit
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub now { int(1000 * clock_gettime(CLOCK_MONOTONIC)) }

sub finish {
        my ($socket) = @_;
        my $visit = delete $visit{$socket};
        my ($status) = $visit->{answer} =~ m{^HTTP/\S+ (\d+)};
        my ($server) = $visit->{answer} =~ m{^X-Served-By: (\S+)}mi;
        print now(), ' ', $status // '000', ' ', $server // '-', "\n";
        $read->remove($socket);
        $write->remove($socket);
        close $socket;
}

sub visit {
        socket(my $socket, PF_INET, SOCK_STREAM, 0) or return;
        fcntl($socket, F_SETFL, O_NONBLOCK);
        $visit{$socket} = { socket => $socket, since => now(), answer => '' };
        return finish($socket) if !connect($socket, $to) && $! != EINPROGRESS;
        $write->add($socket);
}

while (!-e $stop) {
        visit() if now() >= $next;
        $next += $every while $next <= now();
        my ($readable, $writable) = IO::Select->select($read, $write, undef, 0.002);
        for my $socket (@{ $writable || [] }) {
                my $asked = syswrite $socket, "GET $path HTTP/1.0\r\nHost: www.example.org\r\n\r\n";
                defined $asked ? ($write->remove($socket), $read->add($socket)) : finish($socket);
        }
        for my $socket (@{ $readable || [] }) {
                next if !$visit{$socket};
                my $n = sysread $socket, $visit{$socket}{answer}, 4096, length $visit{$socket}{answer};
                finish($socket) if defined $n ? $n == 0 : $! != EAGAIN;
        }
        my $now = now();
        for my $visit (values %visit) {
                finish($visit->{socket}) if $now - $visit->{since} > $limit;
        }
}
