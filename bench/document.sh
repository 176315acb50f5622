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
        for package in rsync aide ostree casync coreutils nginx libssl3; do
                printf '%s %s, ' "$package" "$(dpkg-query -W -f '${Version}' "$package")"
        done | sed 's/, $//'
}

# document_put ROW TITLE: the section takes its row's place in the document, or comes at its end.
document_put()
{
        local size
        size=$(cat "$work/size")
        {
                echo "<!-- row: $1 -->"
                printf '## %s\n\n' "$2"
                cat "$work/section"
                printf '\n`BENCH_TREE=%s BENCH_RUNS=%s bench/run.sh %s`, %s, on %s; medians of %s runs, files in the page cache.\n' \
                        "$tree" "$runs" "$1" "$size" "$(date -u +%Y-%m-%d)" "$runs"
                printf '%s. Understudy %s; %s.\n\n' "$(machine)" "$("$us" --version | awk '{ print $NF }')" "$(versions)"
                echo '<!-- end -->'
        } >"$work/put"
        [[ -s $document ]] || document_head >"$document"
        awk -v row="$1" -v put="$work/put" '
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

END
}
