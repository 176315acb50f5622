#!/bin/bash
# A guard follows its releases while it runs: mutable areas and roots come, change their rules, and go.
. "$(dirname "$0")/lib.sh"
use guard
guard_place
make_site "$tmp/src"
make_repository
mkdir -p "$tmp/m/www/mutable"
make_standby
uploads=$tmp/m/www/mutable/uploads

# publish ARGUMENT...: the next release, pulled under guard.
publish()
{
        us publish "$tmp/src" --repo "$repo" --key "$key" "$@" || { fail 'publish' && output_diag; }
        us pull "$dest" --repo "$repo" --pub "$pub" "${pull[@]}" || { fail 'pull' && output_diag; }
}
pull=()
count() { kinds | grep -cx "$1"; }
eligible() { us status "$dest"; }

guard_start --repo "$repo"
mkdir "$uploads" && echo '<?php' >"$uploads/before.php"
sleep 0.3
is 'what is no area of this release is nobody'\''s business' "$(findings)" ''
ok 'and can be read' reads "$uploads/before.php"
rm "$uploads/before.php"

# ---------------------------------------------------------------- an area comes

mkdir "$tmp/src/uploads"
publish --mutable uploads=../mutable/uploads
ok 'a release brings a mutable area' test "$(readlink "$dest/uploads")" = ../mutable/uploads
ok 'the guard takes it up' wait_for 10 has_kind area_guarded
ok 'visitors may be sent here' wait_for 30 eligible
echo 'words' >"$uploads/words.txt"
ok 'what may be there can be read' reads "$dest/uploads/words.txt"
echo '<?php system(1);' >"$tmp/m/x.php" && mv "$tmp/m/x.php" "$uploads/x.php"
not_ok 'a program is refused' reads "$uploads/x.php"
ok 'found' wait_for 10 found x.php extra
gone() { [[ ! -e $1 ]]; }
ok 'and taken away' wait_for 10 gone "$uploads/x.php"
is 'its bytes are kept' "$(findings 'select(.path == "x.php") | .evidence' | tail -n 1)" "$(echo '<?php system(1);' | sha256sum | cut -d' ' -f1)"
mkdir "$uploads/2009" && sleep 0.3
echo '<script>' >"$uploads/2009/y.html"
ok 'in a folder that came later, too' wait_for 10 found 2009/y.html extra

# ---------------------------------------------------------------- its folder goes and comes

mv "$uploads" "$uploads.old" && mkdir "$uploads"
sleep 0.5
echo '<?php' >"$uploads/z.php"
ok 'a folder that was made anew is the area still' wait_for 10 found z.php extra
rm -rf "$uploads.old"

# ---------------------------------------------------------------- its rules change

wait_for 30 eligible
publish --mutable uploads=../mutable/uploads:html
echo '<p>a page' >"$uploads/page.html"
sleep 0.5
ok 'what the new release allows can be read' reads "$uploads/page.html"
not_ok 'and is not found' found page.html extra
echo '<?php' >"$uploads/code.php"
ok 'what it does not allow is found' wait_for 10 found code.php extra

# ---------------------------------------------------------------- it lies elsewhere now

mkdir "$tmp/m/www/mutable/avatars"
publish --mutable uploads=../mutable/avatars
ok 'the guard takes up the other one' wait_for 10 test "$(count area_guarded)" -ge 2
echo '<?php' >"$uploads/free.php"
echo '<?php' >"$tmp/m/www/mutable/avatars/evil.php"
ok 'what is forbidden there is found' wait_for 10 found evil.php extra
ok 'the old folder is nobody'\''s business any more' reads "$uploads/free.php"
not_ok 'nothing of it is found' found free.php extra

# ---------------------------------------------------------------- a root comes

mkdir "$tmp/conf" && echo 'server { listen 80; }' >"$tmp/conf/site.conf"
pull=(--root "nginx=$tmp/m/www/nginx")
publish --root "nginx=$tmp/conf"
ok 'a release brings a root, and the guard takes it up' wait_for 10 has_kind root_guarded
ok 'visitors may be sent here' wait_for 30 eligible
echo 'sub_filter evil' >"$tmp/m/www/nginx/evil.conf"
ok 'what is planted in it is found' wait_for 10 found evil.conf extra
ok 'healed' wait_for 30 gone "$tmp/m/www/nginx/evil.conf"
ok 'what is genuine in it can be read' reads "$tmp/m/www/nginx/site.conf"
ok 'visitors may be sent here again' wait_for 60 eligible

# ---------------------------------------------------------------- nothing is left behind

# A verifier that was replaced is taken leave of at the guard's next ping of the gate.
all_reaped() { ! ps -o stat= --ppid "$guard" | grep -q Z; }
ok 'no process that has ended waits for the guard' wait_for 5 all_reaped
guard_stop
is 'the guard ends well' $? 0
us journal verify
is 'the journal is whole' "$status" 0
done_testing
