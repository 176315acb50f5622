#!/bin/bash
# Bytes that are not those of the release: in 2009 a changed template, newer than the real one.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin

newer() { echo "<p>$planted" >>lib/templates/login.html; }
attack 'a newer template' newer 'lib/templates/login.html content'

older() { echo "<p>$planted" >>lib/templates/login.html && touch -d 2001-01-01 lib/templates/login.html; }
attack 'an older template' older 'lib/templates/login.html content'

same_size_and_time()
{
        local size
        size=$(stat -c %s docs/help.html)
        touch -r docs/help.html "$tmp/reference"
        printf '%-*s\n' $((size - 1)) "$planted" >docs/help.html && touch -r "$tmp/reference" docs/help.html
        [[ $(stat -c %s docs/help.html) == "$size" ]]
}
attack 'same size, same time' same_size_and_time 'docs/help.html content'

last_byte_of_large() { printf '\0' | dd of=img/photo.jpg bs=1 seek=299999 conv=notrunc status=none; }
attack 'the last byte of a large file' last_byte_of_large 'img/photo.jpg content'

middle_of_large() { printf %s "$planted" | dd of=img/photo.jpg bs=1 seek=131070 conv=notrunc status=none; }
attack 'across a block in the middle of a large file' middle_of_large 'img/photo.jpg content'

cut() { : >index.php; }
attack 'cut to nothing' cut 'index.php content'

grown() { printf '\n' >>css/site.css; }
attack 'one empty line more' grown 'css/site.css content'

filled() { echo "$planted" >img/empty; }
attack 'an empty file filled' filled 'img/empty content'

hole() { truncate -s 0 img/photo.jpg && truncate -s 300000 img/photo.jpg; }
attack 'a hole of the same size' hole 'img/photo.jpg content'

swapped() { mv docs/2008/a.html "$tmp/a" && mv docs/2008/b.html docs/2008/a.html && mv "$tmp/a" docs/2008/b.html; }
attack 'two genuine files swapped' swapped 'docs/2008/a.html content' 'docs/2008/b.html content'

older_genuine() { cp -p docs/2008/c.html docs/2008/d.html; }
attack 'another genuine file in its place' older_genuine 'docs/2008/d.html content'

removed() { rm lib/page.php; }
attack 'a file removed' removed 'lib/page.php missing'

folder_removed() { rm -r docs/2008; }
attack 'a folder removed' folder_removed 'docs/2008 missing'

empty_folder_removed() { rmdir empty; }
attack 'an empty folder removed' empty_folder_removed 'empty missing'

link_removed() { rm help; }
attack 'a link removed' link_removed 'help missing'

everything_removed() { find . -mindepth 1 -delete; }
attack 'everything removed' everything_removed 'css missing' 'docs missing' 'docs.txt missing' 'docs-old missing' \
        'empty missing' 'help missing' 'img missing' 'index.php missing' 'lib missing' 'with space missing'

at_once()
{
        echo "<?php // $planted" >>index.php && echo "$planted" >>css/site.css && rm docs/help.html && echo >new.html
}
attack 'several at once' at_once 'index.php content' 'css/site.css content' 'docs/help.html missing' 'new.html extra'

times_only() { find . -exec touch -h -d 2020-02-02 {} +; }
(cd "$dest" && times_only)
status_is 0 'changed times alone are no difference' us verify "$dest" --pub "$pub" --json
json_is 'and none is listed' .differences '[]'

done_testing
