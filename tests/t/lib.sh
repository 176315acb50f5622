# shellcheck shell=bash
# lib.sh - what the integration tests share. Each test is a bash script that speaks TAP and is run by prove:
#
#     #!/bin/bash
#     . "$(dirname "$0")/lib.sh"
#     use namespaces database          (labs and the like: files of lab/ and tests/support/)
#     make_site "$tmp/src"; make_keys "$tmp/keys"; make_repository; make_standby
#     status_is 0 'pull of a genuine stand-by' us pull "$dest" --repo "$repo" --pub "$pub"
#     json_is 'it is genuine' .before.genuine true
#     done_testing
#
# A test works in a folder of its own, "$tmp", on a file system that has leases, user xattrs and RENAME_EXCHANGE (never
# a tmpfs), and everything that it made there is taken down again when it ends, however it ends: mounts, immutable
# flags, namespaces (added with `cleanup_namespace`), background processes (added with `cleanup_process`).
#
# After each command run by `run`, `us` or `status_is`: $status, $tmp/stdout and $tmp/stderr.

set -u
export LC_ALL=C.UTF-8 LANGUAGE=
umask 022

tests_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_folder=$(cd "$tests_folder/../.." && pwd)
UNDERSTUDY=${UNDERSTUDY:-$source_folder/build/understudy}
# Helpers in C (tests/support, lab) are built beside the binary.
build_folder=$(cd "$(dirname "$UNDERSTUDY")" 2>/dev/null && pwd)

# use NAME...: what several tests share, tests/support/NAME.sh or lab/NAME.sh. They are sourced in this order; each says in
# its head what it needs before it.
use()
{
        local use_name
        for use_name; do
                if [[ -e $source_folder/tests/support/$use_name.sh ]]; then
                        . "$source_folder/tests/support/$use_name.sh"
                else
                        . "$source_folder/lab/$use_name.sh"
                fi
        done
}

# ---------------------------------------------------------------- TAP

test_count=0
test_failures=0

# TAP goes to the standard output that the test began with, so that `ok NAME command >file` hides
# only what the command prints.
exec {tap}>&1

diag() { printf '%s\n' "$*" | sed 's/^/# /' >&"$tap"; }

skip_all()
{
        echo "1..0 # SKIP $*"
        exit 0
}

# What the test needs is not there: this file has failed, and its plan is missing. Not TAP's own "Bail out!", behind which prove
# would not begin the other files.
bail_out()
{
        fail "$*"
        exit 255
}

# pass NAME / fail NAME
pass() { test_count=$((test_count + 1)) && echo "ok $test_count - $1" >&"$tap"; }
fail()
{
        test_count=$((test_count + 1))
        test_failures=$((test_failures + 1))
        echo "not ok $test_count - $1" >&"$tap"
        diag "  at ${BASH_SOURCE[-1]##*/} line ${BASH_LINENO[-2]}"
}

# ok NAME COMMAND...: the command succeeds.
ok()
{
        local name=$1
        shift
        if "$@"; then pass "$name"; else fail "$name" && diag "  failed: $*"; fi
}

# not_ok NAME COMMAND...: the command fails.
not_ok()
{
        local name=$1
        shift
        if "$@"; then fail "$name" && diag "  succeeded: $*"; else pass "$name"; fi
}

# is NAME GOT EXPECTED
is()
{
        if [[ $2 == "$3" ]]; then
                pass "$1"
        else
                fail "$1"
                diag "  expected: $3"
                diag "  got:      $2"
        fi
}

isnt()
{
        if [[ $2 != "$3" ]]; then pass "$1"; else fail "$1" && diag "  got: $2"; fi
}

# is_sanitized: the program has AddressSanitizer in it, so that its memory says little.
is_sanitized() { grep -q __asan_init "$UNDERSTUDY"; }

# like NAME TEXT REGEX (extended) / unlike
like()
{
        if [[ $2 =~ $3 ]]; then
                pass "$1"
        else
                fail "$1"
                diag "  not like: $3"
                diag "  got:      $2"
        fi
}

unlike()
{
        if [[ $2 =~ $3 ]]; then fail "$1" && diag "  like $3: $2"; else pass "$1"; fi
}

skip() { test_count=$((test_count + 1)) && echo "ok $test_count # SKIP $1" >&"$tap"; }

done_testing()
{
        echo "1..$test_count"
        [[ $test_failures -eq 0 ]] || diag "$test_failures of $test_count failed"
        exit $((test_failures > 0))
}

# ---------------------------------------------------------------- running things

# run COMMAND...: sets $status, keeps the output in $tmp/stdout and $tmp/stderr. Never fails itself.
run()
{
        "$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null
        status=$?
        return 0
}

# Understudy with a private state folder. By itself it ends with the command's status and prints nothing; see output().
us()
{
        run "$UNDERSTUDY" "$@"
        return "$status"
}

# status_is EXPECTED NAME COMMAND...: runs (also `us ...`) and compares the exit status.
status_is()
{
        local expected=$1 name=$2
        shift 2
        if [[ $1 == us ]]; then us "${@:2}"; else run "$@"; fi
        if [[ $status == "$expected" ]]; then
                pass "$name"
        else
                fail "$name"
                diag "  expected exit status $expected, got $status from: $*"
                output_diag
        fi
}

output() { cat "$tmp/stdout"; }
errors() { cat "$tmp/stderr"; }
output_diag()
{
        head -c 2000 "$tmp/stdout" | sed 's/^/#   stdout: /'
        head -c 2000 "$tmp/stderr" | sed 's/^/#   stderr: /'
}

# What the functions here read JSON with: gojq, which is jq's language and starts in a third of its time; they ask thousands
# of times. A test that wants jq itself (its --seq, its -S) calls jq.
json_reader=$(command -v gojq || command -v jq)

# json FILTER: of the last command's standard output.
json() { "$json_reader" -rc "$1" "$tmp/stdout" 2>&1; }

# json_is NAME FILTER EXPECTED
json_is()
{
        local got
        got=$(json "$2")
        if [[ $got == "$3" ]]; then
                pass "$1"
        else
                fail "$1"
                diag "  $2 expected: $3"
                diag "  $2 got:      $got"
                output_diag
        fi
}

# differs NAME PATH KIND [TOP]: the last command's JSON lists this difference (PATH as in the contract, with \ooo). TOP
# is where `differences` is found: "" (verify) or .before (pull).
differs()
{
        # (jq ends in 0 when it was given nothing.)
        if [[ -s $tmp/stdout ]] && "$json_reader" -e --arg path "$2" --arg kind "$3" \
                "${4:-.} | .differences | any(.path == \$path and .kind == \$kind)" "$tmp/stdout" >"$tmp/jq" 2>&1; then
                pass "$1"
        else
                fail "$1"
                diag "  no difference of kind $3 at $2"
                output_diag
        fi
}

need()
{
        local program
        for program; do
                command -v "$program" >/dev/null || skip_all "$program is not installed"
        done
}

need_root() { [[ $EUID -eq 0 ]] || skip_all 'needs root'; }

# ---------------------------------------------------------------- the test's folder, and leaving nothing behind

cleanup_processes=()
cleanup_namespaces=()
cleanup_process() { cleanup_processes+=("$@"); }
cleanup_namespace() { cleanup_namespaces+=("$@"); }

# unmount_below FOLDER: every mount below it, innermost first.
unmount_below()
{
        local target
        # shellcheck disable=SC2162
        tac /proc/self/mountinfo | cut -d' ' -f5 | while IFS= read -r target; do
                target=$(printf '%b' "${target//\\/\\0}")
                [[ $target == "$1"/* ]] && umount -l -- "$target"
        done
        return 0
}

# What is left of a test folder; also for those of tests that were killed.
remove_folder()
{
        [[ $1 == */us-test.* && -d $1 ]] || return 0
        unmount_below "$1"
        chattr -f -R -i -a "$1" >/dev/null 2>&1
        rm -rf --one-file-system -- "$1"
}

cleanup()
{
        local status=$? one
        trap - EXIT INT TERM HUP
        for one in "${cleanup_processes[@]}"; do
                kill -KILL "$one" 2>/dev/null && wait "$one" 2>/dev/null
        done
        for one in "${cleanup_namespaces[@]}"; do
                ip netns pids "$one" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
                ip netns del "$one" 2>/dev/null
        done
        cd /
        remove_folder "$tmp"
        exit "$status"
}

# Big enough, has leases, and is no tmpfs.
file_system_fits()
{
        [[ -d $1 && -w $1 ]] || return 1
        case $(stat -f -c %T "$1") in
        tmpfs | ramfs | overlayfs | nfs | fuseblk) return 1 ;;
        esac
}

remove_leftovers()
{
        local folder pid
        for folder in "$1"/us-test.*; do
                [[ -d $folder ]] || continue
                pid=$(cat "$folder/.pid" 2>/dev/null) || continue
                [[ -n $pid && ! -d /proc/$pid ]] && remove_folder "$folder"
        done
}

make_tmp()
{
        local place
        for place in "${UNDERSTUDY_TEST_TMPDIR:-}" "${TMPDIR:-}" /var/tmp "$build_folder" "$source_folder"; do
                [[ -n $place ]] && file_system_fits "$place" && break
                place=
        done
        [[ -n $place ]] || skip_all 'no folder on a real file system (set UNDERSTUDY_TEST_TMPDIR)'
        remove_leftovers "$place"
        tmp=$(mktemp -d "$place/us-test.XXXXXX") || bail_out "cannot make a folder in $place"
        chmod 0755 "$tmp"
        echo $$ >"$tmp/.pid"
        trap cleanup EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
        export UNDERSTUDY_STATE=$tmp/state
}

tmp=
status=
[[ -x $UNDERSTUDY ]] || bail_out "$UNDERSTUDY is not there: build first, or set UNDERSTUDY"
export UNDERSTUDY
make_tmp
repo=$tmp/repo
dest=$tmp/www/site
# shellcheck disable=SC2034 # for the tests
state=$UNDERSTUDY_STATE
pub=$tmp/keys/release.pub
key=$tmp/keys/release.key

# ---------------------------------------------------------------- sites, keys, repositories, stand-bys

# make_site FOLDER: a small site as a person would have it: a program with its template, pages, a style sheet, images, a
# link, an empty folder, and names that are legal and odd. Everything is old (2009-01-05), as a site that nobody touches.
make_site()
{
        local site=$1 name
        mkdir -p "$site"/{css,img,lib/templates,docs/2008,empty,'with space'} || return
        cat >"$site/index.php" <<'END'
<?php
require __DIR__ . '/lib/page.php';
page('login', ['title' => 'Control panel', 'heading' => 'Log in']);
END
        cat >"$site/lib/page.php" <<'END'
<?php
function page(string $template, array $words): void
{
    $text = file_get_contents(__DIR__ . "/templates/$template.html");
    foreach ($words as $name => $word) {
        $text = str_replace("{{$name}}", htmlspecialchars($word), $text);
    }
    echo $text;
}
END
        cat >"$site/lib/templates/login.html" <<'END'
<!doctype html>
<title>{title}</title>
<link rel="stylesheet" href="/css/site.css">
<h1>{heading}</h1>
<form method="post"><input name="user"><input name="password" type="password"><button>Log in</button></form>
END
        echo 'body { font-family: sans-serif; color: #223; }' >"$site/css/site.css"
        echo '<!doctype html><title>Help</title><p>How to use the control panel.' >"$site/docs/help.html"
        for name in a b c d; do echo "<!doctype html><title>$name</title><p>Report $name." >"$site/docs/2008/$name.html"; done
        # The smallest GIF that is one, and something large enough to have several blocks.
        printf 'GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377!\371\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;' >"$site/img/dot.gif"
        head -c 300000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >"$site/img/photo.jpg"
        : >"$site/img/empty"
        echo 'a name with a space' >"$site/with space/a file"
        echo 'pattern letters' >"$site/docs/what[1]*?.txt"
        echo 'hash and equals' >"$site/docs/#a=b"
        echo 'Japanese name' >"$site/docs/ご案内.txt"
        echo 'sorts between' >"$site/docs.txt"
        echo 'sorts before' >"$site/docs-old"
        ln -s docs/help.html "$site/help"
        printf '#!/bin/sh\necho cron\n' >"$site/lib/cron.sh"
        chmod 0755 "$site/lib/cron.sh"
        chmod 0640 "$site/lib/page.php"
        find "$site" -depth -exec touch -h -d '2009-01-05 09:00:00 UTC' {} +
}

# make_keys FOLDER [ROLE...]: without passwords; release when no role is said.
make_keys()
{
        local folder=$1 role
        shift
        mkdir -p "$folder"
        for role in "${@:-release}"; do
                us keygen "$folder" --role "$role" --no-password || { fail "keygen $role" && output_diag; }
        done
}

# make_repository [SRC]: release 1 of SRC ($tmp/src) in $repo, signed by $key.
make_repository()
{
        [[ -f $key ]] || make_keys "${key%/*}"
        us publish "${1:-$tmp/src}" --repo "$repo" --key "$key" --site example || { fail 'publish' && output_diag; }
}

# make_standby: $dest, pulled and genuine.
make_standby()
{
        mkdir -p "${dest%/*}"
        us pull "$dest" --repo "$repo" --pub "$pub" || { fail 'first pull' && output_diag; }
}

# snapshot FOLDER: all that there is to know about a tree but its times, found without our code; equal text is an equal
# tree. Of the flags those that steer what may be done to a file: immutable and append-only.
snapshot()
{
        (
                cd "$1" || exit
                find . -printf '%y %m %U:%G %n %P -> %l\0' | LC_ALL=C sort -z | tr '\0' '\n'
                find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z | tr '\0' '\n'
                find . -print0 | LC_ALL=C sort -z | xargs -0r getfattr -h -d -m - -e hex -- 2>&1
                find . \( -type f -o -type d \) -print0 | LC_ALL=C sort -z | xargs -0r lsattr -d -- 2>&1 |
                        awk '{ flags = ($1 ~ /i/ ? "i" : "") ($1 ~ /a/ ? "a" : ""); sub(/^[^ ]* /, ""); if (flags) print flags, $0 }'
        )
}

# times FOLDER: of its files.
times() { (cd "$1" && find . -type f -printf '%P %T@\0' | LC_ALL=C sort -z | tr '\0' '\n'); }

# mtree_agrees FOLDER MANIFEST: NetBSD's mtree has nothing to say (times apart).
mtree_agrees()
{
        local said
        said=$(mtree -C -R time -K sha256 -f "$2" | mtree -p "$1" 2>&1)
        [[ -z $said ]] || { diag "mtree: $said" && return 1; }
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for()
{
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [[ $SECONDS -lt $end ]] || return 1
                sleep 0.05
        done
}
