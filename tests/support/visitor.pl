#!/usr/bin/perl
# visitor.pl - plays visitors of a site in headless Chromium, as lines of standard input say:
#
#     visitor AGENT             another person: a fresh context (no cookie, no cache) with this user agent
#     private                   ... whose browser asks not to be followed (Global Privacy Control)
#     scriptless                ... whose browser runs no scripts
#     open URL                  and waits until it is loaded
#     do EXPRESSION             in the page
#     leave                     the page is hidden, as when its tab is closed
#
# Prints the requests that were made as "METHOD URL", and what pages complained of as "! WORDS".
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP;
use lib dirname(abs_path(__FILE__));
use Chromium qw(start call pass_time wait_for_event evaluate new_page @events);

start(120);
sub report {
        for (@events) {
                my $p = $_->{params};
                print "$p->{request}{method} $p->{request}{url}\n" if $_->{method} eq 'Network.requestWillBeSent';
                print "! $p->{entry}{text}\n" if $_->{method} eq 'Log.entryAdded' && $p->{entry}{url} !~ /favicon/;
                print "! $p->{exceptionDetails}{text}\n" if $_->{method} eq 'Runtime.exceptionThrown';
        }
        @events = ();
}
while (my $line = <STDIN>) {
        chomp $line;
        my ($word, $rest) = split / /, $line, 2;
        if ($word eq 'visitor') {
                report();
                Chromium::no_page();
                new_page(call('Target.createBrowserContext')->{browserContextId});
                call("$_.enable") for qw(Network Page Runtime Log);
                call('Emulation.setUserAgentOverride', userAgent => $rest);
        } elsif ($word eq 'private') {
                call('Network.setExtraHTTPHeaders', headers => { 'Sec-GPC' => '1' });
                call('Page.addScriptToEvaluateOnNewDocument',
                        source => 'Object.defineProperty(navigator, "globalPrivacyControl", { value: true })');
        } elsif ($word eq 'scriptless') {
                call('Emulation.setScriptExecutionDisabled', value => JSON::PP::true);
        } elsif ($word eq 'open') {
                report();
                call('Page.navigate', url => $rest);
                wait_for_event('Page.loadEventFired');
                pass_time(1);
        } elsif ($word eq 'do') {
                evaluate($rest);
                pass_time(1);
        } elsif ($word eq 'leave') {
                evaluate('Object.defineProperty(document, "hidden", { get: () => true }); document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))');
                pass_time(1);
        } else {
                die "what is '$line'?\n";
        }
}
report();
