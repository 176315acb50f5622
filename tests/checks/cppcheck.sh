#!/bin/bash
# cppcheck.sh - cppcheck finds nothing in src/ (errors, warnings, portability, performance).
set -u
cd "$(dirname "$0")/../.." || exit
# Left out, each with its reason:
#   missingIncludeSystem   the libraries' headers are not read
#   normalCheckLevelMaxBranches  says only how deep it looked
#   memleak, resourceLeak  it does not know the cleanup attribute: what _cleanup_() frees would be called a leak
#   uninitvar              it does not see that a function fills the array in a struct; compilers and valgrind do
cppcheck --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --quiet --std=c11 -j 2 \
        --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches --suppress=memleak \
        --suppress=resourceLeak --suppress=uninitvar -D_GNU_SOURCE -DUNDERSTUDY_VERSION='""' -DUNDERSTUDY_LOCALEDIR='""' \
        -DUNDERSTUDY_LIBEXECDIR='""' -DUNDERSTUDY_DATADIR='""' -I src src
