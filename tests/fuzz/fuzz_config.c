/* Any bytes as a configuration: what is refused is told in lines that a terminal can show, and what is taken is within
 * its limits. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(const struct buffer *problems)
{
        const char *cursor = buffer_text(problems), *end = cursor + problems->length, *line = NULL;
        size_t length = 0;

        while (text_next_line(&cursor, end, &line, &length))
                if (strncmp(line, "fuzz.conf:", 10) != 0 || !text_is_printable(line, length))
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(buffer_done) struct buffer problems = BUFFER_INIT(CONFIG_PROBLEMS_MAXIMUM);
        _cleanup_(config_freep) struct config *config = NULL;
        struct error error = ERROR_NONE;
        int r = config_parse((const char *)data, size, "fuzz.conf", &problems, &config, &error);

        check_problems(&problems);
        if (r < 0) {
                if (config || error.status != EXIT_USAGE || !*error.text)
                        abort();
                return 0;
        }
        if (problems.length || !config->site || config->limits.lease_self_ms >= config->limits.lease_take_ms ||
            !config_first_of(config, CONFIG_PRODUCTION) || !config_first_of(config, CONFIG_STANDBY))
                abort();
        for (size_t i = 0; i < config->server_count; i++)
                if (!config->servers[i].name || (config->servers[i].ssh && *config->servers[i].ssh == '-'))
                        abort();
        return 0;
}
