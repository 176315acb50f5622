/* Any text as what an agent says of its server: refused, or judged without harm, and every word of it printable. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fleet/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fleet_server servers[2] = {
                {.name = "web1",   .role = CONFIG_PRODUCTION, .origin = FLEET_IN_HOUSE, .build = "b", .facts_s = 1000 },
                { .name = "web2", .role = CONFIG_STANDBY,                         .retired_s = 5                                  },
        };
        const struct fleet fleet = { .servers = servers, .count = 2 };
        const struct fleet_question question = { .now_s = 2000, .stale_s = 5000 };
        struct fleet_findings findings = { 0 };
        struct facts facts = { 0 };

        if (facts_read((const char *)data, size, &facts, NULL) < 0)
                return 0;
        if (facts.key_count > FACTS_MEMBERS || facts.name_count > FACTS_MEMBERS)
                abort();
        servers[0].facts = &facts;
        if (fleet_judge(&fleet, &question, &findings, NULL) < 0)
                abort();
        for (size_t i = 0; i < findings.count; i++)
                if (findings.list[i].rule >= FLEET_RULES || !*findings.list[i].what)
                        abort();
        fleet_findings_done(&findings);
        facts_done(&facts);
        return 0;
}
