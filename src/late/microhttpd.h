/* microhttpd.h - libmicrohttpd (https://www.gnu.org/software/libmicrohttpd/manual/), loaded late; see late.h. */
#ifndef LATE_MICROHTTPD_H
#define LATE_MICROHTTPD_H

#include <microhttpd.h>

#include "late/late.h"

extern const struct late_library late_microhttpd;

#ifdef UNDERSTUDY_LATE_LIBRARIES

#define LATE_MICROHTTPD(FUNCTION) \
        FUNCTION(MHD_add_response_header) FUNCTION(MHD_create_response_from_buffer) FUNCTION(MHD_destroy_response) \
        FUNCTION(MHD_queue_response) FUNCTION(MHD_run_wait) FUNCTION(MHD_start_daemon)

LATE_MICROHTTPD(LATE_DECLARE)

#define MHD_add_response_header         late_MHD_add_response_header
#define MHD_create_response_from_buffer late_MHD_create_response_from_buffer
#define MHD_destroy_response            late_MHD_destroy_response
#define MHD_queue_response              late_MHD_queue_response
#define MHD_run_wait                    late_MHD_run_wait
#define MHD_start_daemon                late_MHD_start_daemon

#endif

#endif
