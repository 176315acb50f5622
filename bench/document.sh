# shellcheck shell=bash
# document.sh - medians, and the rows of docs/BENCHMARKS.md. Sourced by run.sh.
#
# $work/results/NAME has one line a run, written by bench/measure: wall, cpu, memory, wire, status.

# median FIELD NAME
median()
{
        cut -d ' ' -f "$1" "$work/results/$2" | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# ratio FIELD NAME OTHER: of their medians.
ratio() { awk -v a="$(median "$1" "$2")" -v b="$(median "$1" "$3")" 'BEGIN { if (b > 0) printf "%.2f", a / b; else print "?" }'; }

# table COLUMN...: of everything that was measured, in the order of the first run. Columns: wall cpu memory wire.
table()
{
        local name column line
        {
                printf '|'
                printf ' %s |' '' "$@"
                printf '\n|---|'
                printf -- '---:|%.0s' "$@"
                printf '\n'
                while IFS= read -r name; do
                        line="| $name |"
                        for column in "$@"; do
                                case $column in
                                wall) line+=$(printf ' %.2f s |' "$(median 1 "$name")") ;;
                                cpu) line+=$(printf ' %.2f s |' "$(median 2 "$name")") ;;
                                memory) line+=$(median 3 "$name" | awk '{ printf " %.1f MB |", $1 * 1024 / 1e6 }') ;;
                                wire) line+=$(median 4 "$name" | awk '{ printf " %.2f MB |", $1 / 1e6 }') ;;
                                esac
                        done
                        echo "$line"
                done <"$work/order"
                echo
        } >>"$work/section"
}

# target WORDS VALUE COMPARISON LIMIT: one line, met or not. The comparison `shown` has no limit.
target()
{
        awk -v words="$1" -v value="$2" -v comparison="$3" -v limit="$4" 'BEGIN {
                met = (comparison == "<=" && value + 0 <= limit) || (comparison == ">=" && value + 0 >= limit) ||
                        (comparison == "<" && value + 0 < limit) || (comparison == ">" && value + 0 > limit)
                if (comparison == "shown") printf "- %s = **%s**\n", words, value
                else printf "- %s = **%s**, target %s %s: %s\n", words, value, comparison, limit, met ? "met" : "**not met**"
        }' >>"$work/section"
}

machine()
{
        local cpu
        cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
        echo "$cpu, $(nproc) cores, $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo), Linux $(uname -r), Debian $(cat /etc/debian_version), load $(cut -d ' ' -f 1 /proc/loadavg) at the end"
}

versions()
{
        local package
        for package in rsync aide ostree casync coreutils nginx goaccess libssl3; do
                printf '%s %s, ' "$package" "$(dpkg-query -W -f '${Version}' "$package")"
        done | sed 's/, $//'
}

# document_put ROW TITLE: the section takes the place of the same row and tree in the document, or comes at its end.
document_put()
{
        local size key="$1, $tree" title="$2, $tree tree" settings="BENCH_TREE=$tree BENCH_RUNS=$runs"
        size=$(cat "$work/size")
        [[ $1 != memory ]] || key=$1 title=$2
        [[ -z ${BENCH_LARGE_FILES:-} || $tree != large ]] || settings+=" BENCH_LARGE_FILES=$BENCH_LARGE_FILES"
        [[ -z ${BENCH_NICE:-} ]] || settings+=" BENCH_NICE=$BENCH_NICE"
        {
                echo "<!-- row: $key -->"
                printf '## %s\n\n' "$title"
                cat "$work/section"
                printf '\n`%s bench/run.sh %s`, %s, on %s; medians of %s runs.\n' \
                        "$settings" "$1" "$size" "$(date -u +%Y-%m-%d)" "$runs"
                printf '%s. Understudy %s; %s.\n\n' "$(machine)" "$("$us" --version | awk '{ print $NF }')" "$(versions)"
                echo '<!-- end -->'
        } >"$work/put"
        [[ -s $document ]] || document_head >"$document"
        awk -v row="$key" -v put="$work/put" '
                function show() { while ((getline line < put) > 0) print line; shown = 1 }
                $0 == "<!-- row: " row " -->" { show(); skipping = 1 }
                !skipping { print }
                $0 == "<!-- end -->" { skipping = 0 }
                END { if (!shown) show() }' "$document" >"$work/document"
        cp "$work/document" "$document"
        sed -n '/^|/p;/^- /p' "$work/put"
}

document_head()
{
        cat <<'END'
# Benchmarks

`make bench` (or `bench/run.sh ROW...`) measures these rows on the machine where it runs and replaces them here. The
peers run beside us in the same run, one after the other in turn; the network is the loopback interface of a network
namespace of its own, and the bytes over the wire are that interface's, with all headers. cpu is user and system time of
the command that is named and of its children, not of the server that it fetches from. The small tree is Debian's
wordpress, wordpress-l10n and three themes; the large one is copies of it, each file with a line of its own.

Each row has a fresh ext4 of its own (an image beside it, without double caching). Before each measurement what is going
to be read is read once, so that it is in the page cache, and nothing is left to be written. `pull` has its tree on the
disk before it puts it in place, and removes the old one; rsync and ostree leave their writes to chance (rsync with a
sync behind it is shown beside), ostree and casync leave the old tree. The load in each footer tells how busy the machine
was with other work: with two processors and a load of more than two, seconds of wall clock say little, seconds of cpu
and ratios within one row more.

END
}
