#!/bin/bash
# fuzz.sh BUILD SECONDS - runs every fuzzer of BUILD that long, starting from its kept corpus; two at a time. New inputs
# stay in BUILD, a crashing one is kept beside them and its path is printed.
set -u
cd "$(dirname "$0")/../.." || exit
build=$(realpath "$1") seconds=$2

run_one() {
        local program=$1 name=${1##*/fuzz_} work=$build/fuzz-work/${1##*/fuzz_}

        mkdir -p "$work/found"
        if ! "$program" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
                -artifact_prefix="$work/" "$work/found" "tests/fuzz/corpus/$name" >"$work/log" 2>&1; then
                tail -n 40 "$work/log"
                echo "fuzz: $name: FAILED, input and log in $work" >&2
                return 1
        fi
        echo "fuzz: $name: ok, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs"
}
export -f run_one
export build seconds

mapfile -t programs < <(find "$build/tests/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x | sort)
[ ${#programs[@]} -gt 0 ] || { echo "fuzz: there is no fuzzer in $build" >&2; exit 1; }
# shellcheck disable=SC2016 # the inner shell expands it
printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P 2 bash -c 'run_one "$1"' -
