/* inode.h - moved: publish needs it too. */
#include "manifest/inode.h"
