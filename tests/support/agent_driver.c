/*
 * agent_driver.c NAME DESTINATION SSH_CONFIG VERB [ARGUMENTS [DEADLINE_MS [TIMES]]] - the controller's end of an agent.
 *
 * Asks TIMES times (1), 100 ms apart, over one agent_client, and prints for each "ok RESULT" or "ERRNO-NAME SENTENCE",
 * and "progress WHAT DONE TOTAL" as it comes. SSH_CONFIG "-": none. Ends in 0 when the last one was answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "traffic/agent_client.h"

static void on_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
        (void)context;
        printf("progress %s %llu %llu\n", what, (unsigned long long)done, (unsigned long long)total);
        fflush(stdout);
}

int main(int argc, char *argv[])
{
        struct agent_client_options options = { 0 };
        struct agent_client *client = NULL;
        struct error error = ERROR_NONE;
        int64_t deadline_ms = 10000;
        long times = 1;
        int r = -1;

        if (argc < 5)
                return 2;
        options.name = argv[1];
        options.destination = argv[2];
        options.ssh_config = text_equal(argv[3], "-") ? NULL : argv[3];
        if (argc > 6)
                deadline_ms = strtoll(argv[6], NULL, 10);
        if (argc > 7)
                times = strtol(argv[7], NULL, 10);
        if (agent_client_new(&options, &client, &error) < 0)
                return 3;
        for (long i = 0; i < times; i++) {
                json_t *arguments = argc > 5 && *argv[5] ? json_loads(argv[5], 0, NULL) : NULL, *result = NULL;

                if (i)
                        usleep(100000);
                r = agent_client_call(client, argv[4], arguments, deadline_ms, on_progress, NULL, &result, &error);
                if (r == 0) {
                        char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);

                        printf("ok %s\n", text ? text : "?");
                        free(text);
                } else {
                        printf("%s %s\n", strerrorname_np(-r), error.text);
                }
                fflush(stdout);
                json_decref(result);
        }
        agent_client_free(client);
        return r == 0 ? 0 : 1;
}
