package Chromium;
# Chromium.pm - a headless Chromium over its pipe (DevTools protocol), for browser.pl and visitor.pl.
#
#     start(SECONDS);            it ends with the program; whatever takes longer than so many seconds dies
#     new_page();                a fresh page, with its own events
#     call('Page.navigate', url => $url);
#     wait_for_event('Page.loadEventFired');
#     evaluate('document.title');
use strict;
use warnings;
use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Select;
use JSON::PP;
use POSIX qw(dup2);
our @EXPORT_OK = qw(start call receive pass_time wait_for_event evaluate new_page @events);
our @events;

my ($pid, $to, $from, $session, $deadline);
my ($number, $pending) = (0, '');

sub start {
        my ($seconds, @flags) = @_;
        $deadline = time + $seconds;
        my ($browser) = grep { -x } map { ("$_/chromium-headless-shell", "$_/chromium") } split /:/, $ENV{PATH};
        die "no chromium\n" unless $browser;
        pipe(my $child_in, $to) or die;
        pipe($from, my $child_out) or die;
        my $profile = tempdir(CLEANUP => 1);
        $pid = fork // die;
        if (!$pid) {
                dup2(fileno $child_in, 20); # above 4 first: a pipe may have got one of the two numbers
                dup2(fileno $child_out, 21);
                dup2(20, 3);
                dup2(21, 4);
                POSIX::close($_) for 20, 21;
                open STDOUT, '>', '/dev/null';
                open STDERR, '>', '/dev/null';
                exec $browser, qw(--headless --remote-debugging-pipe --no-sandbox --disable-gpu --disable-dev-shm-usage
                        --disable-background-networking --disable-component-update --disable-sync --no-first-run --disable-quic
                        --hide-scrollbars), @flags, "--user-data-dir=$profile", 'about:blank';
                exit 127;
        }
        close $child_in;
        close $child_out;
}
END { local $?; kill KILL => $pid if $pid; waitpid $pid, 0 if $pid }

# The next message; nothing when none comes within so many seconds (none said: it must come).
sub receive {
        my ($seconds) = @_;
        my $select = IO::Select->new($from);
        while ($pending !~ /\0/) {
                my $left = $seconds // $deadline - time;
                if (!$select->can_read($left > 0 ? $left : 0)) {
                        return if defined $seconds;
                        die "Chromium does not answer\n";
                }
                sysread($from, $pending, 1 << 20, length $pending) or die "Chromium ended\n";
        }
        $pending =~ s/^(.*?)\0//s;
        return decode_json($1);
}
sub call {
        my ($method, %parameters) = @_;
        my $id = ++$number;
        my %message = (id => $id, method => $method, params => \%parameters);
        $message{sessionId} = $session if $session;
        syswrite $to, encode_json(\%message) . "\0";
        while (1) {
                my $answer = receive();
                if (!defined $answer->{id}) {
                        push @events, $answer;
                } elsif ($answer->{id} == $id) {
                        die "$method: $answer->{error}{message}\n" if $answer->{error};
                        return $answer->{result};
                }
        }
}
sub wait_for_event {
        my ($method) = @_;
        until (grep { $_->{method} eq $method } @events) { push @events, receive() }
}
sub pass_time {
        my ($seconds) = @_;
        my $end = time + $seconds;
        while (my $event = receive($end - time > 0 ? $end - time : 0)) { push @events, $event }
}
sub evaluate {
        my ($expression) = @_;
        my $result = call('Runtime.evaluate', expression => $expression, returnByValue => JSON::PP::true);
        die "the page cannot be looked at: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
        return $result->{result}{value};
}
# What is called next is for the browser as a whole.
sub no_page { $session = undef }
# `context` is a browser context of its own (cookies, cache), as Target.createBrowserContext gives it.
sub new_page {
        my ($context) = @_;
        @events = ();
        $session = undef;
        my $target = call('Target.createTarget', url => 'about:blank', $context ? (browserContextId => $context) : ())->{targetId};
        $session = call('Target.attachToTarget', targetId => $target, flatten => JSON::PP::true)->{sessionId};
}
1;
