# shellcheck shell=bash
# states.sh - publish and pull as the crash, power-loss and fault tests see them: the state before, the command, what is
# whole, and what the next run must come to. Sourced after tests/t/lib.sh.
#
# Version 1 and 2 of a small site are $tmp/site1 and $tmp/site2; $tmp/repository1 holds release 1, $tmp/repository2 both.
# Everything that a command works on lies in one folder, PLACE. What is whole is found by find, sha256sum and minisign;
# our own code is only asked afterwards.

# state_site VERSION FOLDER: from 1 to 2 a page changes, one goes, one comes, a folder becomes a file, a mode and a link
# change, and most stays.
state_site()
{
        mkdir -p "$2"/{lib,img,odd}
        echo "<?php require 'lib/page.php'; // version $1" >"$2/index.php"
        echo '<?php function page() {}' >"$2/lib/page.php"
        head -c 70000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >"$2/img/photo.jpg"
        : >"$2/img/empty"
        echo line >"$2/odd/"$'new\nline'
        ln -s 'lib/page.php' "$2/link"
        if [[ $1 -eq 1 ]]; then
                echo gone >"$2/gone.html"
                mkdir "$2/turns" && echo below >"$2/turns/below"
        else
                echo new >"$2/new.html"
                echo 'was a folder' >"$2/turns"
                chmod 0600 "$2/img/empty"
                ln -sfn 'index.php' "$2/link"
        fi
        find "$2" -depth -exec touch -h -d '2009-01-05 09:00:00 UTC' {} +
}

# fingerprint FOLDER: type, mode, owner, target and content of everything in it.
fingerprint()
{
        (
                cd "$1" 2>/dev/null || { echo "no folder $1" && exit; }
                find . -printf '%p %y %m %U:%G %l\0' | LC_ALL=C sort -z
                find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum -z
        ) | sha256sum | cut -c 1-16
}

# states_init: the sites, the keys, the repositories.
states_init()
{
        state_site 1 "$tmp/site1"
        state_site 2 "$tmp/site2"
        genuine1=$(fingerprint "$tmp/site1")
        genuine2=$(fingerprint "$tmp/site2")
        "$UNDERSTUDY" keygen "$tmp/keys" --no-password >/dev/null &&
                "$UNDERSTUDY" publish "$tmp/site1" --repo "$tmp/repository1" --key "$key" --site example >/dev/null &&
                cp -a "$tmp/repository1" "$tmp/repository2" &&
                "$UNDERSTUDY" publish "$tmp/site2" --repo "$tmp/repository2" --key "$key" >/dev/null ||
                bail_out 'keygen and publish do not work'
}

wrong()
{
        echo "$*"
        return 1
}

# ---------------------------------------------------------------- publish: PLACE/repository goes from release 1 to 2

publish_before() { cp -a "$tmp/repository1" "$1/repository"; }
publish_command() { state_command=("$UNDERSTUDY" publish "$tmp/site2" --repo "$1/repository" --key "$key"); }

# repository_whole FOLDER: every release has its signatures, minisign accepts them, and the packs that it lists are there
# and are what their names say, with their indexes. (A pack that no release lists is harmless.)
repository_whole()
{
        local file id index

        for file in "$1"/releases/[0-9]*/*; do
                [[ $file == *.minisig || $file == *.zst || $file == *.from-* ]] && continue
                minisign -V -q -p "$pub" -m "$file" >/dev/null 2>&1 || wrong "minisign does not accept ${file#"$1"/}" || return
        done
        while read -r id index; do
                file=$1/packs/$id
                [[ $(sha256sum <"$file.pack") == "$id  -" ]] || wrong "$id.pack is not what its name says" || return
                [[ $(sha256sum <"$file.index") == "$index  -" ]] || wrong "$id.index is not the one that was signed" || return
        done < <(jq -r '.packs[] | .id + " " + .index' "$1"/releases/[0-9]*/release.json | sort -u)
}

# repository_gives FOLDER: the fingerprint of what a new stand-by gets from it.
repository_gives()
{
        rm -rf "$tmp/fresh"
        mkdir "$tmp/fresh"
        "$UNDERSTUDY" pull "$tmp/fresh/site" --repo "$1" --pub "$pub" --state "$tmp/fresh/state" --quiet >/dev/null &&
                fingerprint "$tmp/fresh/site"
}

# publish_examine PLACE [done]
publish_examine()
{
        local gives
        repository_whole "$1/repository" || return
        gives=$(repository_gives "$1/repository") || wrong "a new stand-by cannot be made: $gives" || return
        [[ $gives == "$genuine2" ]] && return
        [[ ${2:-} != 'done' ]] || wrong 'publish had ended, and the release is not there' || return
        [[ $gives == "$genuine1" ]] || wrong 'a new stand-by gets neither the old release nor the new one'
}

# publish_finish PLACE
publish_finish()
{
        local left said
        publish_command "$1"
        said=$("${state_command[@]}" 2>&1 >/dev/null) || wrong "publish: $said" || return
        left=$(find "$1/repository" -mindepth 1 \( -name '.*' -o -name '*.tmp' \) ! -name .lock)
        [[ -z $left ]] || wrong "left behind: $left" || return
        publish_examine "$1" 'done'
}

# ---------------------------------------------------------------- pull: PLACE/www/site, with its state in PLACE/state
#
# Three ways ($pull_way): `update` from release 1 to 2; `heal`, release 1 with a planted page to release 1; `first`, from
# nothing to release 2.

# pull_init PLACE: what pull_before copies; PLACE is the place where it will be used.
pull_init()
{
        local folder=$1
        rm -rf "$folder/www" "$folder/state" "$tmp/standby"
        mkdir -p "$folder/www" "$tmp/standby"
        if [[ $pull_way != first ]]; then
                run "$UNDERSTUDY" pull "$folder/www/site" --repo "$tmp/repository1" --pub "$pub" --state "$folder/state" --quiet
                [[ $status -eq 0 ]] || bail_out "the first pull ended in $status: $(errors)"
        fi
        if [[ $pull_way == heal ]]; then
                echo '<script src="http://malware.invalid/x.js"></script>' >"$folder/www/site/index.html"
                echo 'tampered' >>"$folder/www/site/lib/page.php"
                genuine_before=$(fingerprint "$folder/www/site") genuine_after=$genuine1
        else
                genuine_before=$(fingerprint "$folder/www/site") genuine_after=$genuine2
        fi
        mv "$folder/www" "$tmp/standby/www"
        [[ ! -e $folder/state ]] || mv "$folder/state" "$tmp/standby/state"
}

pull_before() { cp -a "$tmp/standby/." "$1"; }

pull_command()
{
        local from=$tmp/repository2
        [[ $pull_way != heal ]] || from=$tmp/repository1
        state_command=("$UNDERSTUDY" pull "$1/www/site" --repo "$from" --pub "$pub" --state "$1/state" --threads 1)
}

# What pull ends with when nothing disturbs it.
pull_status() { [[ $pull_way == heal ]] && echo 1 || echo 0; }

# pull_examine PLACE [done]
pull_examine()
{
        local is
        is=$(fingerprint "$1/www/site")
        [[ $is == "$genuine_after" ]] && return
        [[ ${2:-} != 'done' ]] || wrong 'pull had ended, and the release is not there' || return
        [[ $is == "$genuine_before" ]] || wrong "$pull_way: neither the old tree nor the new one is live"
}

# pull_finish PLACE; evidence of a genuine tree is wrong unless $evidence_expected is set
pull_finish()
{
        local left said status
        pull_command "$1"
        said=$("${state_command[@]}" 2>&1 >/dev/null)
        status=$?
        # Whoever pulls after a crash may find the tree healed already.
        [[ $status -eq 0 || ($pull_way == heal && $status -eq 1) ]] || wrong "pull ended in $status: $said" || return
        pull_examine "$1" 'done' || return
        left=$(find "$1/www" -mindepth 1 -maxdepth 1 ! -name site
                find "$1/state" \( -name '*.tmp' -o -name 'kept.next' \))
        [[ -z $left ]] || wrong "left behind: $left" || return
        said=$("$UNDERSTUDY" verify "$1/www/site" --pub "$pub" --state "$1/state" 2>&1) || wrong "verify: $said" || return
        left=$(find "$1/state" -path '*/evidence/*' -type f)
        if [[ $pull_way == heal ]]; then
                find "$1/state" -path '*/evidence/*' -type f -exec grep -qs malware.invalid {} + && return
                # With a fault in the copying the report says what is not there.
                [[ -n ${evidence_expected:-} ]] && find "$1/state" -path '*/evidence/*/report.json' -exec \
                        jq -e '.left_out.files > 0' {} + >/dev/null && return
                wrong 'the evidence is lost'
        else
                [[ -z $left || -n ${evidence_expected:-} ]] || wrong "evidence of nothing: $left"
        fi
}
