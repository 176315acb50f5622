#!/usr/bin/perl
# browser.pl PAGE [FOLDER] - opens a page in headless Chromium at 360, 768 and 1440 pixels, light and dark, and on paper,
# and tells as JSON what a person or an operator would notice: requests, messages of the console, what is wider than the
# window, text that has too little contrast, tables without a caption ... With FOLDER also screenshots into it.
# Speaks the DevTools protocol over Chromium's pipe: no port, and it can look into a page that allows no script.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use IO::Select;
use JSON::PP;
use MIME::Base64;
use POSIX qw(dup2);

my ($page, $folder) = @ARGV;
my $deadline = time + 120;
my ($browser) = grep { -x } map { ("$_/chromium-headless-shell", "$_/chromium") } split /:/, $ENV{PATH};
die "no chromium\n" unless $browser;

# ---- the pipe
pipe(my $child_in, my $to) or die;
pipe(my $from, my $child_out) or die;
my $profile = tempdir(CLEANUP => 1);
my $pid = fork // die;
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
                --hide-scrollbars), "--user-data-dir=$profile", 'about:blank';
        exit 127;
}
close $child_in;
close $child_out;
END { local $?; kill KILL => $pid if $pid; waitpid $pid, 0 if $pid }

my ($number, $pending, @events) = (0, '');
sub receive {
        my $select = IO::Select->new($from);
        while ($pending !~ /\0/) {
                die "Chromium does not answer\n" unless $select->can_read($deadline - time > 0 ? $deadline - time : 0);
                sysread($from, $pending, 1 << 20, length $pending) or die "Chromium ended\n";
        }
        $pending =~ s/^(.*?)\0//s;
        return decode_json($1);
}
my $session;
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

# ---- what is looked at in the page
my $look = <<'END';
(() => {
  const channels = text => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const over = (front, back) => { const a = front[3] ?? 1; return [0, 1, 2].map(i => front[i] * a + back[i] * (1 - a)); };
  const ground = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(channels(getComputedStyle(e).backgroundColor));
    return layers.reduceRight((back, front) => over(front, back), [255, 255, 255]);
  };
  const light = color => {
    const [r, g, b] = color.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const pale = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('svg title') || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = channels(element.closest('svg') ? style.fill : style.color);
    const back = ground(element.closest('svg') ? element.closest('svg').parentElement : element);
    if (contrast(over(ink, back), back) < 4.5) pale.add(element.tagName + '.' + element.className + ' ' + walker.currentNode.data.trim().slice(0, 20));
  }
  const wide = [...document.body.querySelectorAll('*')].filter(e => !e.closest('.wide') && !e.closest('svg') &&
    e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.tagName + '.' + e.className);
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1]);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return {
    width: innerWidth, scroll_width: document.documentElement.scrollWidth, wide: [...new Set(wide)].slice(0, 9),
    pale: [...pale].slice(0, 9), background: getComputedStyle(document.body).backgroundColor,
    scripts: document.querySelectorAll('script, iframe, object, embed, img, link:not([rel=icon]), base, form').length,
    handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,
    tables_without_caption: [...document.querySelectorAll('table')].filter(t => !t.caption || !t.caption.textContent).length,
    plots: document.querySelectorAll('svg[role=img]').length,
    plots_without_title: [...document.querySelectorAll('svg[role=img]')].filter(s => !s.querySelector('title')?.textContent).length,
    heading_jumps: levels.filter((l, i) => l > (levels[i - 1] ?? 0) + 1).length,
    repeated_ids: ids.filter((id, i) => ids.indexOf(id) !== i),
    dead_links: [...document.querySelectorAll('a')].filter(a => !document.querySelector(a.getAttribute('href'))).length,
    outside_links: [...document.querySelectorAll('[href], [src]')].map(e => e.getAttribute('href') || e.getAttribute('src')).filter(u => !/^(#|data:)/.test(u)),
    styled: [...document.styleSheets].reduce((n, s) => n + s.cssRules.length, 0),
    injected: typeof window.injected, title: document.title, language: document.documentElement.lang
  };
})()
END

my $target = call('Target.createTarget', url => 'about:blank')->{targetId};
$session = call('Target.attachToTarget', targetId => $target, flatten => JSON::PP::true)->{sessionId};
call("$_.enable") for qw(Network Page Runtime Log Audits);
my $url = 'file://' . abs_path($page);
my @views;
sub look {
        my ($name, $width, $scheme, $media) = @_;
        call('Emulation.setDeviceMetricsOverride', width => $width, height => 900, deviceScaleFactor => 1, mobile => JSON::PP::false);
        call('Emulation.setEmulatedMedia', media => $media, features => [{ name => 'prefers-color-scheme', value => $scheme }]);
        my $result = call('Runtime.evaluate', expression => $look, returnByValue => JSON::PP::true);
        die "the page cannot be looked at: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
        push @views, { name => $name, %{ $result->{result}{value} } };
        return unless $folder;
        my $height = call('Page.getLayoutMetrics')->{cssContentSize}{height};
        my $shot = call('Page.captureScreenshot', captureBeyondViewport => JSON::PP::true,
                clip => { x => 0, y => 0, width => $width, height => $height > 8000 ? 8000 : $height, scale => 1 });
        open my $file, '>:raw', "$folder/$name.png" or die "$folder/$name.png: $!\n";
        print $file decode_base64($shot->{data});
}
call('Page.navigate', url => $url);
wait_for_event('Page.loadEventFired');
for my $width (360, 768, 1440) {
        look("$width-$_", $width, $_, '') for qw(light dark);
}
look('paper', 794, 'light', 'print');

# ---- what came by meanwhile
my %found = (requests => [], messages => [], views => \@views);
for (@events) {
        my $p = $_->{params};
        push @{ $found{requests} }, $p->{request}{url} if $_->{method} eq 'Network.requestWillBeSent' && $p->{request}{url} ne $url;
        push @{ $found{messages} }, $p->{entry}{text} if $_->{method} eq 'Log.entryAdded';
        push @{ $found{messages} }, $p->{type} if $_->{method} eq 'Runtime.consoleAPICalled';
        push @{ $found{messages} }, $p->{exceptionDetails}{text} if $_->{method} eq 'Runtime.exceptionThrown';
        push @{ $found{messages} }, $p->{issue}{code} if $_->{method} eq 'Audits.issueAdded';
}
print JSON::PP->new->utf8->canonical->pretty->encode(\%found);
