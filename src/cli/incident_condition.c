/* incident_condition.c - who could have been harmed: the condition of an analyst, signed by him with minisign(1). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "cli/incident.h"
#include "crypto/signature.h"
#include "incident/susceptible.h"

/* One line; its newline is not of the condition. */
static int take_line(struct incident_request *request, const struct buffer *text, const char *path, struct error *err)
{
        size_t length = text->length;

        if (length && text->data[length - 1] == '\n')
                length--;
        if (!length || length >= sizeof(request->condition) || !text_is_printable(text->data, length))
                return error_usage(err, _("%s holds no condition: one line, as agent=MSIE,fresh,logged-out"), path);
        snprintf(request->condition, sizeof(request->condition), "%.*s", (int)length, text->data);
        request->susceptible = request->condition;
        return 0;
}

int incident_condition_take(struct incident_request *request, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(SUSCEPTIBLE_TEXT);
        _cleanup_(buffer_done) struct buffer signature_text = BUFFER_INIT(SIGNATURE_MAXIMUM);
        const char *path = request->susceptible_from;
        char name[PATH_MAX], key[KEY_ID_TEXT_SIZE];
        struct signature signature;
        struct public_key pub;
        int r;

        if (!path)
                return 0;
        if (request->susceptible || !request->pub_path)
                return error_usage(err, _("--susceptible-from needs the key that has signed it (--pub FILE), and no --susceptible"));
        if ((size_t)snprintf(name, sizeof(name), "%s.minisig", path) >= sizeof(name))
                return error_usage(err, _("the path %s is too long"), path);
        r = public_key_read(request->pub_path, &pub, err);
        if (r == 0)
                r = file_read(AT_FDCWD, path, &text, err);
        if (r == 0)
                r = file_read(AT_FDCWD, name, &signature_text, err);
        if (r == 0)
                r = signature_parse(buffer_text(&signature_text), signature_text.length, &signature, err);
        if (r == 0)
                r = signature_verify(&signature, &pub, buffer_text(&text), text.length, path, err);
        if (r < 0)
                return r;
        public_key_id_text(&pub, key);
        snprintf(request->susceptible_by, sizeof(request->susceptible_by), "key %s", key);
        return take_line(request, &text, path, err);
}

int incident_condition_put(struct incident_request *request, struct casebook *book, int64_t number, struct error *err)
{
        const char *by = *request->susceptible_by ? request->susceptible_by : request->name ? request->name : "";

        journal_sink_add(&request->journal, "incident_fact", NULL,
                         json_pack("{s:I, s:s, s:o, s:o}", "incident", (json_int_t)number, "key", "susceptible", "text",
                                   command_json_name(request->susceptible, strlen(request->susceptible)), "by",
                                   command_json_name(by, strlen(by))),
                         "incident %lld: who could have been harmed was entered", (long long)number);
        journal_sink_commit(&request->journal);
        return casebook_put_fact(book, number, "susceptible", request->susceptible, by, incident_now_us(), err);
}
