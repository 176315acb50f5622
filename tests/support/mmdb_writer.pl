#!/usr/bin/perl
# mmdb_writer.pl NETWORKS >FILE - a small database in MaxMind's format (https://maxmind.github.io/MaxMind-DB/) from lines
# of "NETWORK COUNTRY": "192.0.2.0/24 JP", "2001:db8::/32 DE". Later lines win over earlier ones.
use strict;
use warnings;
use Socket qw(inet_pton AF_INET AF_INET6);

# The 128 bits of a network (IPv4 lies at ::/96), and how many of them count.
sub bits {
        my ($address, $length) = split /\//, $_[0];
        my $bytes = $address =~ /:/ ? inet_pton(AF_INET6, $address) : "\0" x 12 . inet_pton(AF_INET, $address);
        $length += 96 unless $address =~ /:/;
        return (unpack('B128', $bytes), $length);
}
sub string { my ($text) = @_; return chr(2 << 5 | length $text) . $text }
sub map_of { my @pairs = @_; return chr(7 << 5 | @pairs / 2) . join '', @pairs }

# ---- the tree: [left, right], each a node, a country or nothing
my $root = [undef, undef];
sub insert {
        my ($bits, $length, $country) = @_;
        my $node = $root;
        for my $depth (0 .. $length - 1) {
                my $side = substr $bits, $depth, 1;
                if ($depth == $length - 1) {
                        $node->[$side] = $country;
                } else {
                        my $below = $node->[$side];
                        $node->[$side] = [$below, $below] unless ref $below; # what was said of all of it holds for both halves
                        $node = $node->[$side];
                }
        }
}
my %countries;
while (<>) {
        my ($network, $country) = split;
        insert(bits($network), $country);
        $countries{$country} = 1;
}

# ---- data
my ($data, %offset) = ('');
for my $country (sort keys %countries) {
        $offset{$country} = length $data;
        $data .= map_of(string('country'), map_of(string('iso_code'), string($country)));
}

# ---- nodes, numbered breadth first
my @nodes = ($root);
my %number = ($root => 0);
for (my $i = 0; $i < @nodes; $i++) {
        for my $below (@{ $nodes[$i] }) {
                next unless ref $below;
                $number{$below} = @nodes;
                push @nodes, $below;
        }
}
my $count = @nodes;
for my $node (@nodes) {
        for my $below (@$node) {
                my $record = ref $below ? $number{$below} : defined $below ? $count + 16 + $offset{$below} : $count;
                print substr pack('N', $record), 1;
        }
}
print "\0" x 16, $data, "\xab\xcd\xefMaxMind.com", map_of(
        string('node_count'), chr(6 << 5 | 4) . pack('N', $count),
        string('record_size'), chr(5 << 5 | 1) . chr(24),
        string('ip_version'), chr(5 << 5 | 1) . chr(6),
        string('database_type'), string('Test-Country'),
        string('languages'), chr(1) . chr(4) . string('en'),
        string('binary_format_major_version'), chr(5 << 5 | 1) . chr(2),
        string('binary_format_minor_version'), chr(5 << 5),
        string('build_epoch'), chr(4) . chr(2) . pack('N', 1780000000),
        string('description'), map_of(string('en'), string('made by a test')));
