/* agent_client_ssh.c - the ssh under an agent_client. */
#include "traffic/agent_client_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "traffic/agent.h"

#define WORDS_LINE 200 /* bytes of them that are shown */

struct ends {
        int input[2], output[2], error[2]; /* of the child: [0] is read, [1] is written */
};

static void ends_done(struct ends *ends)
{
        for (int i = 0; i < 2; i++) {
                fd_close(&ends->input[i]);
                fd_close(&ends->output[i]);
                fd_close(&ends->error[i]);
        }
}

/* The last line with something in it, for a sentence. */
static void last_line(char *words)
{
        size_t length = strlen(words);
        char *line;

        while (length > 0 && strchr("\r\n ", words[length - 1]))
                words[--length] = '\0';
        line = strrchr(words, '\n');
        if (line)
                memmove(words, line + 1, strlen(line));
        if (strlen(words) > WORDS_LINE)
                words[WORDS_LINE] = '\0';
}

void agent_client_listen(struct agent_client *client)
{
        char bytes[1024];
        ssize_t n;

        while ((n = read(client->error, bytes, sizeof(bytes))) > 0) {
                size_t have = strlen(client->words), more = (size_t)n;
                const char *from = bytes;

                for (size_t i = 0; i < more; i++)
                        if (bytes[i] == '\0')
                                bytes[i] = ' ';
                if (more > WORDS_SIZE - 1) {
                        from += more - (WORDS_SIZE - 1);
                        more = WORDS_SIZE - 1;
                }
                if (have + more > WORDS_SIZE - 1) {
                        size_t drop = have + more - (WORDS_SIZE - 1);

                        memmove(client->words, client->words + drop, have - drop);
                        have -= drop;
                }
                memcpy(client->words + have, from, more);
                client->words[have + more] = '\0';
        }
        if (n == 0) /* it may close that and live on */
                fd_close(&client->error);
}

void agent_client_stop(struct agent_client *client)
{
        if (!client->pid)
                return;
        if (client->error >= 0)
                agent_client_listen(client);
        last_line(client->words);
        kill(client->pid, SIGKILL);
        child_wait(client->pid, client->ssh, NULL);
        client->pid = 0;
        fd_close(&client->in);
        fd_close(&client->out);
        fd_close(&client->error);
        frame_stream_done(&client->stream);
        client->greeted = false;
}

int agent_client_start(struct agent_client *client, struct error *err)
{
        /*
         * BatchMode: nobody is there to be asked. StrictHostKeyChecking: a key that is not known is somebody else.
         * What the forced command's side could be offered besides standard input and output is off on ours, too.
         */
        const char *argv[32] = { client->ssh, "-T", "-x", "-a", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes",
                                 "-oClearAllForwardings=yes", "-oPermitLocalCommand=no", "-oControlMaster=no",
                                 "-oControlPath=none", "-oConnectTimeout=5", "-oServerAliveInterval=2",
                                 "-oServerAliveCountMax=3", "-oEscapeChar=none", "-oLogLevel=ERROR" };
        _cleanup_(ends_done) struct ends ends = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
        size_t n = 15;
        struct child_options options;
        int r;

        if (client->ssh_config) {
                argv[n++] = "-F";
                argv[n++] = client->ssh_config;
        }
        argv[n++] = "--";
        argv[n++] = client->destination;
        argv[n++] = "understudy agent"; /* what runs is the forced command; this is for who reads sshd's log */
        argv[n] = NULL;
        if (pipe2(ends.input, O_CLOEXEC) < 0 || pipe2(ends.output, O_CLOEXEC) < 0 || pipe2(ends.error, O_CLOEXEC) < 0)
                return error_errno(err, errno, _("cannot start %s for %s"), client->ssh, client->name);
        options = (struct child_options){ .input = ends.input[0],
                                          .output_descriptor = ends.output[1],
                                          .error_descriptor = ends.error[1] };
        r = child_start(argv, &options, &client->pid, err);
        if (r < 0) {
                client->pid = 0;
                return r;
        }
        fcntl(ends.input[1], F_SETFL, O_NONBLOCK);
        fcntl(ends.output[0], F_SETFL, O_NONBLOCK);
        fcntl(ends.error[0], F_SETFL, O_NONBLOCK);
        client->out = fd_steal(&ends.input[1]);
        client->in = fd_steal(&ends.output[0]);
        client->error = fd_steal(&ends.error[0]);
        client->words[0] = '\0';
        frame_stream_init(&client->stream, FRAME_BODY_MAXIMUM, AGENT_QUEUE_MAXIMUM);
        return 0;
}
