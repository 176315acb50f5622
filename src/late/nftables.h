/* nftables.h - libnftables(3), loaded late; see late.h. */
#ifndef LATE_NFTABLES_H
#define LATE_NFTABLES_H

#include <nftables/libnftables.h>

#include "late/late.h"

extern const struct late_library late_nftables;

#ifdef UNDERSTUDY_LATE_LIBRARIES

#define LATE_NFTABLES(FUNCTION) \
        FUNCTION(nft_ctx_buffer_error) FUNCTION(nft_ctx_buffer_output) FUNCTION(nft_ctx_free) \
        FUNCTION(nft_ctx_get_error_buffer) FUNCTION(nft_ctx_new) FUNCTION(nft_ctx_output_set_flags) \
        FUNCTION(nft_ctx_set_dry_run) FUNCTION(nft_run_cmd_from_buffer)

LATE_NFTABLES(LATE_DECLARE)

#define nft_ctx_buffer_error     late_nft_ctx_buffer_error
#define nft_ctx_buffer_output    late_nft_ctx_buffer_output
#define nft_ctx_free             late_nft_ctx_free
#define nft_ctx_get_error_buffer late_nft_ctx_get_error_buffer
#define nft_ctx_new              late_nft_ctx_new
#define nft_ctx_output_set_flags late_nft_ctx_output_set_flags
#define nft_ctx_set_dry_run      late_nft_ctx_set_dry_run
#define nft_run_cmd_from_buffer  late_nft_run_cmd_from_buffer

#endif

#endif
