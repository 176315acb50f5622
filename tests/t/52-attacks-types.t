#!/bin/bash
# Something else in the place of a file or folder. What a link leads to is never touched.
. "$(dirname "$0")/lib.sh"
use attacks
need perl mkfifo mknod
attacks_begin

outside=$tmp/outside
mkdir -p "$outside/2008"
echo "$planted" >"$outside/page.html"
cp -a "$tmp/src/docs/2008/." "$outside/2008/"
whole "$outside" >"$tmp/outside-before"
outside_untouched() { is "$1: what lies outside is untouched" "$(whole "$outside" | diff "$tmp/outside-before" -)" ''; }

folder_to_link() { rm -r docs/2008 && ln -s "$outside/2008" docs/2008; }
attack 'a folder is a symlink to its copy elsewhere' folder_to_link 'docs/2008 type'
outside_untouched 'folder to symlink'

folder_to_inside_link() { mv docs/2008 "docs/2008 " && ln -s '2008 ' docs/2008; }
attack 'a folder is a symlink to itself under another name' folder_to_inside_link 'docs/2008 type' 'docs/2008 / extra'

file_to_link() { ln -sf "$outside/page.html" docs/help.html; }
attack 'a file is a symlink' file_to_link 'docs/help.html type'
outside_untouched 'file to symlink'

file_to_twin_link() { mv docs/help.html docs/.help.html && ln -s .help.html docs/help.html; }
attack 'a file is a symlink to its own bytes' file_to_twin_link 'docs/help.html type' 'docs/.help.html extra'

link_elsewhere() { ln -sfn "$outside/page.html" help; }
attack 'a symlink leads elsewhere' link_elsewhere 'help link'

link_to_file() { rm help && echo "$planted" >help; }
attack 'a symlink is a file' link_to_file 'help type'

link_loop() { ln -sfn help help; }
attack 'a symlink leads to itself' link_loop 'help link'

extra_link() { ln -s / root && ln -s "$outside" docs/up; }
attack 'extra symlinks' extra_link 'root extra' 'docs/up extra'
outside_untouched 'extra symlinks'

hard_link_inside() { ln -f docs/2008/a.html docs/2008/b.html; }
attack 'a file is a hard link to another' hard_link_inside \
        'docs/2008/a.html hardlink' 'docs/2008/b.html content' 'docs/2008/b.html hardlink'

hard_link_outside() { ln index.php "$outside/door"; }
rm -f "$outside/door"
attack 'a hard link from outside' hard_link_outside 'index.php hardlink'
echo "$planted" >>"$outside/door"
status_is 0 'and what is written through it reaches nobody' us verify "$dest" --pub "$pub" --json
rm -f "$outside/door"

fifo() { rm index.php && mkfifo -m 644 index.php; }
attack 'a file is a FIFO' fifo 'index.php type'

socket() { rm index.php && perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "index.php", Listen => 1) or die'; }
attack 'a file is a socket' socket 'index.php type'

character_device() { rm index.php && mknod -m 644 index.php c 1 5; }
attack 'a file is a character device (that never ends)' character_device 'index.php type'

block_device() { rm index.php && mknod -m 644 index.php b 7 200; }
attack 'a file is a block device' block_device 'index.php type'

extra_special()
{
        mkfifo docs/pipe && mknod docs/zero c 1 5 && mknod docs/loop b 7 200 &&
                perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "docs/sock", Listen => 1) or die'
}
attack 'extra FIFO, devices, socket' extra_special 'docs/pipe extra' 'docs/zero extra' 'docs/loop extra' 'docs/sock extra'

file_to_folder() { rm index.php && mkdir index.php && echo "$planted" >index.php/index.html; }
attack 'a file is a folder' file_to_folder 'index.php type'

folder_to_file() { rm -r docs && echo "$planted" >docs; }
attack 'a folder is a file' folder_to_file 'docs type'

empty_folder_to_link() { rmdir empty && ln -s "$outside" empty; }
attack 'an empty folder is a symlink' empty_folder_to_link 'empty type'
outside_untouched 'empty folder to symlink'

done_testing
