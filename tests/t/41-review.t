#!/bin/bash
# publish --review: what changed is shown, and a planted page is not signed unseen.
. "$(dirname "$0")/lib.sh"
need script

make_site "$tmp/src"
make_keys "$tmp/keys"
publish=("$tmp/src" --repo "$repo" --key "$key")
# Where there must be no terminal: setsid -w, whoever runs this test.

status_is 4 'without a terminal a review is refused' setsid -w "$UNDERSTUDY" publish "${publish[@]}" --site example --review
like 'with words that say what to do' "$(errors)" '--yes'
not_ok 'nothing was signed' test -e "$repo/releases/1"
status_is 0 'with --yes it is shown and signed' us publish "${publish[@]}" --site example --review --yes
like 'the first one is all new' "$(errors)" 'index\.php'

status_is 0 'nothing changed' us publish "${publish[@]}" --review --yes
like 'which is said' "$(errors)" 'No file differs'

# 6 July 2009: a page beside the program, and a changed template.
echo '<!doctype html><script src="http://malware.invalid/x.js"></script><form>Log in</form>' >"$tmp/src/index.html"
echo '<script src="//other.invalid/y.js"></script>' >>"$tmp/src/lib/templates/login.html"
rm "$tmp/src/docs/help.html"
status_is 4 'a planted page is not signed unseen' setsid -w "$UNDERSTUDY" publish "${publish[@]}" --review
shown=$(errors)
like 'the page that shadows the program is marked' "$shown" '!! index\.html: .*index\.php'
like 'the new host is named' "$shown" 'malware\.invalid'
like 'the template, too' "$shown" 'other\.invalid'
like 'what was removed is listed' "$shown" 'docs/help\.html'
not_ok 'release 3 was not made' test -e "$repo/releases/3"

# A person at a terminal.
run_answer()
{
        printf '%s\n' "$1" | script -qec "$UNDERSTUDY publish $tmp/src --repo $repo --key $key --review" /dev/null \
                >"$tmp/stdout" 2>"$tmp/stderr"
        status=$?
}
run_answer no
is 'no means no' "$status" 4
not_ok 'release 3 was still not made' test -e "$repo/releases/3"
run_answer ''
is 'return alone is no yes' "$status" 4
run_answer yes
is 'yes means yes' "$status" 0
ok 'release 3 was made' test -e "$repo/releases/3/release.json"

status_is 2 '--yes alone is wrong use' us publish "${publish[@]}" --yes
done_testing
