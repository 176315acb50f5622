/* machine_parts.h - what the files of machine share. */
#ifndef TREE_MACHINE_PARTS_H
#define TREE_MACHINE_PARTS_H

#include "tree/machine.h"

void machine_find(const struct machine_report *report, const char *check, enum finding_result result,
                  const char *format, ...) _printf_(4, 5);

#endif
