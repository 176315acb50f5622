#!/bin/bash
# 15-words.t - the words in both languages: whoever asks for Japanese gets it, also on a server without Japanese locales;
# what programs read (JSON, exit statuses) is the same in every language; no sentence is left untranslated.
. "$(dirname "$0")/lib.sh"
need msgfmt jq

# (A range of Japanese letters is no valid expression in C.UTF-8.)
japanese=$'[^ -~\n]'
po=$source_folder/po
us_in() # LANGUAGE ARGUMENT...: with a state of its own, so that each language starts from the same
{
        run "$UNDERSTUDY" --lang "$1" "${@:2}" --state "$tmp/state.$1"
        return "$status"
}

# ---------------------------------------------------------------- the catalogue
msgfmt --check --statistics --output-file="$tmp/catalogue" "$po/ja.po" 2>"$tmp/statistics"
is 'msgfmt has nothing against the catalogue' "$?" 0
like 'it has translations' "$(cat "$tmp/statistics")" '^[1-9][0-9]* translated'
unlike 'it has none that is open or a guess' "$(cat "$tmp/statistics")" 'untranslated|fuzzy'

# ---------------------------------------------------------------- who asks, and how
# Each of these asks in another way; `locale -a` of a server has no ja_JP.
says_japanese() # NAME VARIABLE=VALUE...
{
        run env -u LC_ALL -u LC_MESSAGES -u LANG -u LANGUAGE "${@:2}" "$UNDERSTUDY" "${arguments[@]}"
        like "$1" "$(output)$(errors)" "$japanese"
}
arguments=(--help)
says_japanese 'LANG=ja_JP.UTF-8, installed or not' LANG=ja_JP.UTF-8
says_japanese 'LANG=ja_JP.UTF-8 with LANGUAGE' LANG=ja_JP.UTF-8 LANGUAGE=ja:en
says_japanese 'LC_ALL before LANG' LC_ALL=ja_JP.UTF-8 LANG=en_US.UTF-8
says_japanese 'LC_MESSAGES before LANG' LC_MESSAGES=ja_JP.UTF-8 LANG=en_US.UTF-8
says_japanese 'LANGUAGE in C.UTF-8' LC_ALL=C.UTF-8 LANGUAGE=ja
for arguments in '--lang ja --help' 'pull --lang ja --help' '--lang ja help verify' '--lang ja nonsense' '--lang ja verify'; do
        read -ra arguments <<<"$arguments"
        says_japanese "LC_ALL=C.UTF-8 ${arguments[*]}" LC_ALL=C.UTF-8
        says_japanese "LC_ALL=C ${arguments[*]}" LC_ALL=C
        says_japanese "no environment: ${arguments[*]}" PATH="$PATH"
done
arguments=(pull --lang ja --help)
says_japanese 'the whole help' LC_ALL=C
unlike 'and nothing of it in English' "$(output)" 'Makes|Options of|Exit status'

run env LC_ALL=C.UTF-8 LANGUAGE= "$UNDERSTUDY" --help
unlike 'C.UTF-8 alone is English' "$(output)" "$japanese"
run env LANG=ja_JP.UTF-8 LC_ALL= "$UNDERSTUDY" --lang en --help
unlike '--lang en overrules LANG' "$(output)" "$japanese"
status_is 2 'a language that is not there' us --lang fr --help

# ---------------------------------------------------------------- the same in every language, but for the words
make_site "$tmp/src"
make_keys "$tmp/keys"
make_repository
mkdir "$tmp/www"

# both NAME STATUS FILTER ARGUMENT...: the same command in each language (DEST in it is a folder of the language's own):
# the same exit status, and the same JSON as far as FILTER keeps it.
both()
{
        local language name=$1 expected=$2 filter=$3
        shift 3
        for language in en ja; do
                us_in "$language" "${@//DEST/$tmp/www/$language}" --json
                is "$name: exit status ($language)" "$status" "$expected"
                jq -S "$filter" "$tmp/stdout" >"$tmp/json.$language" 2>&1
        done
        ok "$name: says something" test -s "$tmp/json.en"
        is "$name: the same JSON" "$(sed "s|$tmp/www/ja|$tmp/www/en|g" "$tmp/json.ja")" "$(cat "$tmp/json.en")"
        # And in words: the same exit status, Japanese only in one.
        for language in en ja; do
                us_in "$language" "${@//DEST/$tmp/www/$language}"
                printf '%s' "$status" >"$tmp/status.$language"
                cat "$tmp/stdout" "$tmp/stderr" >"$tmp/words.$language"
        done
        is "$name: in words: the same exit status" "$(cat "$tmp/status.ja")" "$(cat "$tmp/status.en")"
        like "$name: in words: Japanese" "$(cat "$tmp/words.ja")" "$japanese"
        unlike "$name: in words: English" "$(cat "$tmp/words.en")" "$japanese"
}
plain='del(.. | .evidence?, .bytes_received?, .requests?)'
both 'a first pull' 0 "$plain" pull DEST --repo "$repo" --pub "$pub"
both 'verify' 0 . verify DEST --pub "$pub"
both 'releases' 0 . releases --repo "$repo" --pub "$pub"
is 'its columns stand below one another' "$(sed 's/  [^ ]*$//' "$tmp/words.ja" | while IFS= read -r line; do wc -L <<<"$line"; done | uniq | wc -l)" 1
for language in en ja; do
        echo planted >"$tmp/www/$language/index.html"
        chmod 0600 "$tmp/www/$language/css/site.css"
        rm "$tmp/www/$language/docs-old"
done
both 'verify of what was tampered with' 1 . verify DEST --pub "$pub"
like 'differences are told in Japanese' "$(cat "$tmp/words.ja")" 'mode +css/site.css +\(.*0644.*0600.*\)'
unlike 'and with nothing of English in it' "$(cat "$tmp/words.ja")" 'expected|found|differs'
us_in en pull "$tmp/www/en" --repo "$repo" --pub "$pub" --json
is 'pull in English: exit status' "$status" 1
jq -S "$plain" "$tmp/stdout" >"$tmp/json.en"
us_in ja pull "$tmp/www/ja" --repo "$repo" --pub "$pub" --json
is 'pull in Japanese: exit status' "$status" 1
is 'pull: the same JSON' "$(jq -S "$plain" "$tmp/stdout")" "$(cat "$tmp/json.en")"
# The words of a check are words; what was looked at, and with what result, is not.
us_in en check "$tmp/www/en" --json
check_status=$status
jq -c '[.findings[] | {check, result}]' "$tmp/stdout" >"$tmp/json.en"
us_in ja check "$tmp/www/ja" --json
is 'check: exit status' "$status" "$check_status"
is 'check: the same findings' "$(json '[.findings[] | {check, result}]')" "$(cat "$tmp/json.en")"
like 'check: its words are Japanese' "$(json '.findings[].text')" "$japanese"

for language in en ja; do
        us_in "$language" verify "$tmp/nowhere" --pub "$pub"
        is "a DEST that was never pulled: exit status ($language)" "$status" 2
        us_in "$language" pull "$tmp/www/$language" --repo "$tmp/nowhere" --pub "$pub"
        is "no repository: exit status ($language)" "$status" 3
        us_in "$language" pull "$tmp/src" --repo "$repo" --pub "$pub"
        is "never pulled and not empty: exit status ($language)" "$status" 4
done
like 'what is refused is told in Japanese' "$(errors)" "^understudy: $tmp/src は.*--adopt"

# ---------------------------------------------------------------- the demo's words
# They are printf formats, shown on terminals of 80 columns behind an indent of two.
too_wide()
{
        # shellcheck source=/dev/null
        . "$1"
        for word in ${!word_*}; do
                [[ $(printf '%s\n' "${!word}" | wc -L) -le 78 ]] || echo "$word"
        done
}
for language in en ja; do
        is "no line of the demo is wider than a terminal ($language)" "$(too_wide "$source_folder/lab/words.$language.sh")" ''
done

done_testing
