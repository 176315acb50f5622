#!/bin/bash
# keys.sh - every key that the site's configuration may have is read by something: one that nothing reads is a promise that
# nobody keeps. The compiler is asked, and not a search for words: in a copy of config.h each member that a key is stored in is
# deprecated, with its name as the reason, and each use of it outside of src/config is then a warning. Nothing has to be built.
set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# What has one value only says what is so: there is nothing to be read from it.
constant='config_dns driver
config_filter driver'

# "struct member" of each key, as the tables say it.
grep -oE '\b(AT|LIST)\([a-z_]+, [a-z_]+\)' src/config/schema.c | sed -E 's/^(AT|LIST)\(([a-z_]+), ([a-z_]+)\)/\2 \3/' | grep -vx "type member" | sort -u >"$work/stored"
[ "$(wc -l <"$work/stored")" -gt 50 ] || { echo 'keys: the tables in src/config/schema.c are not understood' >&2; exit 1; }

mkdir "$work/config"
perl -e '
    open my $list, "<", shift or die; my %stored = map { chomp; $_ => 1 } <$list>;
    my $struct = "";
    while (<STDIN>) {
        $struct = $1 if /^struct (\w+) \{/;
        s{\b(\w+)(?=[,;])}{$stored{"$struct $1"} ? "$1 __attribute__((deprecated(\"key of $struct $1\")))" : $1}ge if /^ {8}\S.*;/;
        print;
    }' "$work/stored" <src/config/config.h >"$work/config/config.h"
keys() { grep -ohE 'key of [a-z_]+ [a-z_]+' "$@" | cut -d' ' -f3- | sort -u; }
unknown=$(comm -23 "$work/stored" <(keys "$work/config/config.h"))
[ -z "$unknown" ] || { echo "keys: not found in src/config/config.h: $unknown" >&2; exit 1; }

status=0
number=0
mapfile -t sources < <(grep -rliE 'config|steps_private' src --include='*.c' | grep -v '^src/config/')
for source in "${sources[@]}"; do
    number=$((number + 1))
    cc -fsyntax-only -fno-diagnostics-show-caret -std=gnu17 -Wdeprecated-declarations -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
        -DUNDERSTUDY_LATE_LIBRARIES '-DUNDERSTUDY_VERSION=""' '-DUNDERSTUDY_LOCALEDIR=""' '-DUNDERSTUDY_DATADIR=""' \
        '-DUNDERSTUDY_LIBEXECDIR=""' -I "$work" -I src -I /usr/include/postgresql -I /usr/include/mariadb "$source" >"$work/$number.said" 2>&1 ||
        { echo "keys: $source cannot be looked at: $(head -n 2 "$work/$number.said")" >&2; status=1; }
done
unread=$(comm -23 <(grep -vxF "$constant" "$work/stored") <(keys "$work"/*.said))
[ -z "$unread" ] || { echo "keys: these can be written in a configuration, and nothing reads them:" >&2; echo "$unread" >&2; status=1; }
exit "$status"
