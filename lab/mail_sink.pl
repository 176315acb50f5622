#!/usr/bin/perl
# mail_sink.pl PORT FOLDER - takes every mail that is sent to 127.0.0.1:PORT and keeps it as FOLDER/NUMBER.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $folder) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 8, ReuseAddr => 1) or die "$!\n";
my $number = 0;
while (my $client = $listener->accept) {
        $client->autoflush(1);
        print $client "220 lab\r\n";
        my $envelope = '';
        while (defined(my $line = <$client>)) {
                if ($line =~ /^(MAIL|RCPT) /i) {
                        $envelope .= $line;
                        print $client "250 ok\r\n";
                } elsif ($line =~ /^DATA/i) {
                        print $client "354 go on\r\n";
                        open my $mail, '>', "$folder/." . ++$number or die "$!\n";
                        print $mail "$envelope\r\n";
                        while (defined($line = <$client>) && $line ne ".\r\n") { print $mail $line }
                        close $mail;
                        rename "$folder/.$number", "$folder/$number";
                        $envelope = '';
                        print $client "250 kept\r\n";
                } elsif ($line =~ /^QUIT/i) {
                        print $client "221 bye\r\n";
                        last;
                } else {
                        print $client "250 lab\r\n";
                }
        }
}
