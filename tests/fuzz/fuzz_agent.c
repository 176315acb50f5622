/* What somebody with the controller's key may send to a server: bytes as frames, and their bodies as requests. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/text.h"
#include "ipc/stream.h"
#include "traffic/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = { "start", "stop", NULL };
static const struct agent_argument arguments[] = {
        {"action",  AGENT_WORD,   true,  0,  words},
        { "reason", AGENT_TEXT,   false, 20, NULL },
        { "number", AGENT_NUMBER, false, 99, NULL },
        { "really", AGENT_FLAG,   false, 0,  NULL },
        { NULL,     AGENT_FLAG,   false, 0,  NULL },
};
static const struct agent_verb verbs[] = {
        {"hello", NULL,      AGENT_AT_ONCE, 1000, NULL},
        { "web",  arguments, AGENT_WEB,     1000, NULL},
};

static void check_request(const char *body, size_t length)
{
        struct agent_call call = { .channel = -1 };
        const struct agent_verb *verb = NULL;
        struct error error = ERROR_NONE;
        const char *code = NULL, *reason;
        json_t *request = NULL;
        int64_t deadline = 0;

        if (agent_request_parse(verbs, LENGTH(verbs), body, length, &request, &verb, &call.arguments, &deadline, &code,
                                &error) < 0) {
                if (!code || !*error.text)
                        abort();
                return;
        }
        reason = agent_text(&call, "reason", "");
        if ((verb != &verbs[0] && verb != &verbs[1]) || deadline < 0 || agent_number(&call, "number", 0) > 99 ||
            strlen(reason) > 20 || !text_is_printable(reason, strlen(reason)))
                abort();
        json_decref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct frame_stream stream;
        const char *body = NULL;
        struct frame frame;
        int ends[2];

        check_request((const char *)data, size);
        if (size > 60000 || pipe(ends) < 0)
                return 0;
        frame_stream_init(&stream, 4096, 0);
        if (write(ends[1], data, size) == (ssize_t)size) {
                int r;

                close(ends[1]);
                while ((r = frame_stream_fill(&stream, ends[0])) > 0)
                        while ((r = frame_stream_next(&stream, &frame, &body)) > 0) {
                                if (frame.length > 4096 || body[frame.length] == 1)
                                        continue;
                                check_request(body, frame.length);
                        }
        } else {
                close(ends[1]);
        }
        close(ends[0]);
        frame_stream_done(&stream);
        return 0;
}
