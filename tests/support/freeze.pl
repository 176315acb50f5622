#!/usr/bin/perl
# freeze.pl STEP BINDS LOG FROZEN JOURNAL COMMAND... - runs `understudy switch ... -v`, writes what it prints to LOG, and lets it
# stand still (SIGSTOP) while STEP is under way; ends as the command does. FROZEN gets one word when that is so: "frozen"; or
# "passed" when the step was over too soon, "never" when it did not come. COMMAND's number is in LOG.pid; whoever called this lets it go on.
#
# No line of the command's gets past: its standard error is a pipe that sends it a SIGSTOP with each write (F_SETSIG), and a line
# that is not the one is answered by SIGCONT. BINDS, when it is not empty: the intent of that step is on the disk before anything is
# done, so the command is let go by a millisecond at a time until JOURNAL has it.
use strict;
use warnings;
use Fcntl;
use Time::HiRes qw(sleep time);

use constant { F_SETSIG_LINUX => 10, SIGCONT => 18, SIGSTOP => 19 };

my ($step, $binds, $log, $frozen, $journal, @command) = @ARGV;
open my $out, '>>', $log or die "$log: $!\n";
$out->autoflush;
pipe my $read, my $write or die "pipe: $!\n";
my $pid = fork // die "fork: $!\n";
if (!$pid) {
        fcntl $read, F_SETOWN, 0 + $$ or die "F_SETOWN: $!\n";
        fcntl $read, F_SETSIG_LINUX, SIGSTOP or die "F_SETSIG: $!\n";
        fcntl $read, F_SETFL, O_ASYNC or die "O_ASYNC: $!\n";
        open STDOUT, '>&', $out;
        open STDERR, '>&', $write;
        close $read;
        exec @command or die "$command[0]: $!\n";
}
close $write;
tell_file("$log.pid", $pid);

sub tell_file { my ($file, $word) = @_; open my $to, '>', "$file.new" or die "$file: $!\n"; print $to "$word\n"; close $to; rename "$file.new", $file; }

# What there is to be read now, at most so many seconds later: undef at the end.
sub listen_for {
        my ($seconds) = @_;
        my $ready = '';
        vec($ready, fileno $read, 1) = 1;
        return '' unless select $ready, undef, undef, $seconds;
        return unless sysread $read, my $bytes, 65536;
        print $out $bytes;
        return $bytes;
}

# (Of this move: a record of the one before is not among the last.)
sub is_intended { return scalar grep { /"kind": ?"step_(undo_)?intent"/ && /"step": ?"\Q$step\E"/ } qx('$ENV{UNDERSTUDY}' journal show --dir '$journal' --json 2>/dev/null | tail -n 3) }

# It has said that the step begins, and stands still.
sub wait_for_intent {
        my $end = time + 30;
        until (is_intended()) {
                kill SIGCONT, $pid;
                sleep 0.001;
                kill SIGSTOP, $pid;
                my $bytes = listen_for(0) // return 'passed';
                return 'passed' if length $bytes || time > $end;
        }
        return length(listen_for(0) // 'x') ? 'passed' : 'frozen';
}

my $word = '';
while (defined(my $bytes = listen_for($word ? 10 : 0.005))) {
        next if $word;
        if ($bytes =~ /s  \Q$step\E \.\.\.$/m) {
                fcntl $read, F_SETFL, 0;
                kill SIGSTOP, $pid;
                $word = $bytes =~ /s  \Q$step\E$/m ? 'passed' : $binds ? wait_for_intent() : 'frozen';
                tell_file($frozen, $word);
        } else {
                kill SIGCONT, $pid; # also when nothing was said: the signal may have come behind what it was for
        }
}
tell_file($frozen, 'never') unless $word;
waitpid $pid, 0;
exit($? & 127 ? 128 + ($? & 127) : $? >> 8);
