/* agent_request.c - requests and answers as JSON. */
#include "traffic/agent_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "base/text.h"

/* ---- a request ---- */

static bool is_in(const char *const *words, const char *text)
{
        for (; *words; words++)
                if (text_equal(*words, text))
                        return true;
        return false;
}

static bool fits(const struct agent_argument *argument, const json_t *value)
{
        const char *text = json_string_value(value);

        switch (argument->kind) {
        case AGENT_TEXT:
                return text && json_string_length(value) <= argument->maximum &&
                       text_is_printable(text, json_string_length(value));
        case AGENT_WORD: return text && strlen(text) == json_string_length(value) && is_in(argument->words, text);
        case AGENT_NUMBER:
                return json_is_integer(value) && json_integer_value(value) >= 0 &&
                       (uint64_t)json_integer_value(value) <= argument->maximum;
        case AGENT_FLAG: return json_is_boolean(value);
        }
        return false;
}

static const struct agent_argument *find_argument(const struct agent_argument *arguments, const char *name)
{
        for (; arguments && arguments->name; arguments++)
                if (text_equal(arguments->name, name))
                        return arguments;
        return NULL;
}

static int check_arguments(const struct agent_verb *verb, const json_t *values, struct error *err)
{
        const json_t *value;
        const char *name;

        json_object_foreach((json_t *)(uintptr_t)values, name, value) {
                const struct agent_argument *argument = find_argument(verb->arguments, name);

                if (!argument)
                        return error_usage(err, _("the verb %s has no argument '%.60s'"), verb->name, name);
                if (!fits(argument, value))
                        return error_usage(err, _("the argument %s of the verb %s is not what it must be"), name,
                                           verb->name);
        }
        for (const struct agent_argument *argument = verb->arguments; argument && argument->name; argument++)
                if (argument->required && !json_object_get(values, argument->name))
                        return error_usage(err, _("the verb %s needs the argument %s"), verb->name, argument->name);
        return 0;
}

static const struct agent_verb *find_verb(const struct agent_verb *verbs, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (text_equal(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

static int parse(const struct agent_verb *verbs, size_t count, const json_t *request,
                 const struct agent_verb **ret_verb, const json_t **ret_arguments, int64_t *ret_deadline_ms,
                 const char **ret_code, struct error *err)
{
        static const char *const members[] = { "verb", "arguments", "deadline_ms", NULL };
        const char *name = json_string_value(json_object_get(request, "verb")), *member;
        const json_t *arguments = json_object_get(request, "arguments");
        const json_t *deadline = json_object_get(request, "deadline_ms"), *value;

        *ret_code = "request";
        if (!name)
                return error_usage(err, _("the request is no object with a verb"));
        json_object_foreach((json_t *)(uintptr_t)request, member, value)
                if (!is_in(members, member))
                        return error_usage(err, _("the request has a member '%.60s' that is not known"), member);
        if (deadline && (!json_is_integer(deadline) || json_integer_value(deadline) <= 0))
                return error_usage(err, _("the deadline of the request is no number of milliseconds"));
        if (arguments && !json_is_object(arguments))
                return error_usage(err, _("the arguments of the request are no object"));
        *ret_code = "unknown";
        *ret_verb = find_verb(verbs, count, name);
        if (!*ret_verb)
                return error_refuse(err, _("this agent has no verb '%.60s'; is it as new as the controller?"), name);
        *ret_code = "arguments";
        *ret_arguments = arguments;
        *ret_deadline_ms = deadline ? json_integer_value(deadline) : 0;
        return check_arguments(*ret_verb, arguments, err);
}

int agent_request_parse(const struct agent_verb *verbs, size_t count, const char *body, size_t length,
                        json_t **ret_request, const struct agent_verb **ret_verb, const json_t **ret_arguments,
                        int64_t *ret_deadline_ms, const char **ret_code, struct error *err)
{
        json_t *request = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
        int r = parse(verbs, count, request, ret_verb, ret_arguments, ret_deadline_ms, ret_code, err);

        if (r < 0)
                json_decref(request);
        else
                *ret_request = request;
        return r < 0 ? -EINVAL : 0;
}

const char *agent_text(const struct agent_call *call, const char *name, const char *fallback)
{
        const char *text = json_string_value(json_object_get(call->arguments, name));

        return text ? text : fallback;
}

uint64_t agent_number(const struct agent_call *call, const char *name, uint64_t fallback)
{
        const json_t *value = json_object_get(call->arguments, name);

        return json_is_integer(value) ? (uint64_t)json_integer_value(value) : fallback;
}

bool agent_flag(const struct agent_call *call, const char *name)
{
        return json_is_true(json_object_get(call->arguments, name));
}

/* ---- an answer ---- */

static char *dump(json_t *answer)
{
        char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

        json_decref(answer);
        return text;
}

char *agent_answer_error(const char *code, const struct error *err)
{
        return dump(json_pack("{s:b, s:s, s:i, s:s}", "ok", 0, "error", code, "status",
                              err->status == EXIT_DONE ? EXIT_FAILED : (int)err->status, "text", err->text));
}

char *agent_answer_result(const json_t *result)
{
        struct error error = ERROR_NONE;
        char *text = dump(json_pack("{s:b, s:O}", "ok", 1, "result", result));

        if (!text || strlen(text) <= FRAME_BODY_MAXIMUM)
                return text;
        free(text);
        error_set(&error, -E2BIG, _("the answer is longer than an agent may send"));
        return agent_answer_error("failed", &error);
}

char *agent_run(const struct agent_verb *verb, void *context, const json_t *arguments, int channel)
{
        struct agent_call call = {
                .context = context, .arguments = arguments, .result = json_object(), .channel = channel
        };
        struct error error = ERROR_NONE;
        char *text = NULL;

        if (!call.result)
                return NULL;
        if (verb->run(&call, &error) == 0)
                text = agent_answer_result(call.result);
        else
                text = agent_answer_error(error.status == EXIT_REFUSED ? "refused"
                                          : error.status == EXIT_USAGE ? "usage"
                                                                       : "failed",
                                          &error);
        json_decref(call.result);
        return text;
}
