#include "analyze_servers.h"

#include <stdio.h>

#include "base/i18n.h"

/* Visitors are spread evenly, by a hash. */
static unsigned int missing_percent(const struct ask_who *who)
{
        return (unsigned int)((who->silent_count * 100 + who->asked / 2) / who->asked);
}

static size_t left_out(const struct ask_who *who)
{
        size_t count = 0;

        for (size_t i = 0; i < who->silent_count; i++)
                count += who->silent[i].left_out;
        return count;
}

void servers_print(FILE *out, const struct ask_who *who)
{
        size_t out_count = left_out(who);

        fprintf(out, i18n_plural("%zu of %zu analysis server answered.", "%zu of %zu analysis servers answered.", who->asked),
                who->answered, who->asked);
        if (out_count)
                fprintf(out,
                        i18n_plural(" %zu was left out because it is not proven.",
                                    " %zu were left out because they are not proven.", out_count),
                        out_count);
        if (who->silent_count)
                fprintf(out,
                        _(" About %u %% of all visitors, and everything they did, are missing from these figures; the "
                          "others are counted in full."),
                        missing_percent(who));
        fputc('\n', out);
        for (size_t i = 0; i < who->silent_count; i++)
                fprintf(out, _("Missing: %s (%s)\n"), who->silent[i].name, who->silent[i].words);
}

json_t *servers_json(const struct ask_who *who)
{
        json_t *silent = json_array();

        for (size_t i = 0; i < who->silent_count; i++)
                json_array_append_new(silent, json_pack("{s:s, s:s, s:b}", "shard", who->silent[i].name, "reason",
                                                        who->silent[i].words, "left_out", who->silent[i].left_out));
        return json_pack("{s:I, s:I, s:o, s:i}", "asked", (json_int_t)who->asked, "answered",
                         (json_int_t)who->answered, "silent", silent, "missing_percent", (int)missing_percent(who));
}
