#!/bin/bash
# The real mtree agrees with what publish writes: `mtree -p` says nothing of a tree that is the release, and names what
# is not.
. "$(dirname "$0")/lib.sh"
need mtree

make_site "$tmp/src"
make_keys "$tmp/keys"
# Names that mtree could take for something else, and links to odd places.
(
        cd "$tmp/src" && mkdir -p names/'*?[]\#=' names/$'\xff\xfe' || exit 1
        for name in $'new\nline' ' ' 'tail ' '\' 'a\b' '[a-z]' '*' 'x?y' '#' '=' $'\x80' 'ä' '-rf' '..a' '~' 'type=file' \
                "$(printf '%0255d' 0)" 'names*\and more'; do
                echo "$name" >"names/$name" && echo "$name" >"names/"'*?[]\#='"/$name" || exit 1
        done
        ln -s 'no where [*]\ #=' names/link && ln -s $'\xff' names/link2 && chmod 2755 names && chmod 0600 names/-rf
) || bail_out 'cannot make the names'
status_is 0 'publish' us publish "$tmp/src" --repo "$repo" --key "$key" --site example

# What mtree says, times apart.
mtree_says() { mtree -C -R time -K sha256 -f "$repo/releases/1/manifest.mtree" | mtree -p "$1" 2>&1; }

is 'mtree agrees with the source' "$(mtree_says "$tmp/src")" ''
mkdir -p "$(dirname "$dest")"
status_is 0 'pull' us pull "$dest" --repo "$repo" --pub "$pub"
is 'mtree agrees with what was pulled' "$(mtree_says "$dest")" ''
is 'times, too' "$(mtree -p "$dest" -f "$repo/releases/1/manifest.mtree" 2>&1)" ''
status_is 0 'so does verify' us verify "$dest" --pub "$pub"

echo changed >"$dest/names/*"
echo extra >"$dest/names/[b]"
rm "$dest/names/link"
said=$(mtree_says "$dest")
like 'mtree sees a changed file' "$said" 'sha256'
like 'an extra one' "$said" 'extra: names/\[b\]'
like 'a missing one' "$said" 'missing: .*names/link'
status_is 1 'so does verify' us verify "$dest" --pub "$pub" --json
differs 'content' 'names/*' content
differs 'extra' 'names/[b]' extra
differs 'missing' 'names/link' missing
done_testing
