#!/bin/bash
# includes.sh [SRC] - who may include whom. Each folder of src/ has a line here: the folders of ours that it may
# include besides itself, and the libraries' headers that only some may see. A folder without a line is an error.
set -euo pipefail
cd "$(dirname "$0")/../.." || exit
src=${1:-src}

declare -A may_include=(
        [base]=""
        [late]="base"
        [crypto]="base"
        [config]="base"
        [ipc]="base"
        [notify]="base config crypto ipc late"
        [manifest]="base crypto"
        [journal]="base crypto"
        [witness]="base crypto ipc journal late"
        [store]="base crypto ipc manifest late"
        [tree]="base crypto ipc manifest store"
        [review]="base crypto ipc manifest"
        [probe]="base crypto ipc manifest late"
        [gate]="" # runs as root: itself and libc
        [guard]="base crypto gate ipc manifest store tree journal notify"
        [carry]="base crypto manifest tree"
        [traffic]="base config crypto ipc journal notify late carry"
        [accesslog]="base"
        [analyze]="base crypto accesslog"
        [spread]="base late crypto accesslog analyze"
        [sql]="base"
        [incident]="base crypto accesslog journal notify sql"
        [fleet]="base config crypto journal sql"
)
everything="${!may_include[*]}"
may_include[console]=$everything
may_include[cli]="$everything console"

# Pattern of a library's headers -> the folders that may include them.
declare -A library_users=(
        ["openssl/*"]="crypto"
        ["curl/*"]="late"
        ["microhttpd*"]="late"
        ["zstd*"]="store accesslog" # rotated logs are packed
        ["zlib*"]="accesslog"
        ["zdict*"]="store"
        ["jansson*"]="config notify manifest journal store tree review probe guard carry traffic analyze incident fleet console cli"
        ["seccomp*"]="ipc"
        ["linux/landlock*"]="ipc"
        ["cap-ng*"]="ipc"
        ["sqlite3*"]="analyze sql spread incident fleet"
        ["confuse*"]="config"
        ["maxminddb*"]="analyze"
        ["libmnl/*"]="traffic"
        ["nftables/*"]="late"
        ["libpq*"]="late"
        ["mysql.h"]="late"
        ["mysqld_error*"]="traffic"
        ["ldns/*"]="traffic"
)

wrong=0
complain() {
        echo "includes: $*" >&2
        wrong=1
}

while IFS=: read -r file line text; do
        folder=${file#"$src"/}
        folder=${folder%%/*}
        [[ $text =~ [\<\"]([^\>\"]+)[\>\"] ]] && header=${BASH_REMATCH[1]}
        if [ -z "${may_include[$folder]+set}" ]; then
                complain "$file: the folder $folder has no line in tests/checks/includes.sh"
        elif [[ $text == *\"* ]] && [[ $header == */* ]]; then
                [[ " $folder ${may_include[$folder]} " == *" ${header%%/*} "* ]] ||
                        complain "$file:$line: $folder may not include $header"
                [ -e "$src/$header" ] || complain "$file:$line: there is no $src/$header"
        elif [[ $text == *\"* ]]; then
                [ -e "$src/$folder/$header" ] || complain "$file:$line: name the folder of $header"
        else
                for pattern in "${!library_users[@]}"; do
                        # shellcheck disable=SC2053 # a pattern is meant
                        [[ $header != $pattern ]] || [[ " ${library_users[$pattern]} " == *" $folder "* ]] ||
                                complain "$file:$line: only ${library_users[$pattern]} may include $header"
                done
        fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' "$src")
exit $wrong
