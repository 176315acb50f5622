#!/bin/bash
# run.sh [ROW...] - measures Understudy beside rsync, AIDE, sha256sum, ostree and casync, and writes docs/BENCHMARKS.md.
#
# Rows: verify, nothing, update, first, reflink, memory, analyze, analyze8, follow, spread, journal, gate, web, heal, detect, start, failover, planned,
# exposure, timeline, report; without a name all of them. Each row stands in the document by itself with its date and is replaced when it is measured again. Everything is made below $BENCH_FOLDER
# (/var/tmp/understudy-bench) and taken away at the end of a row, but the downloaded packages.
#
#   BENCH_TREE     large: 100,000 files, 3.4 GB (the default); small: 3,000 files, 97 MB
#   BENCH_RUNS     how often each is measured; the median counts (3; 7 for the small tree)
#   BENCH_GOACCESS another goaccess than Debian's, which stands beside it in the rows analyze and analyze8 (built -O2)
#   BENCH_NICE     what is measured, and the servers, run with this priority (nice -n), so that wall clock means something
#                  on a machine that is busy with other work: -15
#
# All of it works in a network namespace of its own, so that the loopback interface counts nobody else's bytes, and in a
# mount namespace, so that nothing stays mounted. A row's files lie in an ext4 of their own, fresh for each row, in an
# image beside them: a sync waits for nobody else's writes there, and every machine has the same file system (one without
# a journal, as virtual machines sometimes have, makes each deletion wait for the disk and the next creations crawl).
set -uo pipefail
cd "$(dirname "$0")/.." || exit
source_folder=$PWD
build=$(realpath "${BUILD:-build}")

stop()
{
        echo "bench: $*" >&2
        exit 3
}

[[ $EUID -eq 0 ]] || stop 'please run it as root (it mounts, and copies owners)'
[[ -x $build/understudy && -x $build/bench/measure ]] || stop "build first: $build has no understudy"
tree=${BENCH_TREE:-large}
runs=${BENCH_RUNS:-$([[ $tree == small ]] && echo 7 || echo 3)}
folder=${BENCH_FOLDER:-/var/tmp/understudy-bench}
cache=$folder/cache
work=$folder/work
document=${BENCH_DOCUMENT:-$source_folder/docs/BENCHMARKS.md}
us=$build/understudy
export LC_ALL=C.UTF-8 UNDERSTUDY_STATE=$work/state work

. bench/trees.sh
. bench/peers.sh
. bench/document.sh
. bench/analyze.sh
. bench/spread.sh
. bench/guard.sh
. bench/detect.sh
. bench/failover.sh
. bench/planned.sh
. bench/incident.sh

if [[ -z ${BENCH_INSIDE:-} ]]; then
        [[ ${*:-all} =~ ^(exposure|timeline|report) || ${*:-all} == analyze* || ${*:-all} == follow || ${*:-all} == spread || ${*:-all} == journal || ${*:-all} == failover || ${*:-all} == planned ]] || packages_unpacked # the tree that is measured on; analyze has lines of its own
        [[ " ${*:-detect} " != *' detect '* ]] || detect_unpacked
        BENCH_INSIDE=1 exec unshare --net --mount --propagation private -- "$0" "$@"
fi
ip link set lo up

# ---------------------------------------------------------------- a row's life

row_begin()
{
        row_clean
        mkdir -p "$cache" "$work"
        make_disk "$folder/work.img" 64G ext4 "$work"
        mkdir "$work/results"
        : >"$work/order"
        : >"$work/section"
        echo "bench: $1 ($tree tree, $runs runs)"
}

# make_disk IMAGE SIZE KIND FOLDER: a fresh file system in a sparse file, mounted. Its blocks are not cached twice, and
# nothing is left to be prepared while somebody is measured.
make_disk()
{
        local device options=()

        [[ $3 != ext4 ]] || options=(-o noinit_itable)
        truncate -s "$2" "$1" && "mkfs.$3" -q "$1" && device=$(losetup --find --show --direct-io=on "$1") &&
                mount "${options[@]}" "$device" "$4" || stop "cannot make a file system in $1"
        losetup --detach "$device" # when it is unmounted
}

row_clean()
{
        guard_stop 2>/dev/null
        detect_stop 2>/dev/null
        peers_stop
        spread_stop
        cd "$source_folder" || exit
        mountpoint -q "$work/disk" && umount "$work/disk"
        mountpoint -q "$work" && umount "$work"
        rm -rf --one-file-system "$work" "$folder/work.img" "$folder/reflink.img"
}
trap row_clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ready FOLDER...: before each measurement. What is to be read is in the page cache, also where cold pages are taken away
# quickly; nothing that came before is left to be written.
ready()
{
        find "$@" -type f -print0 | xargs -0 -r cat >/dev/null
        sync -f "$work"
}

# priority NICE: of our session against the others, where the kernel schedules by session and nice counts only within one.
priority()
{
        [[ -z ${BENCH_NICE:-} || ! -w /proc/self/autogroup ]] || echo "$1" >/proc/self/autogroup
}

# measured NAME EXPECTED COMMAND...: once more, under this name; another exit status than expected ends everything.
measured()
{
        local name=$1 expected=$2 status
        shift 2
        priority "${BENCH_NICE:-0}"
        ${BENCH_NICE:+nice -n "$BENCH_NICE"} "$build/bench/measure" "$work/results/$name" "$@" >"$work/output" 2>&1 </dev/null
        status=$?
        priority 0
        grep -qxF -- "$name" "$work/order" || echo "$name" >>"$work/order"
        [[ $status -eq $expected ]] || stop "$name ended in $status: $(tail -n 3 "$work/output")"
        echo "  $name: $(tail -n 1 "$work/results/$name" | awk '{ printf "%.2f s, cpu %.2f s, %.1f MB, %.2f MB over the wire", $1, $2, $3 / 1e3, $4 / 1e6 }')"
}

# size_of FOLDER: for the document.
size_of()
{
        find "$1" -type f -printf '%s\n' | awk '{ bytes += $1 } END { printf "%d files, %.1f MB", NR, bytes / 1e6 }' >"$work/size"
}

# ---------------------------------------------------------------- the rows

# A stand-by that was pulled, and what the peers need to check it.
prepare_standby()
{
        make_tree "$work/source"
        size_of "$work/source"
        "$us" keygen "$work/keys" --no-password >/dev/null &&
                "$us" publish "$work/source" --repo "$work/repository" --key "$work/keys/release.key" --site bench --quiet &&
                "$us" pull "$work/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet ||
                stop 'publish and pull do not work'
}

row_verify()
{
        prepare_standby
        aide_init "$work/site"
        for ((run = 1; run <= runs; run++)); do
                ready "$work/site"
                measured 'understudy verify, 1 thread' 0 "$us" verify "$work/site" --pub "$work/keys/release.pub" --threads 1
                ready "$work/site"
                measured 'understudy verify, 2 threads' 0 "$us" verify "$work/site" --pub "$work/keys/release.pub" --threads 2
                ready "$work/site"
                measured 'bare walk, read, SHA-256 in C' 0 "$build/bench/baseline" "$work/site"
                ready "$work/site"
                measured 'sha256sum, xargs -P2' 0 sh -c "find '$work/site' -type f -print0 | xargs -0 -n 256 -P 2 sha256sum >/dev/null"
                ready "$work/site"
                measured 'aide --check' 0 aide --config="$work/aide.conf" --check
        done
        table cpu wall memory
        target 'cpu, verify : bare walk' "$(ratio 2 'understudy verify, 1 thread' 'bare walk, read, SHA-256 in C')" '<=' 1.15
        target 'cpu, sha256sum : verify' "$(ratio 2 'sha256sum, xargs -P2' 'understudy verify, 1 thread')" '>=' 3
        target 'cpu, aide --check : verify' "$(ratio 2 'aide --check' 'understudy verify, 1 thread')" '>=' 12
        target 'wall, 1 thread : 2 threads' "$(ratio 1 'understudy verify, 1 thread' 'understudy verify, 2 threads')" '>=' 1.7
}

row_nothing()
{
        prepare_standby
        serve
        mkdir "$work/rsync-site"
        cp -a "$work/source/." "$work/rsync-site"
        for ((run = 1; run <= runs; run++)); do
                ready "$work/site"
                measured 'understudy verify' 0 "$us" verify "$work/site" --pub "$work/keys/release.pub"
                ready "$work/site"
                measured 'understudy pull' 0 "$us" pull "$work/site" --repo "$http/repository" --pub "$work/keys/release.pub"
                ready "$work/source" "$work/rsync-site"
                measured 'rsync -c' 0 rsync -a -c --delete "$rsync/source/" "$work/rsync-site/"
        done
        table wall cpu wire
        target 'wall, pull : verify' "$(ratio 1 'understudy pull' 'understudy verify')" '<=' 1.25
        target 'cpu, pull : verify' "$(ratio 2 'understudy pull' 'understudy verify')" '<=' 1.25
        target 'wall, rsync -c : pull' "$(ratio 1 'rsync -c' 'understudy pull')" '>' 1
}

# Both take minutes on the large tree, and nobody measures them.
# casync takes minutes for the large tree, more than all the others together; the small one shows it.
with_casync() { [[ $tree == small ]]; }

publish_to_peers()
{
        ostree_commit &
        with_casync && casync_make
        wait $! || stop 'ostree commit'
}

row_update()
{
        prepare_standby
        serve
        for peer in rsync rsync-c rsync-s $(with_casync && echo casync); do
                mkdir "$work/$peer-site"
                cp -a "$work/source/." "$work/$peer-site"
        done
        ostree_commit
        bash bench/peers.sh ostree_pull "$work/ostree-site" >"$work/output" 2>&1 || stop "ostree: $(cat "$work/output")"
        for ((run = 1; run <= runs; run++)); do
                rm -rf "$work"/*.old
                change_tree "$work/source" "$run"
                "$us" publish "$work/source" --repo "$work/repository" --key "$work/keys/release.key" --quiet || stop 'publish'
                publish_to_peers
                ready "$work/site" "$work/repository"
                measured 'understudy pull' 0 "$us" pull "$work/site" --repo "$http/repository" --pub "$work/keys/release.pub"
                ready "$work/source"
                measured 'rsync -a --delete' 0 rsync -a --delete "$rsync/source/" "$work/rsync-site/"
                ready "$work/source" "$work/rsync-c-site"
                measured 'rsync -c' 0 rsync -a -c --delete "$rsync/source/" "$work/rsync-c-site/"
                ready "$work/source" "$work/rsync-s-site"
                measured 'rsync -c, then sync' 0 sh -c "rsync -a -c --delete '$rsync/source/' '$work/rsync-s-site/' && sync -f '$work'"
                ready "$work/ostree" "$work/ostree-site"
                measured 'ostree pull + checkout' 0 bash bench/peers.sh ostree_pull "$work/ostree-site"
                with_casync || continue
                ready "$work/casync-site" "$work/casync.castr"
                measured 'casync extract' 0 bash bench/peers.sh casync_extract "$work/casync-site"
        done
        table wall cpu wire
        target 'wall, rsync -c : pull' "$(ratio 1 'rsync -c' 'understudy pull')" '>' 1
        target 'wall, ostree : pull' "$(ratio 1 'ostree pull + checkout' 'understudy pull')" '>' 1
        target 'bytes, ostree : pull' "$(ratio 4 'ostree pull + checkout' 'understudy pull')" '>' 1
}

row_first()
{
        prepare_standby
        serve
        publish_to_peers
        for ((run = 1; run <= runs; run++)); do
                rm -rf "$work"/*-site "$work"/*.old "$work/site" "$work/state" "$work/ostree-client"
                ready "$work/repository"
                measured 'understudy pull' 0 "$us" pull "$work/site" --repo "$http/repository" --pub "$work/keys/release.pub"
                ready "$work/source"
                measured 'rsync -a' 0 rsync -a --delete "$rsync/source/" "$work/rsync-site/"
                ready "$work/source"
                measured 'rsync -a, then sync' 0 sh -c "rsync -a --delete '$rsync/source/' '$work/rsync-s-site/' && sync -f '$work'"
                ready "$work/ostree"
                measured 'ostree pull + checkout' 0 bash bench/peers.sh ostree_pull "$work/ostree-site"
                with_casync || continue
                ready "$work/casync.castr"
                measured 'casync extract' 0 bash bench/peers.sh casync_extract "$work/casync-site"
        done
        table wall cpu wire
        target 'wall, rsync -a : pull' "$(ratio 1 'rsync -a' 'understudy pull')" '>' 1
        target 'wall, ostree : pull' "$(ratio 1 'ostree pull + checkout' 'understudy pull')" '>' 1
}

# The same step, 5 % changed, on ext4 where files are copied and on XFS where they are reflinked; each on a loop-mounted
# image of its own.
row_reflink()
{
        local size=12G

        [[ $tree == large ]] || size=1G
        for kind in ext4 xfs; do
                rm -rf "$work/source" "$work/repository" "$work/keys" "$work/state"
                mkdir -p "$work/disk"
                make_disk "$folder/reflink.img" "$size" "$kind" "$work/disk"
                make_tree "$work/source"
                size_of "$work/source"
                "$us" keygen "$work/keys" --no-password >/dev/null || stop keygen
                for ((run = 0; run <= runs; run++)); do
                        [[ $run -eq 0 ]] || change_tree "$work/source" "$run"
                        "$us" publish "$work/source" --repo "$work/repository" --key "$work/keys/release.key" --site bench --quiet || stop publish
                        [[ $run -eq 0 ]] || ready "$work/disk/site" "$work/repository"
                        sync -f "$work/disk"
                        if [[ $run -eq 0 ]]; then
                                "$us" pull "$work/disk/site" --repo "$work/repository" --pub "$work/keys/release.pub" --quiet || stop pull
                        elif [[ $kind == ext4 ]]; then
                                measured 'copy on ext4' 0 "$us" pull "$work/disk/site" --repo "$work/repository" --pub "$work/keys/release.pub" --take-over copy
                        else
                                measured 'reflink on XFS' 0 "$us" pull "$work/disk/site" --repo "$work/repository" --pub "$work/keys/release.pub"
                        fi
                done
                umount "$work/disk"
                rm -f "$folder/reflink.img"
        done
        table wall cpu
        target 'wall, copy : reflink' "$(ratio 1 'copy on ext4' 'reflink on XFS')" shown 1
}

row_memory()
{
        local many=$work/many

        mkdir "$many"
        make_many "$many"
        size_of "$many"
        "$us" keygen "$work/keys" --no-password >/dev/null &&
                "$us" publish "$many" --repo "$work/repository" --key "$work/keys/release.key" --site bench --quiet ||
                stop 'publish does not work'
        ready "$many"
        measured 'understudy verify, 1,000,000 files' 0 "$us" verify "$many" --pub "$work/keys/release.pub" \
                --manifest "$work/repository/releases/1/manifest.mtree"
        table memory wall cpu
        target 'peak memory, MB' "$(awk '{ printf "%.1f", $3 * 1024 / 1e6 }' "$work/results/understudy verify, 1,000,000 files")" '<' 64
}

# The journal has no peer in Debian; sha256sum over the same bytes says how fast hashing is.
row_journal()
{
        local records=${BENCH_RECORDS:-1000000} run

        echo "$records records" >"$work/size"
        for ((run = 1; run <= runs; run++)); do
                rm -rf "$work/journal"
                priority "${BENCH_NICE:-0}"
                ${BENCH_NICE:+nice -n "$BENCH_NICE"} "$build/bench/bench_journal" "$work/journal" "$records" >>"$work/journal.json" ||
                        stop 'bench_journal fails'
                priority 0
                ready "$work/journal"
                measured 'understudy journal verify' 0 "$us" journal verify --dir "$work/journal"
                ready "$work/journal"
                measured 'sha256sum of the same files' 0 sh -c "find '$work/journal/tile' -type f -print0 | xargs -0 -n 256 sha256sum >/dev/null"
        done
        table wall cpu memory
        target 'records appended a second, group commit' "$(journal_median .append_per_s)" '>=' 50000
        target 'one record, from append to durable, ms, p50' "$(journal_median .one_record_ms_p50)" shown 1
        target 'one record, from append to durable, ms, p99' "$(journal_median .one_record_ms_p99)" '<' 5
        target 'one small file replaced on the same disk (its floor), ms, p50' "$(journal_median .one_file_ms_p50)" shown 1
        target 'one small file replaced on the same disk, ms, p99' "$(journal_median .one_file_ms_p99)" shown 1
        target 'one proof, from opening the journal, ms, p99' "$(journal_median .proof_ms_p99)" '<' 1
        target 'cpu, verify : sha256sum' "$(ratio 2 'understudy journal verify' 'sha256sum of the same files')" '<=' 1
}

# journal_median FILTER: of what bench_journal printed in each run.
journal_median() { jq "$1" "$work/journal.json" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

declare -A titles=(
        [verify]='Verify' [nothing]='Pull when nothing changed' [update]='Pull with 5 % of the files changed, over HTTP'
        [first]='First pull, over HTTP' [reflink]='Pull with 5 % changed: copy on ext4, reflink on XFS'
        [memory]='Memory to verify 1,000,000 files'
        [analyze]='Analyse 1,000,000 lines of an access log' [journal]='Journal: append, prove, verify' [analyze8]='Analyse 8,000,000 lines of an access log'
        [follow]='Follow an access log; ask a year of figures' [spread]='Spread 8,000,000 events over three ClickHouse servers' [gate]='Guard: what an open costs' [web]='Guard: what the web server loses'
        [heal]='Guard: from a write to the journal, and to a healed tree' [detect]='Guard: how soon a change is known, beside samhain and auditd' [start]='Guard: to start'
        [failover]='Failover, beside keepalived and ucarp' [planned]='Planned move with connections that stand, beside keepalived'
        [exposure]='Incident: who was served it, 10,000,000 lines' [timeline]='Incident: how it came, 1,000,000 rows of eight logs'
        [report]='Incident: from the finding to a complete draft of the report')
known=(verify nothing update first reflink memory analyze analyze8 follow spread journal gate web heal detect start failover planned exposure timeline report)
[[ $# -gt 0 ]] || set -- "${known[@]}"
for row in "$@"; do
        [[ -n ${titles[$row]:-} ]] || stop "there is no row $row; there are: ${known[*]}"
done
for row in "$@"; do
        row_begin "$row"
        "row_$row"
        document_put "$row" "${titles[$row]}"
        row_clean
done
