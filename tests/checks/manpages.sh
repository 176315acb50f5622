#!/bin/bash
# manpages.sh - mandoc has nothing to say about the man pages, each is there in English and Japanese with the same
# options, and both are installed. What a command takes its --help and its page name: told from its source, so that nothing
# has to be built.
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

# ---------------------------------------------------------------- what --help and the page say, beside what is taken

# The long options in the tables of these files.
taken() {
    grep -ohE '\{ ?"[a-z0-9-]+", *(no|required|optional)_argument' "$@" | grep -oE '[a-z0-9-]+"' | tr -d '"' | sort -u
}
# Those in the lines of a help and in the synopsis above it. The sentence of an error begins on the line of its call, and
# is none of them.
helped() {
    grep -hE '^ +(return _\(|N_\(|\.synopsis = )?"' "$@" | grep -oE -- '--[a-z0-9][a-z0-9-]*' | cut -c3- | sort -u
}
documented() {
    grep -ohE 'Fl Fl [a-z0-9-]+' "$@" | cut -d' ' -f3 | sort -u
}
hidden='block' # analyze: so that tests need no large logs
for page in docs/man/understudy-*.1; do
    name=${page##*understudy-} name=${name%.1}
    for file in "src/cli/$name".c "src/cli/$name"_*.c; do
        [ -e "$file" ] || continue
        options=$(taken "$file" | grep -vxF "$hidden")
        [ -n "$options" ] || continue # those of init are its questions
        missing=$(comm -23 <(echo "$options") <(helped "$file" "src/cli/$name.c") | tr '\n' ' ')
        [ -z "$missing" ] || { echo "manpages: the help of $file does not name: $missing" >&2; status=1; }
        missing=$(comm -23 <(echo "$options") <(documented "$page") | tr '\n' ' ')
        [ -z "$missing" ] || { echo "manpages: $page does not name, of $file: $missing" >&2; status=1; }
    done
done

# Styles are a matter of taste; warnings and errors are not.
mandoc -T lint -W warning "${pages[@]}" || status=1
exit "$status"
