#!/bin/bash
# What an inode carries beside its bytes.
. "$(dirname "$0")/lib.sh"
use attacks
need chattr setfattr setfacl setcap
attacks_begin

mode() { chmod 0666 index.php; }
attack 'mode of a file' mode 'index.php mode'

unreadable() { chmod 0 index.php; }
attack 'a file that nobody may read' unreadable 'index.php mode'

folder_mode() { chmod 0777 lib/templates; }
attack 'mode of a folder' folder_mode 'lib/templates mode'

root_mode() { chmod 0777 .; }
attack 'mode of the docroot' root_mode '. mode'

setuid() { chmod 4755 lib/cron.sh; }
attack 'setuid' setuid 'lib/cron.sh mode'

setgid() { chmod 2755 lib/cron.sh && chmod 2755 docs; }
attack 'setgid on a file and a folder' setgid 'lib/cron.sh mode' 'docs mode'

sticky() { chmod 1755 docs; }
attack 'the sticky bit' sticky 'docs mode'

owner() { chown 33 index.php; }
attack 'owner of a file' owner 'index.php owner'

group() { chgrp 33 lib; }
attack 'group of a folder' group 'lib owner'

root_owner() { chown 33:33 .; }
attack 'owner of the docroot' root_owner '. owner'

link_owner() { chown -h 33 help; }
attack 'owner of a symlink' link_owner 'help owner'

owner_and_setuid() { chown 33 lib/cron.sh && chmod 6755 lib/cron.sh && echo "$planted" >>lib/cron.sh; }
attack 'bytes, owner and setuid' owner_and_setuid 'lib/cron.sh content' 'lib/cron.sh mode' 'lib/cron.sh owner'

xattr() { setfattr -n user.note -v "$planted" index.php; }
attack 'a user xattr' xattr 'index.php xattr'

folder_xattr() { setfattr -n user.note -v x docs && setfattr -n user.note -v x .; }
attack 'user xattrs on a folder and the docroot' folder_xattr 'docs xattr' '. xattr'

trusted() { setfattr -n trusted.note -v x css/site.css && setfattr -h -n trusted.note -v x help; }
attack 'trusted xattrs on a file and a symlink' trusted 'css/site.css xattr' 'help xattr'

empty_xattr() { setfattr -n user.empty css/site.css; }
attack 'an xattr without a value' empty_xattr 'css/site.css xattr'

# Named users only, with a mask that leaves the mode as it is.
acl() { setfacl -m u:33:r--,m::r-- index.php && chmod 0644 index.php; }
attack 'an ACL' acl 'index.php xattr'

default_acl() { setfacl -d -m u:33:rwx lib && chmod 0755 lib; }
attack 'a default ACL' default_acl 'lib xattr'

capability() { setcap cap_net_admin+ep lib/cron.sh; }
attack 'a file capability' capability 'lib/cron.sh xattr'

immutable() { echo "$planted" >>index.php && chattr +i index.php; }
attack 'an immutable file' immutable 'index.php content' 'index.php flags'

append_only() { echo "$planted" >>index.php && chattr +a index.php; }
attack 'an append-only file' append_only 'index.php content' 'index.php flags'

flags_only() { chattr +i css/site.css && chattr +a docs/help.html; }
attack 'flags alone' flags_only 'css/site.css flags' 'docs/help.html flags'

immutable_extra() { echo "$planted" >index.html && chattr +i index.html; }
attack 'an immutable extra file' immutable_extra 'index.html extra'

immutable_folder() { echo "$planted" >lib/x.php && chattr +i lib; }
attack 'an immutable folder' immutable_folder 'lib/x.php extra' 'lib flags'

append_folder() { chattr +a docs docs/2008; }
attack 'append-only folders' append_folder 'docs flags' 'docs/2008 flags'

immutable_root() { echo "$planted" >index.html && chattr +i .; }
attack 'an immutable docroot' immutable_root 'index.html extra' '. flags'

append_root() { echo "$planted" >index.html && chattr +a .; }
attack 'an append-only docroot' append_root 'index.html extra' '. flags'

both_everywhere() { echo "$planted" >>index.php && chattr -R +ia .; }
restart_standby
(cd "$dest" && both_everywhere)
status_is 1 'both flags everywhere: differs' us verify "$dest" --pub "$pub" --json
is 'both flags everywhere: each folder and file' "$(json '[.differences[] | select(.kind == "flags")] | length')" \
        "$(find "$tmp/src" \( -type f -o -type d \) | wc -l)"
status_is 1 'both flags everywhere: healed' us pull "$dest" --repo "$repo" --pub "$pub" --json
status_is 0 'both flags everywhere: genuine' us verify "$dest" --pub "$pub" --json
exact 'both flags everywhere: exact'
is 'both flags everywhere: nothing is left beside it' "$(ls -A "${dest%/*}")" "${dest##*/}"

immutable_parent_evidence() { mkdir -p x/y && echo "$planted" >x/y/z && chattr +i x/y/z x/y && chattr +a x; }
attack 'a folder that resists its removal' immutable_parent_evidence 'x/ extra'

done_testing
