#!/bin/bash
# listed.sh - every test that is there is run: unit tests and fuzzers are in their meson.build, every fuzzer has a kept
# corpus, integration tests and torture scripts can be executed, and every source file is compiled.
set -u
cd "$(dirname "$0")/../.." || exit
wrong=0
complain() {
        echo "listed: $*" >&2
        wrong=1
}

for kind in test:unit fuzz:fuzz; do
        prefix=${kind%:*} folder=tests/${kind#*:}
        for file in "$folder/$prefix"_*.c; do
                [ -e "$file" ] || continue
                name=${file##*/"$prefix"_}
                grep -qE "^ *'${name%.c}',?" "$folder/meson.build" || complain "$file is not in $folder/meson.build"
        done
done
for file in tests/fuzz/fuzz_*.c; do
        [ -e "$file" ] || continue
        name=${file##*/fuzz_}
        [ -n "$(ls -A "tests/fuzz/corpus/${name%.c}" 2>/dev/null)" ] || complain "$file has no corpus in tests/fuzz/corpus"
done
for file in tests/t/*.t tests/torture/*.sh; do
        [ -x "$file" ] || complain "$file cannot be executed"
done
for folder in src/*/; do
        list=$(<"${folder}meson.build")
        for file in "$folder"*.c; do
                [[ $list == *"'${file##*/}'"* ]] || complain "$file is not in ${folder}meson.build"
        done
done
exit $wrong
