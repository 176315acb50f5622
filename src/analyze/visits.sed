# The script of the tag as C source: one string, without comments and newlines.
1i #include "analyze/tag.h"\
const char tag_script[] =
$a ;
/^\/\//d
/^$/d
s/[\"]/\\&/g
s/^/"/
s/$/"/
