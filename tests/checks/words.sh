#!/bin/bash
# words.sh - po/POTFILES names every file with words for people, sorted; the catalogues in po/ are valid, their formats
# agree with the source, and no sentence that the source marks with _() or N_() is left without a translation.
set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0
complain() {
        echo "words: $*" >&2
        wrong=1
}

find src -name '*.[ch]' ! -path 'src/base/i18n.[ch]' -print0 | xargs -0 grep -lE '(^|[^A-Za-z0-9_])(_|N_|i18n_plural)\(' |
        LC_ALL=C sort >"$work/sources"
grep -v '^#' po/POTFILES >"$work/named"
diff "$work/named" "$work/sources" >"$work/difference" ||
        complain "po/POTFILES is not the sorted list of files with _() or N_(): $(grep '^[<>]' "$work/difference")"

xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=i18n_plural:1,2 --files-from="$work/sources" \
        --output="$work/now.pot" || exit 1
catalogues=(po/*.po)
[ -e "${catalogues[0]}" ] || complain "there is no catalogue in po/"
for catalogue in "${catalogues[@]}"; do
        language=${catalogue#po/}
        grep -qx "${language%.po}" po/LINGUAS || complain "$catalogue is not in po/LINGUAS"
        msgfmt --check --output-file=/dev/null "$catalogue" || wrong=1
        # Sentences of today's source that the catalogue does not have, has empty, or only guesses (fuzzy).
        msgmerge --quiet --no-fuzzy-matching --output-file="$work/merged.po" "$catalogue" "$work/now.pot" || wrong=1
        msgattrib --untranslated --no-obsolete --no-wrap "$work/merged.po" >"$work/open.po"
        msgattrib --only-fuzzy --no-obsolete --no-wrap "$work/merged.po" >>"$work/open.po"
        while read -r line; do
                complain "$catalogue: not translated: $line"
        done < <(awk '/^#: / { where = $2 } /^msgid / { open = where != "" }
                open && /"..*"/ { print where, $0; open = 0 }' "$work/open.po")
done
exit $wrong
