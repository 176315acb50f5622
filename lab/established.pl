#!/usr/bin/perl
# established.pl ADDRESS[,ADDRESS] PAGE FILE DOWNLOADS KEPT STOP [EVERY_MS] - visitors whose connections stand while the site moves:
# DOWNLOADS of FILE, slow ones; KEPT connections with a request for PAGE every 50 ms; and a new connection with a request for PAGE
# every 5 ms (or EVERY_MS; 0: none). They go to the addresses in turn, IPv4 or IPv6. When the file STOP is there, the downloads
# hurry to their end, and everything else ends. "begun" is said once all of them stand.
# Then prints what came of it:
#
#     new REQUESTS FAILED
#     kept CONNECTIONS BROKEN REQUESTS
#     download CONNECTIONS SHA256 HOW-OFTEN       a line for each digest; "broken" for what did not come to its end
#     lost KIND MILLISECONDS WHY                  the first of them that failed: when, of the monotonic clock, and how
#     served SERVER REQUESTS                      by X-Served-By, of the new ones
use strict;
use warnings;
use Digest::SHA;
use Errno qw(EINPROGRESS EAGAIN EINTR);
use Fcntl;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($address, $page, $file, $downloads, $kept, $stop, $every) = @ARGV;
$every //= 5;
my @to = map { /:/ ? [PF_INET6, pack_sockaddr_in6(80, inet_pton(AF_INET6, $_))] : [PF_INET, pack_sockaddr_in(80, inet_aton($_))] } split /,/, $address;
my %turn;
my ($slice, $pause, $limit) = (65536, 100, 3000); # bytes of a download every so many ms; ms for a request
my (%open, %served, %digest);
my ($requests, $failed, $kept_requests, $broken) = (0, 0, 0, 0);
my @lost;
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub now { int(1000 * clock_gettime(CLOCK_MONOTONIC)) }

sub begin {
        my ($kind) = @_;
        my ($family, $to) = @{ $to[$turn{$kind}++ % @to] };
        socket(my $socket, $family, SOCK_STREAM, 0) or die "socket: $!\n";
        fcntl($socket, F_SETFL, O_NONBLOCK);
        setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 32768) if $kind eq 'download';
        my $one = { socket => $socket, kind => $kind, since => now(), at => 0, answer => '', connecting => 1 };
        $one->{sha} = Digest::SHA->new(256) if $kind eq 'download';
        connect($socket, $to) || $! == EINPROGRESS or return finish($one, 0, "connect:_$!" =~ s/ /_/gr);
        $open{fileno $socket} = $one;
}

sub finish {
        my ($one, $good, $why) = @_;
        delete $open{fileno $one->{socket}};
        $good &&= $one->{answer} =~ m{^HTTP/\S+ 200 } if $one->{kind} eq 'new';
        push @lost, join ' ', 'lost', $one->{kind}, now(), $why // substr($one->{answer}, 0, 12) =~ s/\s+/_/gr if !$good && @lost < 20;
        close $one->{socket};
        if ($one->{kind} eq 'new') {
                $requests++;
                $failed++ if !$good;
                $served{ $one->{answer} =~ m{^X-Served-By: (\S+)}mi ? $1 : '-' }++;
        } elsif ($one->{kind} eq 'kept') {
                $broken++ if !$good;
        } else {
                $digest{ $good ? $one->{sha}->hexdigest : 'broken' }++;
        }
}

sub ask {
        my ($one) = @_;
        my ($path, $version) = ($one->{kind} eq 'download' ? $file : $page, $one->{kind} eq 'kept' ? '1.1' : '1.0');
        $one->{connecting} = 0;
        @$one{qw(answer since left)} = ('', now(), undef);
        defined syswrite $one->{socket}, "GET $path HTTP/$version\r\nHost: www.example.org\r\n\r\n" or finish($one, 0, "ask:_$!" =~ s/ /_/gr);
}

# Reads at most so much; 0 at the end, undef when there is nothing or it broke.
sub take {
        my ($one, $size) = @_;
        my $bytes = '';
        my $n = sysread $one->{socket}, $bytes, $size;
        if (!defined $n) {
                finish($one, 0, "read:_$!" =~ s/ /_/gr) if $! != EAGAIN && $! != EINTR;
                return;
        }
        if ($one->{kind} eq 'download' && defined $one->{left}) {
                $one->{left} -= $n;
                $one->{sha}->add($bytes);
        } else {
                $one->{answer} .= $bytes;
        }
        return $n;
}

sub head { my ($one) = @_; $one->{answer} =~ /^(.*?\r\n\r\n)(.*)/s ? ($1, $2) : () }

sub read_kept {
        my ($one) = @_;
        my $n = take($one, 65536);
        return if !defined $n;
        return finish($one, 0) if $n == 0;
        my ($head, $body) = head($one) or return;
        my ($length) = $head =~ /^Content-Length: (\d+)/mi or return finish($one, 0);
        return if length $body < $length;
        $kept_requests++;
        return finish($one, 0) if $head !~ m{^HTTP/1.1 200 };
        $one->{since} = undef;
        $one->{at} = now() + 50;
}

sub read_download {
        my ($one, $hurry) = @_;
        my $n = take($one, $slice);
        $one->{at} = now() + ($hurry ? 0 : $pause);
        return if !defined $n;
        return finish($one, defined $one->{left} && $one->{left} == 0) if $n == 0;
        return if defined $one->{left};
        my ($head, $body) = head($one) or return;
        my ($length) = $head =~ /^Content-Length: (\d+)/mi or return finish($one, 0);
        $one->{sha}->add($body);
        $one->{left} = $length - length $body;
}

begin('download') for 1 .. $downloads;
begin('kept') for 1 .. $kept;
my ($next, $said, $ending) = (now(), 0, 0);
while (1) {
        my $now = now();
        $ending ||= -e $stop ? $now : 0;
        begin('new'), $next += $every while $every && !$ending && $next <= $now && $next > $now - 1000;
        $next = $now if $next < $now;
        my ($r, $w) = ('', '');
        for my $one (values %open) {
                vec($w, fileno $one->{socket}, 1) = 1 if $one->{connecting};
                vec($r, fileno $one->{socket}, 1) = 1 if !$one->{connecting} && ($one->{at} <= $now || ($ending && $one->{kind} eq 'download'));
        }
        select $r, $w, undef, 0.002;
        for my $one (values %open) {
                my $number = fileno $one->{socket};
                ask($one) if $one->{connecting} && vec($w, $number, 1);
                next if $one->{connecting} || !vec($r, $number, 1);
                if ($one->{kind} eq 'download') {
                        read_download($one, $ending);
                } elsif ($one->{kind} eq 'kept' && defined $one->{since}) {
                        read_kept($one);
                } elsif ($one->{kind} eq 'new') {
                        my $n = take($one, 65536);
                        finish($one, 1) if defined $n && $n == 0;
                }
        }
        $now = now();
        for my $one (values %open) {
                if ($one->{kind} eq 'kept' && !$one->{connecting} && !defined $one->{since}) {
                        if ($ending) { finish($one, 1) } elsif ($one->{at} <= $now) { ask($one) }
                } elsif ($one->{kind} ne 'download' && $now - $one->{since} > $limit) {
                        finish($one, 0, $one->{connecting} ? 'late:_no_connection' : 'late:_no_answer');
                }
        }
        if (!$said && !grep { $_->{connecting} && $_->{kind} ne 'new' } values %open) {
                print "begun\n";
                $said = 1;
        }
        last if $ending && !%open;
        if ($ending && $now - $ending > 20000) {
                finish($_, 0) for values %open;
        }
}
print "new $requests $failed\nkept $kept $broken $kept_requests\n";
print "download $downloads $_ $digest{$_}\n" for sort keys %digest;
print "served $_ $served{$_}\n" for sort keys %served;
print "$_\n" for @lost;
