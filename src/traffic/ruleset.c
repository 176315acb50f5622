#include "ruleset.h"

#include <errno.h>
#include <string.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "late/nftables.h"

/*
 * The last one, which is closed when the next one is made, or with the process. Closing nftables' socket waits until the kernel
 * has got rid of what its transaction deleted: a grace period, some ten milliseconds, for which nothing of ours needs to wait.
 */
static struct nft_ctx *kept;

static struct nft_ctx *make_context(void)
{
        if (kept)
                nft_ctx_free(kept);
        kept = nft_ctx_new(NFT_CTX_DEFAULT);
        return kept;
}

/* libnftables speaks several lines of complaint; the first says what is wrong. */
int ruleset_run(const char *commands, enum ruleset_form form, const char *table, struct error *err)
{
        struct nft_ctx *context;
        const char *said;
        int r = late_load(&late_nftables, err);

        if (r < 0)
                return r;
        context = make_context();
        if (!context || nft_ctx_buffer_error(context) != 0 || nft_ctx_buffer_output(context) != 0)
                return error_memory(err);
        if (form == RULESET_JSON)
                nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_JSON);
        if (form == RULESET_TRY)
                nft_ctx_set_dry_run(context, true);
        if (nft_run_cmd_from_buffer(context, commands) == 0)
                return 0;
        said = nft_ctx_get_error_buffer(context);
        return error_set(err, -EIO, _("cannot set the packet filter (nftables table %s): %.*s"), table,
                         (int)strcspn(said ? said : "", "\n"), said ? said : "");
}
