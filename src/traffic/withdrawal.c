/* withdrawal.c - withdrawn.json. */
#include "traffic/withdrawal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/lock.h"
#include "base/text.h"

#define FILE_NAME    "withdrawn.json"
#define LOCK_NAME    "withdrawn.lock"
#define FILE_MAXIMUM 8192
#define LOCK_MS      10000

/* ---- text ---- */

static bool copy_text(const json_t *root, const char *key, char *to, size_t size)
{
        const char *text = json_string_value(json_object_get(root, key));

        if (!text || strlen(text) >= size || !text_is_printable(text, strlen(text)))
                return false;
        memcpy(to, text, strlen(text) + 1);
        return true;
}

static bool take_ports(const json_t *list, struct filter_ports *ports)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *text = json_string_value(json_array_get(list, i));

                if (!text || filter_port_add(ports, text, NULL) < 0)
                        return false;
        }
        return ports->count > 0;
}

int withdrawal_parse(const char *bytes, size_t length, struct withdrawal *ret_withdrawal, struct error *err)
{
        struct withdrawal read = { .present = true };
        json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
        const char *since = json_string_value(json_object_get(root, "since"));
        bool good = since && clock_parse_utc(since, &read.since) == 0 &&
                    copy_text(root, "reason", read.reason, sizeof(read.reason)) &&
                    copy_text(root, "actor", read.actor, sizeof(read.actor)) &&
                    take_ports(json_object_get(root, "ports"), &read.ports);

        json_decref(root);
        if (!good)
                read = (struct withdrawal){ .present = true, .ports = filter_web_ports };
        *ret_withdrawal = read;
        return good ? 0
                    : error_set(err, -EBADMSG,
                                _("%s in the state cannot be understood, which counts as a withdrawal; run understudy "
                                  "withdraw again"),
                                FILE_NAME);
}

int withdrawal_format(const struct withdrawal *withdrawal, struct buffer *out)
{
        json_t *ports = json_array(), *root;
        char since[CLOCK_TEXT_SIZE], *text;
        int r;

        for (size_t i = 0; ports && i < withdrawal->ports.count; i++) {
                char port[FILTER_PORT_SIZE];

                filter_port_text(&withdrawal->ports.list[i], port);
                json_array_append_new(ports, json_string(port));
        }
        clock_format_utc(withdrawal->since, since);
        root = json_pack("{s:s, s:o, s:s, s:s}", "actor", withdrawal->actor, "ports", ports, "reason",
                         withdrawal->reason, "since", since);
        text = root ? json_dumps(root, JSON_COMPACT) : NULL;
        r = text ? buffer_printf(out, "%s\n", text) : -ENOMEM;
        free(text);
        json_decref(root);
        return r;
}

/* ---- the file ---- */

static int open_state(const char *state_directory, struct error *err)
{
        int fd = fault_point(FAULT_OPEN) ? -1 : open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? error_errno(err, errno, _("cannot open the state folder %s"), state_directory) : fd;
}

int withdrawal_read(const char *state_directory, struct withdrawal *ret_withdrawal, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        struct error error = ERROR_NONE;
        _cleanup_(fd_closep) int folder = open_state(state_directory, &error);
        int r = folder < 0 ? folder : file_read(folder, FILE_NAME, &text, &error);

        if (r == -ENOENT) {
                *ret_withdrawal = (struct withdrawal){ .present = false };
                return 0;
        }
        if (r == 0 || r == -E2BIG)
                return withdrawal_parse(buffer_text(&text), r < 0 ? 0 : text.length, ret_withdrawal, err);
        if (err)
                *err = error;
        return r;
}

int withdrawal_write(const char *state_directory, const struct withdrawal *withdrawal, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(FILE_MAXIMUM);
        _cleanup_(fd_closep) int folder = -1;
        int r = directory_make(AT_FDCWD, state_directory, 0700, err);

        if (r < 0)
                return r;
        folder = open_state(state_directory, err);
        if (folder < 0)
                return folder;
        if (withdrawal_format(withdrawal, &text) < 0)
                return error_memory(err);
        return file_replace(folder, FILE_NAME, text.data, text.length, 0600, err);
}

int withdrawal_remove(const char *state_directory, struct error *err)
{
        _cleanup_(fd_closep) int folder = open_state(state_directory, err);

        if (folder < 0)
                return folder;
        if ((unlinkat(folder, FILE_NAME, 0) < 0 && errno != ENOENT) || fd_sync(folder) < 0)
                return error_errno(err, errno, _("cannot remove %s from the state"), FILE_NAME);
        return 0;
}

int withdrawal_lock(const char *state_directory, struct error *err)
{
        _cleanup_(fd_closep) int folder = -1, lock = -1;
        int r = directory_make(AT_FDCWD, state_directory, 0700, err);

        if (r < 0)
                return r;
        folder = open_state(state_directory, err);
        if (folder < 0)
                return folder;
        lock = openat(folder, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (lock < 0)
                return error_errno(err, errno, _("cannot open %s in the state"), LOCK_NAME);
        r = lock_wait(lock, LOCK_EX, LOCK_MS);
        if (r == -EBUSY)
                return error_set(err, -EBUSY, _("another withdraw is at work on this server"));
        return r < 0 ? error_errno(err, -r, _("cannot lock %s in the state"), LOCK_NAME) : fd_steal(&lock);
}
