#!/bin/bash
# cppcheck.sh - cppcheck finds nothing in src/ (errors, warnings, portability, performance).
set -u
cd "$(dirname "$0")/../.." || exit
# Left out, each with its reason:
#   missingIncludeSystem   the libraries' headers are not read
#   normalCheckLevelMaxBranches  says only how deep it looked
# The cleanup attribute is unknown to it: what _cleanup_() frees would be called a leak.
cppcheck --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --quiet --std=c11 -j 2 \
        --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=memleak \
        --suppress=resourceLeak -D_GNU_SOURCE -DUNDERSTUDY_VERSION='""' -DUNDERSTUDY_LOCALEDIR='""' \
        -DUNDERSTUDY_LIBEXECDIR='""' -I src src
