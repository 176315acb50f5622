#include "analyze_servers.h"

#include <stdio.h>

#include "base/i18n.h"

/* Visitors are spread evenly, by a hash. */
static unsigned int missing_percent(const struct ask_answer *answer)
{
        return (unsigned int)((answer->silent_count * 100 + answer->asked / 2) / answer->asked);
}

void servers_print(FILE *out, const struct ask_answer *answer)
{
        fprintf(out, i18n_plural("%zu of %zu analysis server answered.", "%zu of %zu analysis servers answered.", answer->asked),
                answer->answered, answer->asked);
        if (answer->silent_count)
                fprintf(out,
                        _(" About %u %% of all visitors, and everything they did, are missing from these figures; the "
                          "others are counted in full."),
                        missing_percent(answer));
        fputc('\n', out);
        for (size_t i = 0; i < answer->silent_count; i++)
                fprintf(out, _("Missing: %s (%s)\n"), answer->silent[i].name, answer->silent[i].words);
}

json_t *servers_json(const struct ask_answer *answer)
{
        json_t *silent = json_array();

        for (size_t i = 0; i < answer->silent_count; i++)
                json_array_append_new(silent, json_pack("{s:s, s:s}", "shard", answer->silent[i].name, "reason",
                                                        answer->silent[i].words));
        return json_pack("{s:I, s:I, s:o, s:i}", "asked", (json_int_t)answer->asked, "answered",
                         (json_int_t)answer->answered, "silent", silent, "missing_percent",
                         (int)missing_percent(answer));
}
