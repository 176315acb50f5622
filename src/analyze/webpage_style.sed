# A style sheet as C source: one string.
s/^ *//
/^$/d
s/[\"]/\\&/g
s/^/"/
s/$/\\n"/
1i #include "analyze/webpage_private.h"\
const char webpage_style[] =
$a ;
