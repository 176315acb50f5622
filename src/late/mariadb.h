/* mariadb.h - MariaDB Connector/C (https://mariadb.com/kb/en/mariadb-connector-c-api-functions/), loaded late; see late.h. */
#ifndef LATE_MARIADB_H
#define LATE_MARIADB_H

#include <mysql.h>

#include "late/late.h"

extern const struct late_library late_mariadb;

#ifdef UNDERSTUDY_LATE_LIBRARIES

#define LATE_MARIADB(FUNCTION) \
        FUNCTION(mysql_close) FUNCTION(mysql_errno) FUNCTION(mysql_error) FUNCTION(mysql_fetch_row) \
        FUNCTION(mysql_free_result) FUNCTION(mysql_get_server_version) FUNCTION(mysql_get_socket) FUNCTION(mysql_init) \
        FUNCTION(mysql_num_fields) FUNCTION(mysql_options) FUNCTION(mysql_read_query_result) \
        FUNCTION(mysql_real_connect) FUNCTION(mysql_real_escape_string) FUNCTION(mysql_send_query) \
        FUNCTION(mysql_store_result)

LATE_MARIADB(LATE_DECLARE)

#define mysql_close              late_mysql_close
#define mysql_errno              late_mysql_errno
#define mysql_error              late_mysql_error
#define mysql_fetch_row          late_mysql_fetch_row
#define mysql_free_result        late_mysql_free_result
#define mysql_get_server_version late_mysql_get_server_version
#define mysql_get_socket         late_mysql_get_socket
#define mysql_init               late_mysql_init
#define mysql_num_fields         late_mysql_num_fields
#define mysql_options            late_mysql_options
#define mysql_read_query_result  late_mysql_read_query_result
#define mysql_real_connect       late_mysql_real_connect
#define mysql_real_escape_string late_mysql_real_escape_string
#define mysql_send_query         late_mysql_send_query
#define mysql_store_result       late_mysql_store_result

#endif

#endif
