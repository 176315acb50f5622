#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "i18n.h"
#include "text.h"

/* Copies text into a sentence from `at` on; a control character could move a terminal's cursor or forge a log line,
 * a bidi control turns what stands behind it, and a byte that is not UTF-8 could be one to an old terminal. */
static size_t append_escaped(char sentence[static ERROR_TEXT_SIZE], size_t at, const char *text)
{
        while (*text && at + 4 * 4 + 1 < ERROR_TEXT_SIZE) { /* four bytes as \ooo */
                size_t length = text_utf8_length(text, strnlen(text, 4));

                if (length > 0 && text_letter_shown(text, length)) {
                        memcpy(sentence + at, text, length);
                        at += length;
                        text += length;
                        continue;
                }
                for (size_t left = length > 0 ? length : 1; left > 0; left--, text++)
                        at += (size_t)snprintf(sentence + at, ERROR_TEXT_SIZE - at, "\\%03o", (unsigned char)*text);
        }
        sentence[at] = '\0';
        return at;
}

/* What was cut to fit must not end in the middle of a letter. */
static void drop_half_letter(char *text)
{
        size_t length = strlen(text), back = 0;

        while (back < 3 && back + 1 < length && ((unsigned char)text[length - 1 - back] & 0xc0) == 0x80)
                back++;
        if (length > 0 && text_utf8_length(text + length - 1 - back, back + 1) == 0)
                text[length - 1 - back] = '\0';
}

static void write_raw(char text[static ERROR_TEXT_SIZE], const char *format, va_list arguments)
{
        va_list copy;

        va_copy(copy, arguments);
        if (vsnprintf(text, ERROR_TEXT_SIZE, format, copy) >= ERROR_TEXT_SIZE)
                drop_half_letter(text);
        va_end(copy);
}

/* The English sentence behind a translated format, also where the format is but "%s" for a translated sentence. */
static void write_english(char text[static ERROR_TEXT_SIZE], const char *format, va_list arguments)
{
        va_list copy;

        if (strcmp(format, "%s") != 0) {
                write_raw(text, i18n_source(format), arguments);
                return;
        }
        va_copy(copy, arguments);
        snprintf(text, ERROR_TEXT_SIZE, "%s", i18n_source(va_arg(copy, const char *)));
        va_end(copy);
        drop_half_letter(text);
}

static void fill(struct error *err, int code, enum exit_status status, const char *format, va_list arguments)
{
        char text[ERROR_TEXT_SIZE];

        if (!err)
                return;
        err->code = code;
        err->status = status;
        write_raw(text, format, arguments);
        append_escaped(err->text, 0, text);
        write_english(text, format, arguments);
        append_escaped(err->english, 0, text);
}

int error_set(struct error *err, int code, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fill(err, code, EXIT_FAILED, format, arguments);
        va_end(arguments);
        return code;
}

int error_errno(struct error *err, int errnum, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fill(err, -errnum, EXIT_FAILED, format, arguments);
        va_end(arguments);
        if (err) {
                size_t at = append_escaped(err->text, strlen(err->text), ": ");
                const char *words = strerrordesc_np(errnum);

                append_escaped(err->text, at, strerror(errnum));
                at = append_escaped(err->english, strlen(err->english), ": ");
                append_escaped(err->english, at, words ? words : "unknown error");
        }
        return -errnum;
}

int error_usage(struct error *err, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fill(err, -EINVAL, EXIT_USAGE, format, arguments);
        va_end(arguments);
        return -EINVAL;
}

int error_refuse(struct error *err, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fill(err, -EPERM, EXIT_REFUSED, format, arguments);
        va_end(arguments);
        return -EPERM;
}

static void put_before(char sentence[static ERROR_TEXT_SIZE], const char *before)
{
        char after[ERROR_TEXT_SIZE];
        size_t at;

        memcpy(after, sentence, sizeof(after));
        at = append_escaped(sentence, 0, before);
        at = append_escaped(sentence, at, ": ");
        append_escaped(sentence, at, after);
}

int error_prefix(struct error *err, const char *format, ...)
{
        char before[ERROR_TEXT_SIZE];
        va_list arguments;

        if (!err)
                return 0;
        va_start(arguments, format);
        write_raw(before, format, arguments);
        put_before(err->text, before);
        write_english(before, format, arguments);
        put_before(err->english, before);
        va_end(arguments);
        return err->code;
}

int error_memory(struct error *err)
{
        return error_set(
                err, -ENOMEM, "%s",
                _("there is not enough memory; close other programs or add memory, then run the same command again"));
}
