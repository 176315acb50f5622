# shellcheck shell=bash
# attacks.sh - one attack on a stand-by, from the tampering to the second pull; sourced behind lib.sh.
#
#     attacks_begin                    a site, its release, and a stand-by that has it
#     tamper() { echo bad >index.php; }
#     attack 'a newer page' tamper 'index.php content'
#
# Each attack begins with a genuine stand-by. The tampering is a function, run in the docroot. Behind it stands what must
# be reported, all of it and nothing else, as 'PATH KIND' (PATH as in the JSON contract).
# What the function writes with the word $planted in it must be found again in the evidence.

planted='planted-by-an-intruder'

# What is there, found without our code; times of folders say nothing.
whole() { snapshot "$1"; }

attacks_begin()
{
        need_root
        need mtree jq getfattr lsattr
        make_site "$tmp/src"
        make_repository
        make_standby
        manifest=$repo/releases/1/manifest.mtree
        whole "$tmp/src" >"$tmp/genuine"
        times "$dest" >"$tmp/genuine-times"
        is 'the stand-by is a copy to begin with' "$(whole "$dest" | diff "$tmp/genuine" - 2>&1)" ''
}

# Whether the stand-by was found exact and nobody has touched it since.
standby_exact=

# exact NAME: by our own comparison of everything with the source, and by mtree.
exact()
{
        whole "$dest" >"$tmp/now"
        times "$dest" >"$tmp/now-times"
        if ! diff "$tmp/genuine" "$tmp/now" >"$tmp/diff" || ! diff "$tmp/genuine-times" "$tmp/now-times" >>"$tmp/diff"; then
                fail "$1"
                diag "$(head -20 "$tmp/diff")"
        elif ! mtree_agrees "$dest" "$manifest"; then
                fail "$1"
        else
                pass "$1"
                standby_exact=yes
        fi
}

# differences_are NAME FILTER PATH-KIND...: the list that FILTER gives is this, in any order.
differences_are()
{
        local name=$1 filter=$2 expected got
        shift 2
        expected=$(printf '%s\n' "$@" | LC_ALL=C sort)
        got=$("$json_reader" -r "$filter | .[] | .path + \" \" + .kind" "$tmp/stdout" 2>&1 | LC_ALL=C sort)
        is "$name" "$got" "$expected"
}

# When an attack was not survived, the next one starts from a stand-by that was made anew, by hand.
restart_standby()
{
        whole "$dest" 2>/dev/null | cmp -s "$tmp/genuine" - && [[ ! -e ${dest%/*}/.understudy.${dest##*/} ]] && return
        unmount_below "${dest%/*}"
        chattr -f -R -i -a "${dest%/*}" "$state"
        rm -rf --one-file-system "${dest%/*}" "$state"
        make_standby
}

attack()
{
        local name=$1 tamper=$2 evidence
        shift 2
        [[ -n $standby_exact ]] || restart_standby
        standby_exact=
        if ! (cd "$dest" && "$tamper") >"$tmp/tamper" 2>&1; then
                fail "$name: tampered"
                diag "$(cat "$tmp/tamper")"
                return
        fi

        status_is 1 "$name: verify says that it differs" us verify "$dest" --pub "$pub" --json
        json_is "$name: not genuine" .genuine false
        differences_are "$name: path and kind" .differences "$@"

        status_is 1 "$name: pull heals it" us pull "$dest" --repo "$repo" --pub "$pub" --json
        differences_are "$name: pull says the same" .before.differences "$@"
        evidence=$(json .evidence)
        ok "$name: evidence is kept" test -d "$evidence"
        if declare -f "$tamper" | grep -qF planted; then
                ok "$name: what was planted is in it" grep -rqF "$planted" "$evidence"
        fi

        status_is 0 "$name: genuine again" us verify "$dest" --pub "$pub" --json
        exact "$name: exact"
        is "$name: nothing is left beside it" "$(ls -A "${dest%/*}")" "${dest##*/}"
        status_is 0 "$name: nothing for a second pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
        json_is "$name: and nothing was exchanged" .changed false
}
