#!/bin/bash
# Where the application itself writes: not compared with anything, and still no place from which an intruder can act.
. "$(dirname "$0")/lib.sh"
use attacks
need_root

make_site "$tmp/src"
mkdir "$tmp/src/uploads" "$tmp/src/cache"
make_keys "$tmp/keys"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example --mutable uploads=../mutable/uploads --ignore cache ||
        { fail 'publish with a mutable area and an ignored path' && output_diag; }
make_standby
area=$tmp/www/mutable/uploads
mkdir -p "$area" "$dest/cache"
ok 'the release has a link to the area' test "$(readlink "$dest/uploads")" = ../mutable/uploads
status_is 0 'genuine with both empty' us verify "$dest" --pub "$pub" --json

mkdir "$area/2009" && cp "$tmp/src/img/dot.gif" "$area/2009/" && echo words >"$dest/cache/a.txt"
status_is 0 'genuine with what may be there' us verify "$dest" --pub "$pub" --json
status_is 0 'and nothing for pull' us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'uploads are still there' test -f "$area/2009/dot.gif" -a -f "$dest/cache/a.txt"

# breach NAME FILE COMMAND...: is found below the area and below the ignored path, and never called genuine.
breach()
{
        local name=$1 file=$2 place prefix
        shift 2
        for place in "$area" "$dest/cache"; do
                [[ $place == "$area" ]] && prefix=uploads || prefix=cache
                (cd "$place" && "$@") || fail "$name: made in $prefix"
                status_is 1 "$name in $prefix" us verify "$dest" --pub "$pub" --json
                differs "$name in $prefix: named" "$prefix/$file" extra
                (cd "$place" && rm -rf -- "${file%/}")
        done
}

words() { echo "$2" >"$1"; }
breach 'a PHP file' x.php words x.php '<?php echo 1;'
breach 'a PHP file in capitals' X.PhP5 words X.PhP5 '<?php echo 1;'
breach 'PHP before another extension' x.php.jpg words x.php.jpg 'no code'
breach 'PHP in a picture' x.gif words x.gif 'GIF89a<?php system($_GET[0]); ?>'
breach 'HTML' x.html words x.html '<p>'
breach 'HTML under no name' x words x '<!doctype html><script src=//malware.invalid/x.js></script>'
breach 'SVG' x.svg words x.svg '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
breach 'script' x.js words x.js 'alert(1)'
breach '.htaccess' .htaccess words .htaccess 'AddType application/x-httpd-php .gif'
breach '.user.ini' .user.ini words .user.ini 'auto_prepend_file=x.gif'
executable() { words x.txt text && chmod 0755 x.txt; }
breach 'an execute bit' x.txt executable
setuid() { words x.txt text && chmod 4644 x.txt; }
breach 'setuid' x.txt setuid
breach 'a symlink' link ln -s /etc link
breach 'a FIFO' pipe mkfifo pipe
breach 'a device' zero mknod zero c 1 5

# Pull says the same, and does not throw away what the application wrote.
echo '<?php' >"$area/x.php"
echo '<?php' >"$dest/cache/x.php"
us pull "$dest" --repo "$repo" --pub "$pub" --json
differs 'pull names it in the area' uploads/x.php extra .before
differs 'pull names it in the ignored path' cache/x.php extra .before
ok 'uploads are kept' test -f "$area/2009/dot.gif"
ok 'the cache is carried over' test -f "$dest/cache/a.txt"
not_ok 'but not what breaks the rules' test -e "$dest/cache/x.php"

# Nor can he keep a pull from healing the rest with a file that seems to need more room than there is.
echo "$planted" >"$dest/index.php"
truncate -s 8T "$dest/cache/large.bin"
echo 'the end' >>"$dest/cache/large.bin"
status_is 1 'an ignored file of 8 TB: healed' us pull "$dest" --repo "$repo" --pub "$pub" --json
is 'an ignored file of 8 TB: carried over' "$(stat -c %s "$dest/cache/large.bin") $(tail -c 8 "$dest/cache/large.bin")" \
        '8796093022216 the end'
ok 'an ignored file of 8 TB: as small as it was' test "$(stat -c %b "$dest/cache/large.bin")" -lt 100
rm "$dest/cache/large.bin"

# The link itself is part of the release.
ln -sfn /tmp "$dest/uploads"
status_is 1 'the area leads elsewhere' us verify "$dest" --pub "$pub" --json
differs 'the area leads elsewhere: named' uploads link

done_testing
