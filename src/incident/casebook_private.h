/* casebook_private.h - what the files of the casebook share. */
#ifndef INCIDENT_CASEBOOK_PRIVATE_H
#define INCIDENT_CASEBOOK_PRIVATE_H

#include "incident/casebook.h"
#include "sql/sql.h"

struct casebook {
        struct sql sql;
        sqlite3_stmt *find_notice; /* asked thousands of times a second */
};

#endif
