#!/bin/bash
# manpages.sh - mandoc has nothing to say about the man pages, each is there in English and Japanese with the same
# options, and both are installed.
set -u
cd "$(dirname "$0")/../.." || exit
mapfile -t pages < <(find docs/man -name '*.[1-8]' | sort)
[ ${#pages[@]} -gt 0 ] || { echo "manpages: there are none in docs/man" >&2; exit 1; }
status=0

# The options and, of the configuration, the keys that a page names.
names() {
    grep -ohE 'Fl Fl [a-z0-9-]+|^\.It Cm [a-z_]+' "$1" | sort -u
}

for page in "${pages[@]}"; do
    grep -qF "'${page#docs/}'" docs/meson.build ||
        { echo "manpages: $page is not in docs/meson.build" >&2; status=1; }
    case $page in docs/man/ja/*) continue ;; esac
    japanese=docs/man/ja/${page##*/}
    if [ ! -e "$japanese" ]; then
        echo "manpages: $page has no Japanese page" >&2
        status=1
    elif ! diff <(names "$page") <(names "$japanese") >&2; then
        echo "manpages: $page (<) and $japanese (>) name other options" >&2
        status=1
    fi
done

# Styles are a matter of taste; warnings and errors are not.
mandoc -T lint -W warning "${pages[@]}" || status=1
exit "$status"
