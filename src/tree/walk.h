/* walk.h - moved: publish needs it too. */
#include "manifest/walk.h"
