#include "cli/controller_alerts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"
#include "notify/notify.h"

#define SILENT_MS 10000 /* an ssh that is made again is no silence */
#define SERVERS   8

struct silence {
        const struct config_server *server;
        int64_t since_ms; /* not connected since; 0: connected */
        bool told;
};

struct controller_alerts {
        struct notify *notify; /* NULL: nobody is to be told */
        struct silence silences[SERVERS];
};

static void note(void *context _unused_, const char *sentence)
{
        fprintf(stderr, "understudy: %s\n", sentence);
}

int controller_alerts_open(const struct config *config, const char *state, struct controller_alerts **ret_alerts,
                           struct error *err)
{
        static struct notify_target targets[NOTIFY_TARGETS_MAXIMUM];
        const struct notify_options options = { .site = config->site, .note = note };
        struct controller_alerts *alerts = memory_new(1, sizeof(*alerts));
        size_t count = 0;
        int r = 0;

        if (!alerts)
                return error_memory(err);
        if (config->alerts.count > NOTIFY_TARGETS_MAXIMUM)
                r = error_usage(err, _("at most %d targets can be alerted"), NOTIFY_TARGETS_MAXIMUM);
        for (size_t i = 0; i < config->alerts.count && r == 0; i++)
                r = notify_target_parse(config->alerts.items[i], &targets[count++], err);
        if (r == 0 && count)
                r = notify_open(state, "controller", targets, count, &options, &alerts->notify, err);
        if (r < 0) {
                free(alerts);
                return r;
        }
        *ret_alerts = alerts;
        return 0;
}

void controller_alerts_closep(struct controller_alerts **alerts)
{
        if (*alerts)
                notify_close((*alerts)->notify);
        free(*alerts);
}

static void post(struct controller_alerts *alerts, enum alert_severity severity, const char *server, const char *kind,
                 const char *sentence)
{
        const struct alert alert = { .severity = severity, .server = server, .kind = kind, .what = sentence, .group = kind };
        struct error error = ERROR_NONE;

        if (alerts->notify && notify_post(alerts->notify, &alert, &error) < 0)
                note(NULL, error.text);
}

void controller_alerts_tell(struct controller_alerts *alerts, enum alert_severity severity, const char *kind,
                            const char *sentence)
{
        post(alerts, severity, NULL, kind, sentence);
}

static struct silence *find(struct controller_alerts *alerts, const struct config_server *server)
{
        for (size_t i = 0; i < SERVERS; i++) {
                struct silence *silence = &alerts->silences[i];

                if (!silence->server)
                        silence->server = server;
                if (silence->server == server)
                        return silence;
        }
        return NULL;
}

void controller_alerts_hear(struct controller_alerts *alerts, const struct config_server *server, bool connected)
{
        struct silence *silence = find(alerts, server);
        const int64_t now = clock_monotonic_ms();
        char sentence[ALERT_WHAT_MAXIMUM];

        if (!silence)
                return;
        if (!silence->since_ms || connected)
                silence->since_ms = connected ? 0 : now;
        if (connected ? !silence->told : silence->told || now - silence->since_ms < SILENT_MS)
                return;
        silence->told = !connected;
        snprintf(sentence, sizeof(sentence), connected ? _("%s answers again") :
                 _("%s does not answer any more: neither its state nor whether it is genuine is known"), server->name);
        note(NULL, sentence);
        post(alerts, connected ? ALERT_INFORMATIONAL : ALERT_HIGH, server->name,
             connected ? "heartbeat_back" : "heartbeat_lost", sentence);
}

struct pollfd controller_alerts_poll(const struct controller_alerts *alerts)
{
        return (struct pollfd){ .fd = alerts->notify ? notify_fd(alerts->notify) : -1, .events = POLLIN };
}

int controller_alerts_wait_ms(const struct controller_alerts *alerts)
{
        return alerts->notify ? notify_wait_ms(alerts->notify) : -1;
}

void controller_alerts_tick(struct controller_alerts *alerts)
{
        if (alerts->notify)
                notify_tick(alerts->notify);
}
