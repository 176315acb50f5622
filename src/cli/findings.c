/* findings.c - findings and hosts as lines and as JSON. */
#include "cli/findings.h"

#include <inttypes.h>
#include <pwd.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"
#include "cli/command.h"

#define NAME_MAXIMUM 20000 /* bytes of an escaped path */

const char *finding_name(struct buffer *buffer, const char *name)
{
        buffer->maximum = NAME_MAXIMUM;
        buffer_clear(buffer);
        if (!*name)
                return ".";
        return text_escape(buffer, name, strlen(name)) < 0 ? "?" : buffer_text(buffer);
}

void findings_print(FILE *out, const struct review *review, size_t most)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(NAME_MAXIMUM), detail = BUFFER_INIT(NAME_MAXIMUM);
        size_t notes = 0, left = 0;

        for (size_t i = 0; i < review->finding_count; i++) {
                const struct finding *finding = &review->findings[i];

                if (!finding->planted && notes++ >= most) {
                        left++;
                        continue;
                }
                fprintf(out, "  %s %s: ", finding->planted ? "!!" : "--", finding_name(&path, finding->path));
                fprintf(out, "%s\n", finding_name(&detail, finding->detail));
        }
        if (left + review->findings_dropped)
                fprintf(out, _("  and %" PRIu64 " more notes\n"), (uint64_t)left + review->findings_dropped);
}

void hosts_print(FILE *out, const struct review *review)
{
        _cleanup_(buffer_done) struct buffer path = BUFFER_INIT(NAME_MAXIMUM);

        for (size_t i = 0; i < review->host_count; i++) {
                const struct review_host *host = &review->hosts[i];

                fprintf(out, "  %s %s (%s): ", host->lone ? "**" : "--", host->name,
                        host->script ? _("script") : _("frame"));
                for (size_t k = 0; k < host->path_count && k < 3; k++)
                        fprintf(out, "%s%s", k ? ", " : "", finding_name(&path, host->paths[k]));
                if (host->files > 3)
                        fprintf(out, _(" and %" PRIu64 " more"), host->files - 3);
                fputc('\n', out);
        }
}

json_t *findings_json(const struct review *review)
{
        json_t *list = json_array();

        for (size_t i = 0; i < review->finding_count; i++) {
                const struct finding *finding = &review->findings[i];
                const char *path = *finding->path ? finding->path : ".";

                json_array_append_new(list,
                                      json_pack("{s:o, s:s, s:b, s:o}", "path", command_json_name(path, strlen(path)),
                                                "kind", finding_kind_name(finding->kind), "planted", finding->planted,
                                                "detail", command_json_name(finding->detail, strlen(finding->detail))));
        }
        return list;
}

json_t *hosts_json(const struct review *review)
{
        json_t *list = json_array();

        for (size_t i = 0; i < review->host_count; i++) {
                const struct review_host *host = &review->hosts[i];
                json_t *paths = json_array();

                for (size_t k = 0; k < host->path_count; k++)
                        json_array_append_new(paths, command_json_name(host->paths[k], strlen(host->paths[k])));
                json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:b, s:b, s:b}", "host", host->name, "files",
                                                      (json_int_t)host->files, "paths", paths, "script", host->script,
                                                      "frame", host->frame, "lone", host->lone));
        }
        return list;
}

int64_t web_user(const char *name)
{
        static const char *const usual[] = { "www-data", "apache", "nginx", "http", "wwwrun", "www" };
        const struct passwd *user = name ? getpwnam(name) : NULL;

        for (size_t i = 0; i < LENGTH(usual) && !name && !user; i++)
                user = getpwnam(usual[i]);
        return user ? (int64_t)user->pw_uid : -1;
}
