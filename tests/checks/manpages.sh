#!/bin/bash
# manpages.sh - mandoc has nothing to say about the man pages, English and Japanese.
set -u
cd "$(dirname "$0")/../.." || exit
mapfile -t pages < <(find docs/man -name '*.[1-8]' | sort)
[ ${#pages[@]} -gt 0 ] || { echo "manpages: there are none in docs/man" >&2; exit 1; }
# Styles are a matter of taste; warnings and errors are not.
mandoc -T lint -W warning "${pages[@]}"
