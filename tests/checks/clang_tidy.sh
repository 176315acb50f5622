#!/bin/bash
# clang_tidy.sh BUILD [all] - clang-tidy finds nothing in src/; the checks are chosen in .clang-tidy. BUILD was made by clang.
#
# An eighth of the files, others with each commit: it takes as long as all tests together. `all` takes every one (make soak).
# cppcheck, which is quicker, reads all of them each time.
set -u
cd "$(dirname "$0")/../.." || exit
part=0 of=1
[ "${2:-}" = all ] || of=8 part=$(($(tests/support/turn.sh) % 8))
echo "files: part $part/$of"
find src -name '*.c' | LC_ALL=C sort | awk -v part="$part" -v of="$of" 'NR % of == part' |
        xargs -n 4 -P 2 clang-tidy --quiet -p "$1" 2>/dev/null
