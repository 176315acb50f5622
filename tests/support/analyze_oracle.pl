#!/usr/bin/perl
# analyze_oracle.pl [--countries NETWORKS] [--funnel A,B,...] LOG BOTS OWN GOAL=PATH... - the figures of a log in combined format, computed the slow way: every
# request of every visitor is kept and sorted. Shares nothing with the product but the list of bots (data, not code).
# Prints lines of "figure TAB name TAB numbers...", sorted, as analyze_figures.jq makes them of the product's JSON.
use strict;
use warnings;
use Time::Local qw(timegm);

my ($networks, @funnels);
while (@ARGV && $ARGV[0] =~ /^--/) {
        my ($option, $value) = splice @ARGV, 0, 2;
        if ($option eq '--funnel') { push @funnels, $value } else { $networks = $value }
}
my ($log, $bots_file, $own, @goals) = @ARGV;
my %month;
@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;
my $assets = join '|', qw(css js mjs map png jpg jpeg gif webp avif svg ico bmp tif tiff woff woff2 ttf otf eot mp3 mp4 m4a
        m4v webm ogg oga ogv wav avi mov flv flac aac swf wasm cur webmanifest);

# ---- robots: each line of the list as a regular expression
my @bots;
open my $list, '<', $bots_file or die "$bots_file: $!";
while (<$list>) {
        chomp;
        next if /^#/ || $_ eq '';
        s/^~//;
        my ($start, $end) = (s/^\^// ? '^' : '', s/\$$// ? '$' : '');
        push @bots, $start . join('[\s\S]*', map { quotemeta } split /\*/, $_, -1) . $end;
}
close $list;
my $bots = join '|', @bots;
$bots = qr/$bots/;
my %is_bot;

# ---- countries: every network as a line of the list; the last one that an address lies in decides
my (@networks, @six);
sub number_of { my $number = 0; $number = $number * 256 + $_ for split /\./, $_[0]; return $number }
if ($networks) {
        open my $list, '<', $networks or die "$networks: $!";
        while (<$list>) {
                push @six, [$1, $2] if /^([0-9a-f]+:[0-9a-f]+)::\/32 (\w+)$/;
                push @networks, [number_of($1), 2 ** (32 - $2), $3] if /^([\d.]+)\/(\d+) (\w+)$/;
        }
}
my %country_of;
sub country_of {
        my ($host) = @_;
        if ($host =~ /:/) { # IPv6 networks of the list have two parts, and nothing is cut out of them
                for (@six) { return $_->[1] if index("$host:", "$_->[0]:") == 0 }
                return 'unknown';
        }
        my $number = number_of($host);
        my $country = 'unknown';
        for (@networks) { $country = $_->[2] if $number >= $_->[0] && $number < $_->[0] + $_->[1] }
        return $country;
}

# ---- one request after the other
my (%total, %table, %hosts, %requests, %seen);
sub count {
        my ($figure, $name, $column, $amount) = @_;
        $table{$figure}{$name}[$column] += $amount;
}
# hits, visitors
sub count_hit {
        my ($figure, $name, $who, $counts) = @_;
        count($figure, $name, 0, 1);
        count($figure, $name, 1, $counts && !$seen{"$figure\0$name\0$who"}++ ? 1 : 0);
}

open my $lines, '<:raw', $log or die "$log: $!";
my $number = 0;
while (my $line = <$lines>) {
        chomp $line;
        $total{lines}++;
        $number++;
        unless ($line =~ /^(\S+) \S+ .*? ?\[(\d\d)\/(\w\w\w)\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)(?:"|$))?/) {
                $total{invalid}++;
                next;
        }
        my ($host, $status, $bytes, $referrer, $agent, $request) = ($1, $12, $13, $14 // '', $15 // '', $11);
        my $zone = ($9 * 60 + $10) * ($8 eq '-' ? -60 : 60);
        my $time = timegm($7, $6, $5, $2, $month{$3}, $4) - $zone;
        my $day = int($time / 86400);
        $bytes = 0 if $bytes eq '-';
        $referrer = '' if $referrer eq '-';
        $agent = '' if $agent eq '-';
        my $bot = $is_bot{$agent} //= $agent =~ $bots ? 1 : 0;
        my $good = $status !~ /^4/;
        my $who = "$host\0$agent\0$day";
        $total{hits}++;
        $total{bytes} += $bytes;
        $total{bot_hits} += $bot;
        $total{errors}++ if $status =~ /^[45]/;
        $hosts{$host} = 1;
        count('status', $status, 0, 1);
        count_hit('countries', $country_of{$host} //= country_of($host), $who, $good) if $networks;
        count('hour', $time - $time % 3600, 0, 1);
        count('hour', $time - $time % 3600, 1, $good && !$seen{join "\0", 'hour', int($time / 3600), $who}++ ? 1 : 0);
        my ($page, $source, $campaign) = ('', '', '');
        my %reached;
        if ($request =~ /^([A-Za-z_-]{1,32}) ([^ ].*)$/) {
                my ($method, $target) = ($1, $2);
                $target =~ s/ HTTP\/[^ ]+$//;
                $target =~ s/#.*//s;
                my ($path, $query) = $target =~ /^([^?]*)\??(.*)$/s;
                my $asset = $path =~ /\.($assets)$/i;
                count_hit('methods', $method, $who, $good);
                count_hit($asset ? 'assets' : 'pages', $path, $who, $good);
                count('not_found', $path, 0, 1) if $status == 404 || $status == 410;
                for my $goal (@goals) {
                        my ($name, $wanted) = split /=/, $goal, 2;
                        my $reached = $wanted =~ /^(.*)\*$/ ? index($path, $1) == 0 : $path eq $wanted;
                        count_hit('goals', $name, $who, $good) if $reached && $status !~ /^[45]/;
                        $reached{$name} = 1 if $reached && $status !~ /^[45]/;
                }
                if (!$asset && $referrer =~ /^https?:\/\/(?:[^\/?#]*@)?(?:www\.)?([^\/?#:]+)/i) {
                        $source = lc $1;
                        my $url = $referrer =~ s/[?#].*//sr;
                        $source = '' if $source eq $own;
                        count_hit('referrers', $source, $who, $good) if $source ne '';
                        count_hit('referrer_pages', $url, $who, $good) if $source ne '';
                }
                if (!$asset) {
                        my %utm;
                        for (split /&/, $query) {
                                next unless /^(utm_(?:campaign|source|medium))=(.+)$/s && !exists $utm{$1};
                                my ($key, $value) = ($1, $2);
                                $value =~ tr/+/ /;
                                $value =~ s/%([0-9a-fA-F]{2})/chr hex $1/ge;
                                $utm{$key} = $value;
                        }
                        if (%utm) {
                                $campaign = join ' / ', map { $utm{"utm_$_"} // '-' } qw(campaign source medium);
                                count_hit('campaigns', $campaign, $who, $good);
                        }
                }
                $page = $path if !$asset && $status =~ /^(2..|304)$/ && $method =~ /^(GET|POST)$/;
                $total{page_views}++ if $page ne '';
                $total{human_page_views}++ if $page ne '' && !$bot;
        }
        push @{ $requests{$who} }, [$time, $number, $page, $source, $campaign, $bot, \%reached] if $good;
}
close $lines;

# ---- visits
sub end_visit {
        my ($who, $bot, @visit) = @_;
        my @views = grep { $_->[2] ne '' } @visit;
        $total{visits}++;
        $total{human_visits} += !$bot;
        $total{visit_seconds} += $visit[-1][0] - $visit[0][0];
        if (@views == 1) {
                $total{bounces}++;
                $total{human_bounces} += !$bot;
        }
        return unless @views;
        count_hit('entry_pages', $views[0][2], $who, 1);
        count_hit('exit_pages', $views[-1][2], $who, 1);
        count('referrers', $views[0][3], 2, 1) if $views[0][3] ne '';
        count('campaigns', $views[0][4], 2, 1) if $views[0][4] ne '';
}

for my $who (keys %requests) {
        my @sorted = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @{ $requests{$who} };
        my $bot = $sorted[0][5];
        for my $funnel (@funnels) {
                my @steps = split /,/, $funnel;
                my $step = 0;
                for my $request (@sorted) {
                        next unless $step < @steps && $request->[6]{ $steps[$step] };
                        count('funnels', "$funnel " . ++$step, 0, 1);
                        count('funnels', "$funnel $step", 1, !$bot);
                }
        }
        my @visit;
        $total{visitors}++;
        $total{human_visitors} += !$bot;
        for my $request (@sorted) {
                if (@visit && $request->[0] - $visit[-1][0] > 1800) {
                        end_visit($who, $bot, @visit);
                        @visit = ();
                }
                push @visit, $request;
        }
        end_visit($who, $bot, @visit);
}
$total{hosts} = keys %hosts;

# ---- out with it
my @out;
push @out, join "\t", 'total', $_, $total{$_} // 0
        for qw(lines invalid hits bytes hosts visitors visits bounces visit_seconds page_views errors bot_hits
        human_visitors human_visits human_bounces human_page_views);
for my $figure (keys %table) {
        for my $name (keys %{ $table{$figure} }) {
                my $columns = $table{$figure}{$name};
                my $count = $figure =~ /^(status|not_found)$/ ? 1 : $figure =~ /^(referrers|campaigns)$/ ? 3 : 2;
                my $shown = $name =~ s/([\x00-\x1f\x7f-\xff\\])/sprintf '\\%03o', ord $1/ger;
                push @out, join "\t", $figure, $shown, map { $columns->[$_] // 0 } 0 .. $count - 1;
        }
}
print "$_\n" for sort @out;
