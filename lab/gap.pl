#!/usr/bin/perl
# gap.pl ADDRESS PATH STOP [EVERY_MS [LIMIT_MS]] - visitors who each open a connection of their own, one every 5 ms, until the
# file STOP is there. Prints for each: MILLISECONDS STATUS SERVER, when it ended, of the monotonic clock: the HTTP status (000:
# none, also of one that took longer than the limit) and X-Served-By ("-": none); behind what had no status, why.
#
# ADDRESS may be NAME@SERVER,SERVER...: then each visitor goes by one of as many resolvers as there are name servers. A resolver
# asks the name's address of its own server (of the next one when that is silent, and again: three rounds, 1.8 s in all, where the C
# library takes 20), and remembers it for as long as its TTL says.
use strict;
use warnings;
use Errno qw(EINPROGRESS EAGAIN);
use Fcntl;
use IO::Select;
use Socket;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($address, $path, $stop, $every, $limit) = @ARGV;
$every ||= 5;
$limit ||= 1000; # ms for one visit
my ($read, $write, %visit) = (IO::Select->new, IO::Select->new);
my $next = now();
my ($name, @servers) = $address =~ /@/ ? split /[@,]/, $address : ();
my (@resolvers, $visitors);
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub now { int(1000 * clock_gettime(CLOCK_MONOTONIC)) }

sub finish {
        my ($socket, $why) = @_;
        my $visit = delete $visit{$socket};
        my ($status) = $visit->{answer} =~ m{^HTTP/\S+ (\d+)};
        my ($server) = $visit->{answer} =~ m{^X-Served-By: (\S+)}mi;
        print now(), ' ', $status // '000', ' ', $server // '-', defined $status ? '' : ' ' . ($why // 'closed') =~ s/ /_/gr, "\n";
        $read->remove($socket);
        $write->remove($socket);
        close $socket;
}

# One answer by UDP: (address, TTL in seconds), or nothing.
sub ask {
        my ($server) = @_;
        my $id = int rand 65536;
        my $question = join('', map { pack 'C/a*', $_ } split /\./, $name) . pack 'Cnn', 0, 1, 1;
        socket(my $socket, PF_INET, SOCK_DGRAM, 0) or return;
        connect $socket, pack_sockaddr_in(53, inet_aton($server)) or return;
        send $socket, pack('n6', $id, 0, 1, 0, 0, 0) . $question, 0;
        return unless IO::Select->new($socket)->can_read(0.3) && defined recv $socket, my $answer, 4096, 0;
        return unless length $answer > 12 + length $question && unpack('n', $answer) == $id && unpack 'x6n', $answer;
        # The first record: a pointer to the name, then type, class, TTL, length, address.
        my ($type, $class, $ttl, $length, $bytes) = unpack 'x2nnNna4', substr $answer, 12 + length $question;
        return $type == 1 && $length == 4 ? ($bytes, $ttl) : ();
}

sub resolve {
        my $i = $visitors++ % @servers;
        my $resolver = $resolvers[$i] ||= { until => 0 };
        for my $try (0 .. 3 * @servers - 1) {
                last if now() < $resolver->{until};
                my ($bytes, $ttl) = ask($servers[($i + $try) % @servers]) or next;
                @$resolver{qw(bytes until)} = ($bytes, now() + 1000 * $ttl);
        }
        return now() < $resolver->{until} ? $resolver->{bytes} : undef;
}

sub visit {
        my $bytes = @servers ? resolve() : inet_aton($address);
        return print now(), " 000 - no_name\n" unless $bytes;
        my $to = pack_sockaddr_in(80, $bytes);
        socket(my $socket, PF_INET, SOCK_STREAM, 0) or return;
        fcntl($socket, F_SETFL, O_NONBLOCK);
        $visit{$socket} = { socket => $socket, since => now(), answer => '' };
        return finish($socket, "connect: $!") if !connect($socket, $to) && $! != EINPROGRESS;
        $write->add($socket);
}

while (!-e $stop) {
        visit() if now() >= $next;
        $next += $every while $next <= now();
        my ($readable, $writable) = IO::Select->select($read, $write, undef, 0.002);
        for my $socket (@{ $writable || [] }) {
                my $asked = syswrite $socket, "GET $path HTTP/1.0\r\nHost: www.example.org\r\n\r\n";
                defined $asked ? ($write->remove($socket), $read->add($socket)) : finish($socket, "ask: $!");
        }
        for my $socket (@{ $readable || [] }) {
                next if !$visit{$socket};
                my $n = sysread $socket, $visit{$socket}{answer}, 4096, length $visit{$socket}{answer};
                finish($socket, defined $n ? undef : "read: $!") if defined $n ? $n == 0 : $! != EAGAIN;
        }
        my $now = now();
        for my $visit (values %visit) {
                finish($visit->{socket}, 'late') if $now - $visit->{since} > $limit;
        }
}
