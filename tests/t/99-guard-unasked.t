#!/bin/bash
# A comparison reads every file under a closed gate, and the gate is not asked once for each: it reads through a mount of
# its own. What that must not change: everybody else is asked, what was mounted over a folder is seen, and nothing of it
# is left when the guard ends.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
export UNDERSTUDY_STATE=$tmp/m/state
files=600
make_site "$tmp/src"
for ((i = 0; i < files; i++)); do echo "page $i" >"$tmp/src/css/$i.html"; done
make_repository
mkdir -p "$tmp/m/www"
make_standby

gate_says() { "$UNDERSTUDY" status "$dest" --json 2>/dev/null | jq ".trees[0].guard.gate.$1"; }
remembers() { [[ $(gate_says remembered) -ge $1 ]]; }
times() { findings "select(.path == \"$1\")" | wc -l; }
more_than() { [[ $(times "$2") -gt $1 ]]; }
mounts_of() { grep -c " $tmp/m\| - ext4 $disk " "/proc/$1/mountinfo"; }
disk=$(findmnt -no SOURCE "$tmp/m")
before=$(mounts_of self)

# A tmpfs knows no question before reads.
home=$dest
mkdir -p "$tmp/tmpfs"
mount -t tmpfs tmpfs "$tmp/tmpfs" || bail_out 'mount tmpfs'
for place in "never $tmp/m" "always $tmp/m" "auto $tmp/tmpfs"; do
        reads=${place%% *} m=${place#* } dest=${place#* }/www/site
        [[ $m == "$tmp/m" ]] || { mkdir "$m/www" && us pull "$dest" --pub "$pub" --repo "$repo"; }
        guard_start --mode refuse --reads "$reads"
        # The gate tells its counts four times a second.
        ok "--reads $reads: what was compared is known to the gate" wait_for 10 remembers "$files"
        sleep 0.6
        asked=$(gate_says allowed)
        ok "--reads $reads: $files files were compared and $asked opens were asked about" test "$asked" -lt $((files / 4))
        is "the guard's mount is in no namespace's table" "$(mounts_of "$guard")" "$before"

        # Everybody else is asked, also while a comparison runs.
        echo planted >"$m/planted"
        mv "$m/planted" "$dest/css/7.html"
        kill -HUP "$guard"
        not_ok "--reads $reads: a planted page is refused" reads "$dest/css/7.html"
        ok "--reads $reads: and told" wait_for 20 found css/7.html content
        ok "--reads $reads: a genuine one is not" reads "$dest/css/8.html"
        echo 'page 7' >"$m/genuine"
        touch -r "$tmp/src/css/7.html" "$m/genuine"
        mv "$m/genuine" "$dest/css/7.html"
        guard_stop
done
dest=$home

# ---------------------------------------------------------------- mounted over

mkdir "$tmp/m/other"
cp -a "$dest/css/." "$tmp/m/other"
echo planted >"$tmp/m/other/9.html"
guard_start --mode refuse
mount --bind "$tmp/m/other" "$dest/css"
ok 'what is mounted over a folder while the guard runs is told' wait_for 20 found css mount
guard_stop
told=$(times css)
guard_start --mode refuse
ok 'a guard that is started over it tells it, too' wait_for 20 more_than "$told" css
umount "$dest/css"
clean() { [[ $("$UNDERSTUDY" status "$dest" --json 2>/dev/null | jq .trees[0].guard.clean) == true ]]; }
ok 'without it all is genuine again' wait_for 20 clean
guard_stop

ok 'nothing holds the file system when the guard has ended' wait_for 10 umount "$tmp/m"
done_testing
