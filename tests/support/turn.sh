#!/bin/sh
# turn.sh - prints the number by which samples go round: the count of commits (TEST_TURN, when it is set; the day of the
# year where there is no git). What CI has no time to take whole, it takes in parts, and another part with each commit;
# `make soak` takes all.
cd "$(dirname "$0")" || exit
echo "${TEST_TURN:-$(git rev-list --count HEAD 2>/dev/null || date +%j)}"
