#!/bin/bash
# Another tree is put in the place of the one under guard without a name in it, or in the folder above it, being touched: a
# folder further up is moved away, or becomes a link to somewhere else. And what was found once is a finding again when it
# comes back.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
make_site "$tmp/src"
make_repository
home=$tmp/m/home
mkdir -p "$home/www" "$tmp/m/evil/site"
dest=$home/www/site
make_standby
echo planted >"$tmp/m/evil/site/login.html"
cp -a "$dest/." "$tmp/m/evil/site/"
echo evil >"$tmp/m/evil/site/index.php"

genuine() { us verify "$dest" --pub "$pub"; }
eligible() { us status "$dest"; }
count() { findings 'select(.path == ".") | select(.differences | index("type"))' | wc -l; }
more() { [[ $(count) -gt $before ]]; }
refused() { ! reads "$dest/index.php"; }

# away HOW: what the owner of the folder `home` can do with the folder `www` in it.
away()
{
        before=$(count)
        case $1 in
        link) mv "$home/www" "$home/old" && ln -s "$tmp/m/evil" "$home/www" ;;
        itself) mv "$dest" "$home/old" && ln -s "$tmp/m/evil/site" "$dest" ;;
        folder) cp -a "$tmp/m/evil" "$home/new" && mv "$home/www" "$home/old" && mv "$home/new" "$home/www" ;;
        further) mkdir "$tmp/m/new" && cp -a "$tmp/m/evil" "$tmp/m/new/www" && mv "$home" "$tmp/m/old" && mv "$tmp/m/new" "$home" ;;
        esac
}
back()
{
        case $1 in
        link) rm "$home/www" && mv "$home/old" "$home/www" ;;
        itself) rm "$dest" && mv "$home/old" "$dest" ;;
        folder) rm -r "$home/www" && mv "$home/old" "$home/www" ;;
        further) rm -r "$home" && mv "$tmp/m/old" "$home" ;;
        esac
}

for mode in observe refuse; do
        for how in link itself folder further; do
                us pull "$dest" --repo "$repo" --pub "$pub"
                guard_start --mode "$mode"
                away "$how"
                ok "$mode, $how: found" wait_for 10 more
                not_ok "$mode, $how: visitors may not be sent here" eligible
                [[ $mode == observe ]] || ok "$mode, $how: what was planted is refused" wait_for 5 refused
                [[ $mode == observe ]] || not_ok "$mode, $how: a name that the release has not, too" reads "$dest/login.html"
                [[ $mode == observe ]] || ok "$mode, $how: what is genuine can be read" reads "$dest/docs/help.html"
                back "$how"
                guard_stop
        done
done

us pull "$dest" --repo "$repo" --pub "$pub"
guard_start --repo "$repo"
away link
ok 'heal: found' wait_for 10 more
ok 'heal: where the path leads now the release stands' wait_for 60 genuine
ok 'heal: visitors may be sent here' wait_for 60 eligible
is 'heal: and not into the other tree' "$(cat "$dest/index.php")" "$(cat "$tmp/src/index.php")"
guard_stop
back link

us pull "$dest" --repo "$repo" --pub "$pub"
guard_start --mode observe
before=$(count)
mount --bind "$tmp/m/evil" "$home/www"
ok 'a mount over a folder further up is found' wait_for 10 more
guard_stop
umount "$home/www"

# ---------------------------------------------------------------- the same once more

us pull "$dest" --repo "$repo" --pub "$pub"
for mode in observe refuse; do
        guard_start --mode "$mode"
        planted() { findings 'select(.path == ".htaccess")' | wc -l; }
        more_planted() { [[ $(planted) -gt $before ]]; }
        examined() { kinds | grep -cx examined; }
        more_examined() { [[ $(examined) -gt $compared ]]; }
        before=$(planted)
        echo planted 2>/dev/null >"$dest/.htaccess"
        ok "$mode: found" wait_for 10 more_planted
        rm "$dest/.htaccess"
        us verify "$dest" --pub "$pub"
        compared=$(examined)
        kill -HUP "$guard"
        ok "$mode: compared, nothing differs" wait_for 20 more_examined
        ok "$mode: visitors may be sent here" wait_for 20 eligible
        before=$(planted)
        echo planted 2>/dev/null >"$dest/.htaccess"
        ok "$mode: the same file once more is a finding once more" wait_for 10 more_planted
        not_ok "$mode: visitors may not be sent here" eligible
        guard_stop
        not_ok "$mode: nor when no guard runs any more" eligible
        rm "$dest/.htaccess"
        us verify "$dest" --pub "$pub"
done
done_testing
