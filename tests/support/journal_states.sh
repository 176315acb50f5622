# shellcheck shell=bash
# journal_states.sh - what a crash or a power loss may leave of a journal. Sourced after tests/t/lib.sh.
#
# The journal has 254 records when the command comes, so that its commits cross the end of the first tile.

journal_writer=$build_folder/tests/support/journal_writer

journal_before()
{
        "$journal_writer" "$1" 1 >/dev/null && "$journal_writer" "$1" 253 batch >/dev/null &&
                cp "$1/checkpoint" "$1/node.pub" "$tmp/"
}

# journal_examine FOLDER SAID: whole as it lies there, a continuation of what was there before, and every record that was
# said to be durable is in it.
journal_examine()
{
        local last=253
        if [[ -s $2 ]]; then last=$(tail -n 1 "$2"); fi
        "$UNDERSTUDY" journal verify --dir "$1" --pub "$tmp/node.pub" --checkpoint "$tmp/checkpoint" || return 1
        [[ $(sed -n 2p "$1/checkpoint") -gt $last ]] || { echo "record $last was said to be durable" && return 1; }
}

# journal_finish FOLDER: the next writer takes in what is whole, and nothing torn is left beyond the checkpoint.
journal_finish()
{
        local size
        "$journal_writer" "$1" 1 after >/dev/null || return 1
        "$UNDERSTUDY" journal verify --dir "$1" --pub "$tmp/node.pub" --checkpoint "$tmp/checkpoint" || return 1
        size=$(sed -n 2p "$1/checkpoint")
        [[ $("$UNDERSTUDY" journal show --dir "$1" --json | tail -n 1 | jq -r .what) == after ]] ||
                { echo 'the last record is another one' && return 1; }
        [[ $("$UNDERSTUDY" journal show --dir "$1" --json | jq .sequence | tail -n 1) == $((size - 1)) ]] ||
                { echo 'the sequence has a gap' && return 1; }
        [[ -z $(find "$1" -name '.*.tmp') ]] || { echo 'a temporary file was left' && return 1; }
}
