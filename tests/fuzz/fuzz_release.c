/* Any bytes as release.json: what is accepted is written again to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "manifest/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(release_done) struct release release = { 0 };
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(RELEASE_MAXIMUM);
        struct error error = ERROR_NONE;

        if (release_parse((const char *)data, size, &release, &error) < 0) {
                if (error.status != EXIT_FAILED || release.packs)
                        abort();
                return 0;
        }
        if (release_name_check(release.site, NULL) < 0 || !release_root(&release, RELEASE_DOCROOT) ||
            release_format(&release, &again, &error) < 0 || again.length != size || memcmp(again.data, data, size) != 0)
                abort();
        return 0;
}
