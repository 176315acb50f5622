/* Any bytes as the text of a file under review, in each language, and as a control file. */
#include <stdlib.h>
#include <sys/stat.h>

#include "manifest/policy.h"
#include "review/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct content content;

        for (enum content_language language = CONTENT_NONE; language <= CONTENT_TEMPLATE; language++) {
                content_scan((const char *)data, size, language, &content);
                if (content.host_count > CONTENT_HOSTS_MAXIMUM || (language == CONTENT_NONE && content.obfuscated))
                        abort();
        }
        content_control((const char *)data, size);
        policy_check(0, "x", S_IFREG | 0644, data, size);
        return 0;
}
