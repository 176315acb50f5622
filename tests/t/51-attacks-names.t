#!/bin/bash
# Names that should not be there: what shadows a program, steers the server, or hides behind how it is spelled.
. "$(dirname "$0")/lib.sh"
use attacks
attacks_begin

extra() { echo "$planted" >docs/2008/e.html; }
attack 'an extra file' extra 'docs/2008/e.html extra'

shadow() { echo "<script src=//malware.invalid/x.js></script> $planted" >index.html && touch -d 2009-02-14 index.html; }
attack 'index.html beside index.php' shadow 'index.html extra'

htaccess() { echo "AddHandler application/x-httpd-php .gif # $planted" >img/.htaccess; }
attack 'an .htaccess' htaccess 'img/.htaccess extra'

user_ini() { echo "auto_prepend_file=/tmp/x # $planted" >.user.ini; }
attack 'a .user.ini' user_ini '.user.ini extra'

empty_file() { : >lib/.x; }
attack 'an empty hidden file' empty_file 'lib/.x extra'

folder() { mkdir -p upload/a/b && echo "$planted" >upload/a/b/shell.php; }
attack 'an extra folder' folder 'upload/ extra'

empty_folder() { mkdir docs/2009; }
attack 'an extra empty folder' empty_folder 'docs/2009/ extra'

neighbours() { mkdir docs-2008 && echo "$planted" >docs-2008/a && echo "$planted" >docs! && echo "$planted" >docs0; }
attack 'names that sort around a folder' neighbours 'docs-2008/ extra' 'docs! extra' 'docs0 extra'

upper_case() { echo "$planted" >Index.php; }
attack 'another letter case' upper_case 'Index.php extra'

newline() { echo "$planted" >$'docs/a\nb.html'; }
attack 'a newline in the name' newline 'docs/a\012b.html extra'

invalid_utf8() { echo "$planted" >$'docs/\xff\xc3.html'; }
attack 'a name that is no UTF-8' invalid_utf8 'docs/\377\303.html extra'

overlong_utf8() { echo "$planted" >$'docs/\xc0\xaf'; }
attack 'an overlong slash' overlong_utf8 'docs/\300\257 extra'

control() { echo "$planted" >$'docs/\e[2J\x7f' && echo "$planted" >$'docs/\xc2\x9b1m'; }
attack 'terminal sequences in names' control 'docs/\033[2J\177 extra' 'docs/\302\2331m extra'

backslash() { echo "$planted" >'docs/a\012b.html'; }
attack 'a backslash in the name' backslash 'docs/a\134012b.html extra'

trailing_space() { echo "$planted" >'index.php '; }
attack 'a trailing space' trailing_space 'index.php  extra'

leading_dash() { echo "$planted" >-rf && echo "$planted" >'--'; }
attack 'names like options' leading_dash '-rf extra' '-- extra'

pattern() { echo "$planted" >'*' && echo "$planted" >'[a]' && echo "$planted" >'#' && echo "$planted" >'a=b'; }
attack 'pattern letters' pattern '* extra' '[a] extra' '# extra' 'a=b extra'

longest=$(printf 'x%.0s' {1..255})
long() { echo "$planted" >"docs/$longest"; }
attack 'a name of 255 bytes' long "docs/$longest extra"

dots() { echo "$planted" >... && echo "$planted" >'. ' && echo "$planted" >'.. '; }
attack 'names of dots' dots '... extra' '.  extra' '..  extra'

ours() { mkdir .understudy.site && echo "$planted" >.understudy.site/x && echo "$planted" >.understudy; }
attack 'names like our own' ours '.understudy.site/ extra' '.understudy extra'

# Far deeper than a path may be long: 40 folders of 200 letters.
deep()
{
        local letters level
        letters=$(printf 'd%.0s' {1..200})
        mkdir deep && cd deep || return
        for ((level = 0; level < 40; level++)); do
                mkdir "$letters" && cd "$letters" || return
        done
        echo "$planted" >bottom
}
deep_tamper() { (deep); }
attack 'folders beyond the longest path' deep_tamper 'deep/ extra'

many() { mkdir many && (cd many && seq 1 3000 | xargs touch); }
attack 'three thousand extra files' many 'many/ extra'

done_testing
