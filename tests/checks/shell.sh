#!/bin/bash
# shell.sh - shellcheck on every shell script of the project, whatever its name ends in.
set -u
cd "$(dirname "$0")/../.." || exit
mapfile -t scripts < <(git ls-files -co --exclude-standard -- .ci bench debian lab tests tools |
        while read -r file; do
                head -n 1 "$file" 2>/dev/null | grep -qaE '^#!.*\b(ba|da)?sh\b' && echo "$file"
        done)
# SC1091: a sourced file is checked by itself. SC2015: `a && b || c` is used where b cannot fail.
# SC2154, SC2034: variables that go to and come from a sourced library.
shellcheck --shell=bash --severity=warning --exclude=SC1091,SC2015,SC2154,SC2034 "${scripts[@]}"
