#include "notice.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#define LINE_SIZE   4096
#define ANSWER_SIZE 65536

static int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "notice taro%40example.org\n" (RFC 3986); 0: the name is too long. */
static size_t write_line(const char *verb, const char *account, char line[static LINE_SIZE])
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        size_t used = (size_t)snprintf(line, LINE_SIZE, "%s ", verb);

        for (; *account; account++) {
                if (used + 5 > LINE_SIZE)
                        return 0;
                if (strchr(plain, *account))
                        line[used++] = *account;
                else
                        used += (size_t)snprintf(line + used, LINE_SIZE - used, "%%%02X", (unsigned char)*account);
        }
        line[used++] = '\n';
        return used;
}

static int connect_to(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        if (strlen(path) >= sizeof(address.sun_path))
                return -1;
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -1;
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        close(fd);
        return -1;
}

static bool is_ready(int fd, short events, int64_t until)
{
        struct pollfd one = { .fd = fd, .events = events };
        int64_t left = until - now_ms();

        return left > 0 && poll(&one, 1, (int)left) == 1;
}

/* One line there, one line back, before the time is over: a new reference, or NULL with words. */
static json_t *exchange(const char *socket, const char *line, size_t length, const char **ret_words)
{
        const int64_t until = now_ms() + NOTICE_MS;
        char answer[ANSWER_SIZE];
        json_t *json = NULL;
        size_t used = 0;
        int fd = length ? connect_to(socket) : -1;

        *ret_words = "the service of notices is not there";
        if (fd < 0)
                return NULL;
        *ret_words = "the service of notices does not answer in time";
        if (is_ready(fd, POLLOUT, until) && send(fd, line, length, MSG_NOSIGNAL) == (ssize_t)length)
                while (used < sizeof(answer) && (used == 0 || answer[used - 1] != '\n') && is_ready(fd, POLLIN, until)) {
                        ssize_t n = recv(fd, answer + used, sizeof(answer) - used, 0);

                        if (n <= 0)
                                break;
                        used += (size_t)n;
                }
        close(fd);
        if (used && answer[used - 1] == '\n') {
                json = json_loadb(answer, used, 0, NULL);
                *ret_words = "the service of notices answers with what is none";
        }
        return json;
}

static void copy_text(const char *text, char *ret_text, size_t size)
{
        size_t length = strlen(text);

        if (length >= size)
                for (length = size - 1; length && ((unsigned char)text[length] & 0xc0) == 0x80;)
                        length--;
        memcpy(ret_text, text, length);
        ret_text[length] = '\0';
}

enum notice_answer notice_ask(const char *socket, const char *account, const char *language, char *ret_text, size_t size,
                              const char **ret_words)
{
        char line[LINE_SIZE];
        json_t *answer = exchange(socket, line, write_line("notice", account, line), ret_words), *notice;
        enum notice_answer found = NOTICE_SILENT;
        const char *text;

        *ret_text = '\0';
        notice = json_object_get(answer, "notice");
        if (json_is_null(notice))
                found = NOTICE_NONE;
        text = json_string_value(json_object_get(notice, language));
        for (const char *const *other = (const char *const[]){ "en", "ja", NULL }; *other && (!text || !*text); other++)
                text = json_string_value(json_object_get(notice, *other));
        if (text && *text) {
                copy_text(text, ret_text, size);
                found = NOTICE_THERE;
        }
        json_decref(answer);
        return found;
}

bool notice_acknowledge(const char *socket, const char *account)
{
        char line[LINE_SIZE];
        const char *words;
        json_t *answer = exchange(socket, line, write_line("acknowledge", account, line), &words);
        bool done = json_integer_value(json_object_get(answer, "acknowledged")) > 0;

        json_decref(answer);
        return done;
}
