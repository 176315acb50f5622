/* peers.c - one file a server in a shared folder. */
#include "notify/peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/ed25519.h"

#define ENTRIES_MAXIMUM 4096 /* names that are looked at in one pass */

struct peer {
        char name[BEAT_NAME_SIZE];
        struct deadman_seen seen;
        struct beat last;
        bool heard, alerted;
        int64_t seen_ms, interval_ms;
        char trouble[200]; /* why its newest file does not count; empty: it does */
        char trouble_english[200];
};

struct peers {
        char folder[PATH_MAX];
        struct beat own;
        struct webhook_key key;
        struct peer list[PEERS_MAXIMUM];
        size_t count;
};

/* ---- opening ---- */

static struct peer *add(struct peers *peers, const char *name)
{
        struct peer *peer = &peers->list[peers->count];

        if (peers->count == PEERS_MAXIMUM)
                return NULL;
        snprintf(peer->name, sizeof(peer->name), "%s", name);
        peer->seen_ms = clock_monotonic_ms(); /* it has its three intervals from now on */
        peer->interval_ms = (int64_t)peers->own.interval_s * 1000;
        peers->count++;
        return peer;
}

static struct peer *find(struct peers *peers, const char *name)
{
        for (size_t i = 0; i < peers->count; i++)
                if (text_equal(peers->list[i].name, name))
                        return &peers->list[i];
        return NULL;
}

static int open_folder(const struct peers *peers, struct error *err)
{
        int fd = open(peers->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, _("cannot open the folder %s of the peers"), peers->folder) : fd;
}

int peers_open(const char *folder, const char *own_name, const char *const *names, size_t count, const char *key_file,
               uint32_t interval_s, struct peers **ret_peers, struct error *err)
{
        _cleanup_(peers_closep) struct peers *peers = memory_new(1, sizeof(*peers));
        _cleanup_(fd_closep) int fd = -1;
        uint64_t chance = 0;
        int r;

        if (!peers)
                return error_memory(err);
        if (!beat_name_is_good(own_name) || interval_s == 0 || interval_s > DEADMAN_INTERVAL_MAXIMUM)
                return error_usage(err,
                                   _("'%s' cannot be the name of a server among its peers, or its interval is none"),
                                   own_name);
        snprintf(peers->folder, sizeof(peers->folder), "%s", folder);
        snprintf(peers->own.name, sizeof(peers->own.name), "%s", own_name);
        peers->own.interval_s = interval_s;
        for (size_t i = 0; i < count; i++)
                if (!beat_name_is_good(names[i]) || (!find(peers, names[i]) && !add(peers, names[i])))
                        return error_usage(err, _("'%s' cannot be the name of a peer, or there are too many"),
                                           names[i]);
        r = key_file ? webhook_key_read(key_file, &peers->key, err) : 0;
        if (r == 0)
                r = random_secret(&chance, sizeof(chance), err);
        if (r < 0)
                return r;
        snprintf(peers->own.instance, sizeof(peers->own.instance), "%016" PRIx64, chance);
        fd = open_folder(peers, err);
        if (fd < 0)
                return fd;
        *ret_peers = peers;
        peers = NULL;
        return 0;
}

void peers_close(struct peers *peers)
{
        if (!peers)
                return;
        memory_wipe(&peers->key, sizeof(peers->key));
        free(peers);
}

void peers_closep(struct peers **peers)
{
        peers_close(*peers);
}

/* ---- writing ---- */

int peers_beat(struct peers *peers, bool stopping, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(BEAT_MAXIMUM);
        _cleanup_(fd_closep) int folder = open_folder(peers, err);
        int r;

        if (folder < 0)
                return folder;
        peers->own.sequence++;
        peers->own.time = clock_now();
        peers->own.stopping = stopping;
        r = beat_format(&peers->own, &peers->key, &text, err);
        return r < 0 ? r : file_replace(folder, peers->own.name, text.data, text.length, 0644, err);
}

/* ---- watching ---- */

static void take(struct peers *peers, struct peer *peer, int folder)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(BEAT_MAXIMUM);
        struct error error = ERROR_NONE;
        struct beat beat;
        int r = file_read(folder, peer->name, &text, &error);

        if (r == 0)
                r = beat_parse(buffer_text(&text), text.length, &peers->key, &beat, &error);
        if (r == 0 && !text_equal(beat.name, peer->name))
                r = error_set(&error, -EBADMSG, _("it is the heartbeat of %s"), beat.name);
        snprintf(peer->trouble, sizeof(peer->trouble), "%.199s", r < 0 ? error.text : "");
        snprintf(peer->trouble_english, sizeof(peer->trouble_english), "%.199s", r < 0 ? error.english : "");
        if (r < 0 || !deadman_is_new(&peer->seen, &beat))
                return;
        peer->heard = true;
        peer->last = beat;
        peer->seen_ms = clock_monotonic_ms();
        peer->interval_ms =
                (int64_t)(beat.interval_s < peers->own.interval_s ? beat.interval_s : peers->own.interval_s) * 1000;
}

/* Everybody who has a file here. */
static int meet(struct peers *peers, int folder, struct error *err)
{
        int fd = open_beneath(folder, ".", O_RDONLY | O_DIRECTORY, 0, BENEATH_STRICT), entries = 0;
        DIR *names = fd >= 0 ? fdopendir(fd) : NULL;

        if (!names) {
                int r = error_errno(err, fd < 0 ? -fd : errno, _("cannot read the folder %s of the peers"),
                                    peers->folder);

                fd_close(&fd);
                return r;
        }
        for (struct dirent *one = readdir(names); one && entries++ < ENTRIES_MAXIMUM; one = readdir(names))
                if (beat_name_is_good(one->d_name) && !text_equal(one->d_name, peers->own.name) &&
                    !find(peers, one->d_name))
                        (void)add(peers, one->d_name);
        closedir(names);
        return 0;
}

static void write_sentence(const struct peer *peer, const char *trouble, enum deadman_verdict verdict, int64_t silent_s,
                           char *what, size_t size)
{
        char when[CLOCK_TEXT_SIZE];

        clock_format_utc(peer->last.time, when);
        if (verdict == DEADMAN_RECOVERED)
                snprintf(what, size, _("the guard of %s is heard again"), peer->name);
        else if (!peer->heard)
                snprintf(what, size, _("the guard of %s was never heard in %" PRId64 " seconds%s%s"), peer->name,
                         silent_s, *trouble ? ": " : "", trouble);
        else if (peer->last.stopping)
                snprintf(what, size, _("the guard of %s was stopped at %s by its own words"), peer->name, when);
        else
                snprintf(what, size,
                         _("the guard of %s has been silent for %" PRId64 " seconds, its last word is of %s%s%s"),
                         peer->name, silent_s, when, *trouble ? ": " : "", trouble);
}

static void judge(struct peer *peer, void (*tell)(void *context, const struct peer_event *event), void *context)
{
        int64_t now = clock_monotonic_ms();
        enum deadman_verdict verdict = notify_deadman_check(peer->seen_ms, peer->interval_ms, now, peer->alerted);
        struct peer_event event = { .verdict = verdict, .name = peer->name, .silent_s = (now - peer->seen_ms) / 1000 };
        char what[600], english[600];
        bool before;

        if (verdict == DEADMAN_QUIET)
                return;
        peer->alerted = verdict == DEADMAN_ALERT;
        event.last = peer->heard ? &peer->last : NULL;
        write_sentence(peer, peer->trouble, verdict, event.silent_s, what, sizeof(what));
        before = i18n_english(true);
        write_sentence(peer, peer->trouble_english, verdict, event.silent_s, english, sizeof(english));
        (void)i18n_english(before);
        event.what = what;
        event.english = english;
        tell(context, &event);
}

int peers_watch(struct peers *peers, void (*tell)(void *context, const struct peer_event *event), void *context,
                struct error *err)
{
        _cleanup_(fd_closep) int folder = open_folder(peers, err);
        int r = folder < 0 ? folder : meet(peers, folder, err);

        for (size_t i = 0; i < peers->count; i++) {
                if (folder >= 0)
                        take(peers, &peers->list[i], folder);
                judge(&peers->list[i], tell, context);
        }
        return r;
}
