/*
 * trusted.h - whether a folder is one into which nobody but root and this user can put anything: what is kept there (accepted
 * releases, keys, what must never be older than before) is believed.
 *
 * It, and every folder and symbolic link on the way to it, must belong to root or to this user, and none may be writable by its group
 * or by others. On the way a sticky one may be: there nobody can rename or remove what is somebody else's, as in /tmp.
 */
#ifndef BASE_TRUSTED_H
#define BASE_TRUSTED_H

#include "error.h"

/* 0, also when it is not there yet and the folder that it would be made in is such a one; else -EPERM (wrong configuration, status
 * 2), with a sentence that names the folder, its mode or owner, and what to run. */
int trusted_folder(const char *path, struct error *err);

#endif
