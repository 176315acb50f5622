/* Any bytes as a target for alerts: what is taken can neither add a line to a mail or a request, nor show a password.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "notify/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *text)
{
        if (!text_is_printable(text, strlen(text)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(memory_freep) char *text = memory_copy(data, size);
        struct error error = ERROR_NONE;
        struct notify_target target, again;

        if (!text)
                return 0;
        if (notify_target_parse(text, &target, &error) < 0) {
                if (error.status != EXIT_USAGE || !*error.text)
                        abort();
                return 0;
        }
        check_line(target.shown);
        check_line(target.url);
        check_line(target.user);
        if (target.kind == TARGET_MAIL && (!target_address_is_good(target.to) || strchr(target.url, '@') ||
                                           (*target.from && !target_address_is_good(target.from))))
                abort();
        if (target.kind == TARGET_WEBHOOK && (strchr(target.url, ' ') || strchr(target.url, '#')))
                abort();
        if (notify_target_parse(text, &again, NULL) < 0 || memcmp(&again, &target, sizeof(again)) != 0)
                abort();
        return 0;
}
