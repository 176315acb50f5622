# A list of bots as C source: one string.
s/[\"]/\\&/g
s/^/"/
s/$/\\n"/
1i #include "analyze/bots_private.h"\
const char bots_compiled_in[] =
$a ;
