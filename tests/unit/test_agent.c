/* agent.c, agent_worker.c - the agent as its controller sees it: answers, busy, cancelled, late, broken frames. */
#include "tests.h"

#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "ipc/stream.h"
#include "traffic/agent.h"

#define ANSWER_MS 20000

/* ---- an agent with verbs of its own, in a process ---- */

static int at_once(struct agent_call *call, struct error *err _unused_)
{
        return json_object_set_new(call->result, "pid", json_integer(getpid()));
}

/* Works until it is ended, and leaves a child behind that must end, too. */
static int work_on(struct agent_call *call, struct error *err _unused_)
{
        pid_t child = fork();

        if (child > 0)
                agent_progress(call, "working", (uint64_t)child, 2);
        for (;;)
                pause();
        return 0;
}

static int refuse(struct agent_call *call _unused_, struct error *err)
{
        return error_refuse(err, "not now");
}

static int die(struct agent_call *call _unused_, struct error *err _unused_)
{
        _exit(7);
}

/* Whoever writes to standard output would break the conversation. */
static int chatter(struct agent_call *call _unused_, struct error *err _unused_)
{
        return dprintf(STDOUT_FILENO, "chatter\n") > 0 ? 0 : -EIO;
}

/* What was done before it was asked: in which process, as the next verb tells. */
static pid_t warm_pid;

static void warm_up(void *context _unused_)
{
        warm_pid = getpid();
}

static void warm_up_again(void *context _unused_)
{
        warm_pid = getpid();
}

static int tell_warm(struct agent_call *call, struct error *err _unused_)
{
        json_object_set_new(call->result, "pid", json_integer(getpid()));
        return json_object_set_new(call->result, "warm", json_boolean(warm_pid == getpid()));
}

static int die_when_asked(struct agent_call *call _unused_, struct error *err _unused_)
{
        _exit(warm_pid == getpid() ? 7 : 8);
}

static const struct agent_verb verbs[] = {
        {"at_once",  NULL, AGENT_AT_ONCE, 1000,  at_once},
        { "work",    NULL, AGENT_TREE,    60000, work_on},
        { "work2",   NULL, AGENT_WEB,     60000, work_on},
        { "short",   NULL, AGENT_TREE,    100,   work_on},
        { "refuse",  NULL, AGENT_BESIDE,  5000,  refuse },
        { "die",     NULL, AGENT_BESIDE,  5000,  die    },
        { "chatter", NULL, AGENT_BESIDE,  5000,  chatter},
        { "ready",   NULL, AGENT_BESIDE,  5000,  tell_warm, warm_up},
        { "again",   NULL, AGENT_BESIDE,  5000,  tell_warm, warm_up_again, true},
        { "unready", NULL, AGENT_BESIDE,  5000,  die_when_asked, warm_up_again, true},
};

struct talk {
        pid_t pid;
        int socket;
        struct frame_stream stream;
        uint64_t progress; /* of the last frame of progress: `done` */
};

static void begin(struct talk *talk)
{
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        talk->pid = fork();
        if (talk->pid == 0) {
                struct error error = ERROR_NONE;

                close(ends[0]);
                _exit(agent_serve(verbs, LENGTH(verbs), NULL, ends[1], ends[1], &error) < 0 ? 3 : 0);
        }
        close(ends[1]);
        talk->socket = ends[0];
        talk->progress = 0;
        frame_stream_init(&talk->stream, FRAME_BODY_MAXIMUM, 1U << 20);
}

static void ask(struct talk *talk, uint64_t number, const char *verb)
{
        char body[100];

        snprintf(body, sizeof(body), "{\"verb\":\"%s\"}", verb);
        assert_int_equal(frame_stream_queue(&talk->stream, AGENT_REQUEST, number, body, strlen(body)), 0);
        assert_int_equal(frame_stream_flush(&talk->stream, talk->socket), 0);
}

/* The next answer; progress before it is kept. NULL at the end of the stream. */
static json_t *answer(struct talk *talk, uint64_t *ret_number)
{
        for (;;) {
                const char *body = NULL;
                struct frame frame;
                struct pollfd fd = { .fd = talk->socket, .events = POLLIN };
                int r = frame_stream_next(&talk->stream, &frame, &body);

                assert_true(r >= 0);
                if (r > 0) {
                        json_t *json = json_loadb(body, frame.length, 0, NULL);

                        assert_non_null(json);
                        *ret_number = frame.argument;
                        if (frame.verb == AGENT_ANSWER)
                                return json;
                        assert_int_equal(frame.verb, AGENT_PROGRESS);
                        talk->progress = (uint64_t)json_integer_value(json_object_get(json, "done"));
                        json_decref(json);
                        continue;
                }
                assert_int_equal(poll(&fd, 1, ANSWER_MS), 1);
                r = frame_stream_fill(&talk->stream, talk->socket);
                if (r == 0)
                        return NULL;
                assert_int_equal(r, 1);
        }
}

static void wait_progress(struct talk *talk)
{
        while (talk->progress == 0) {
                const char *body = NULL;
                struct frame frame;

                assert_int_equal(frame_stream_fill(&talk->stream, talk->socket), 1);
                if (frame_stream_next(&talk->stream, &frame, &body) == 1 && frame.verb == AGENT_PROGRESS) {
                        json_t *json = json_loadb(body, frame.length, 0, NULL);

                        talk->progress = (uint64_t)json_integer_value(json_object_get(json, "done"));
                        json_decref(json);
                }
        }
}

static void expect(struct talk *talk, uint64_t number, const char *code)
{
        uint64_t got = 0;
        json_t *json = answer(talk, &got);
        const char *said = json_string_value(json_object_get(json, "error"));

        assert_non_null(json);
        assert_int_equal(got, number);
        if (!code)
                assert_true(json_is_true(json_object_get(json, "ok")));
        else if (!said)
                fail_msg("no error, but %s was expected", code);
        else
                assert_string_equal(said, code);
        json_decref(json);
}

static int end(struct talk *talk)
{
        int status = 0;

        close(talk->socket);
        assert_int_equal(waitpid(talk->pid, &status, 0), talk->pid);
        frame_stream_done(&talk->stream);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

/* Also one that nobody has waited for: where there is no init, orphans stay as zombies. */
static bool runs(uint64_t pid)
{
        char path[64], line[300] = "";
        const char *state;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
        file = fopen(path, "re");
        if (!file)
                return false;
        state = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        fclose(file);
        return state && state[1] && state[2] != 'Z' && state[2] != 'X';
}

static bool is_gone(uint64_t pid)
{
        int64_t until = clock_monotonic_ms() + ANSWER_MS;

        while (runs(pid) && clock_monotonic_ms() < until)
                usleep(5000);
        return !runs(pid);
}

/* ---- tests ---- */

static void it_answers_and_ends_with_its_controller(void **state _unused_)
{
        struct talk talk;

        begin(&talk);
        ask(&talk, 1, "at_once");
        expect(&talk, 1, NULL);
        ask(&talk, 2, "refuse");
        expect(&talk, 2, "refused");
        ask(&talk, 3, "die");
        expect(&talk, 3, "failed");
        ask(&talk, 4, "sh -c id");
        expect(&talk, 4, "unknown");
        ask(&talk, 5, "chatter");
        expect(&talk, 5, NULL);
        assert_int_equal(end(&talk), 0);
}

static void it_answers_while_it_works_and_says_that_it_is_busy(void **state _unused_)
{
        struct talk talk;

        begin(&talk);
        ask(&talk, 1, "work");
        wait_progress(&talk);
        ask(&talk, 2, "at_once");
        expect(&talk, 2, NULL);
        ask(&talk, 3, "short"); /* the same group */
        expect(&talk, 3, "busy");
        ask(&talk, 4, "refuse");
        expect(&talk, 4, "refused");
        assert_int_equal(frame_stream_queue(&talk.stream, AGENT_CANCEL, 1, NULL, 0), 0);
        assert_int_equal(frame_stream_flush(&talk.stream, talk.socket), 0);
        expect(&talk, 1, "cancelled");
        assert_true(is_gone(talk.progress)); /* also what it had started */
        ask(&talk, 5, "short"); /* the place is free again */
        expect(&talk, 5, "late");
        assert_int_equal(end(&talk), 0);
}

static void what_works_ends_with_the_connection(void **state _unused_)
{
        struct talk talk;

        begin(&talk);
        ask(&talk, 1, "work");
        wait_progress(&talk);
        assert_int_equal(end(&talk), 0);
        assert_true(is_gone(talk.progress));
}

static void what_works_ends_with_a_killed_agent(void **state _unused_)
{
        struct talk talk;

        begin(&talk);
        ask(&talk, 1, "work");
        wait_progress(&talk);
        kill(talk.pid, SIGKILL);
        assert_int_equal(end(&talk), 256);
        /* The verb's own process ends with its parent; what that had started does when the verb runs it (base/child.h). */
        kill((pid_t)talk.progress, SIGKILL);
}

/* Each ends the conversation, after a word. */
static void who_breaks_the_rules_is_told_and_left(void **state _unused_)
{
        static const struct {
                uint8_t verb;
                uint64_t number;
                uint32_t length;
                bool garbage;
        } wrong[] = {
                { AGENT_REQUEST, 1, AGENT_REQUEST_MAXIMUM + 1, false },
                { AGENT_REQUEST, 1, FRAME_BODY_MAXIMUM, false },
                { AGENT_REQUEST, 0, 0, false },
                { AGENT_ANSWER, 1, 0, false },
                { 99, 1, 0, false },
                { 0, 0, 0, true },
        };

        for (size_t i = 0; i < LENGTH(wrong); i++) {
                const struct frame frame = { .verb = wrong[i].verb, .length = wrong[i].length, .argument = wrong[i].number };
                uint8_t head[FRAME_HEAD_SIZE] = "GET / HTTP/1.1\r";
                uint64_t number = 99;
                struct talk talk;

                begin(&talk);
                if (!wrong[i].garbage)
                        frame_encode(&frame, head);
                assert_int_equal(write(talk.socket, head, sizeof(head)), sizeof(head));
                expect(&talk, 0, "protocol");
                assert_null(answer(&talk, &number));
                assert_int_equal(end(&talk), 3);
        }
}

static void a_number_is_used_once(void **state _unused_)
{
        struct talk talk;

        begin(&talk);
        ask(&talk, 1, "work");
        wait_progress(&talk);
        ask(&talk, 1, "work2");
        expect(&talk, 0, "protocol");
        assert_int_equal(end(&talk), 3);
}

/* Requests without end, and no answer read: the agent keeps a limited number of them and goes. */
static void who_does_not_read_is_left(void **state _unused_)
{
        static const char body[] = "{\"verb\":\"none\"}";
        struct talk talk;
        int r = 0;

        begin(&talk);
        signal(SIGPIPE, SIG_IGN);
        for (uint64_t i = 1; i < 1000000 && r == 0; i++) {
                r = frame_stream_queue(&talk.stream, AGENT_REQUEST, i, body, strlen(body));
                if (r == 0)
                        r = frame_stream_flush(&talk.stream, talk.socket);
        }
        assert_int_equal(r, -EPIPE);
        assert_int_equal(end(&talk), 3);
}

/* Asks for `verb`, which was warm, and returns which process did it. */
static pid_t warm_by(struct talk *talk, uint64_t number, const char *verb)
{
        uint64_t answered = 0;
        json_t *json, *result;
        pid_t pid;

        ask(talk, number, verb);
        json = answer(talk, &answered);
        assert_non_null(json);
        assert_int_equal(answered, number);
        result = json_object_get(json, "result");
        assert_true(json_is_true(json_object_get(result, "warm")));
        pid = (pid_t)json_integer_value(json_object_get(result, "pid"));
        json_decref(json);
        return pid;
}

/* A process of its own for each, or the same one as long as it lives. */
static void who_may_be_needed_again_is_ready(void **state _unused_)
{
        struct talk talk;
        pid_t first, second;

        begin(&talk);
        first = warm_by(&talk, 1, "ready");
        assert_int_not_equal(first, warm_by(&talk, 2, "ready"));
        first = warm_by(&talk, 3, "again");
        assert_int_equal(first, warm_by(&talk, 4, "again"));
        assert_int_equal(first, warm_by(&talk, 5, "again"));
        ask(&talk, 6, "unready");
        expect(&talk, 6, "failed");
        second = warm_by(&talk, 7, "again");
        assert_int_not_equal(first, second);
        assert_int_equal(second, warm_by(&talk, 8, "again"));
        assert_int_equal(end(&talk), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_answers_and_ends_with_its_controller),
                cmocka_unit_test(it_answers_while_it_works_and_says_that_it_is_busy),
                cmocka_unit_test(what_works_ends_with_the_connection),
                cmocka_unit_test(what_works_ends_with_a_killed_agent),
                cmocka_unit_test(who_breaks_the_rules_is_told_and_left),
                cmocka_unit_test(a_number_is_used_once),
                cmocka_unit_test(who_does_not_read_is_left),
                cmocka_unit_test(who_may_be_needed_again_is_ready),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
