/*
 * finding.c - a review's lists: findings and hosts, both with a limit, and their order.
 */
#include "review/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

const char *finding_kind_name(enum finding_kind kind)
{
        static const char *const names[FINDING_KIND_COUNT] = {
                [FINDING_SHADOW] = "shadow",     [FINDING_CONTROL] = "control",
                [FINDING_UPLOAD] = "upload",     [FINDING_EXTENSION] = "extension",
                [FINDING_DISGUISE] = "disguise", [FINDING_OBFUSCATED] = "obfuscated",
                [FINDING_FRAME] = "frame",       [FINDING_HOST] = "host",
                [FINDING_CHECKSUM] = "checksum", [FINDING_TIME] = "time",
                [FINDING_OWNER] = "owner",       [FINDING_MODE] = "mode",
                [FINDING_TYPE] = "type",         [FINDING_LINK] = "link",
                [FINDING_MOUNT] = "mount",       [FINDING_UNREADABLE] = "unreadable",
                [FINDING_CHANGED] = "changed",
        };

        return names[kind];
}

int review_add(struct review *review, enum finding_kind kind, bool planted, const char *path, const char *format, ...)
{
        struct finding finding = { .kind = kind, .planted = planted };
        char detail[1024];
        va_list arguments;

        review->planted += planted;
        if (review->finding_count == REVIEW_FINDINGS_MAXIMUM) {
                review->findings_dropped++;
                return 0;
        }
        va_start(arguments, format);
        vsnprintf(detail, sizeof(detail), format, arguments);
        va_end(arguments);
        finding.path = memory_string(path);
        finding.detail = memory_string(detail);
        if (!finding.path || !finding.detail ||
            memory_grow(&review->findings, review->finding_count, sizeof(finding)) < 0) {
                free(finding.path);
                free(finding.detail);
                return -ENOMEM;
        }
        review->findings[review->finding_count++] = finding;
        return 0;
}

/* Index of the host, or where it belongs. */
static size_t host_index(const struct review *review, const char *name)
{
        size_t low = 0, high = review->host_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(review->hosts[middle].name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int review_add_host(struct review *review, const struct content_host *host, const char *path, bool only_static)
{
        size_t i = host_index(review, host->name);
        struct review_host *slot;

        if (i == review->host_count || !text_equal(review->hosts[i].name, host->name)) {
                struct review_host new = { .name = NULL, .lone = true };

                if (review->host_count == REVIEW_HOSTS_MAXIMUM) {
                        review->hosts_dropped++;
                        return 0;
                }
                if (memory_grow(&review->hosts, review->host_count, sizeof(new)) < 0)
                        return -ENOMEM;
                new.name = memory_string(host->name);
                if (!new.name)
                        return -ENOMEM;
                memmove(review->hosts + i + 1, review->hosts + i, (review->host_count - i) * sizeof(new));
                review->hosts[i] = new;
                review->host_count++;
        }
        slot = &review->hosts[i];
        slot->script |= host->script;
        slot->frame |= host->frame;
        /* Until it is settled: only static pages have named it so far. */
        slot->lone &= only_static;
        slot->files++;
        if (slot->path_count < REVIEW_HOST_FILES) {
                slot->paths[slot->path_count] = memory_string(path);
                if (!slot->paths[slot->path_count])
                        return -ENOMEM;
                slot->path_count++;
        }
        return 0;
}

static int compare_findings(const void *a, const void *b)
{
        const struct finding *x = a, *y = b;
        int order;

        if (x->planted != y->planted)
                return x->planted ? -1 : 1;
        order = path_compare(x->path, strlen(x->path), y->path, strlen(y->path));
        return order ? order : (int)x->kind - (int)y->kind;
}

int review_settle(struct review *review, bool site_has_code, struct error *err)
{
        for (size_t i = 0; i < review->host_count; i++) {
                struct review_host *host = &review->hosts[i];
                bool only_static = host->lone;

                host->lone = only_static || host->files == 1;
                /* Programs make this site's pages, and one page that none of them made loads from a host that none of
                 * them knows: that was 6 July 2009. */
                if (site_has_code && only_static && host->files == 1 && host->path_count == 1 &&
                    review_add(review, FINDING_HOST, true, host->paths[0],
                               _("it loads a script or frame from %s, which nothing else on this site does"),
                               host->name) < 0)
                        return error_memory(err);
        }
        if (review->finding_count > 1)
                qsort(review->findings, review->finding_count, sizeof(*review->findings), compare_findings);
        return 0;
}

void review_done(struct review *review)
{
        for (size_t i = 0; i < review->finding_count; i++) {
                free(review->findings[i].path);
                free(review->findings[i].detail);
        }
        free(review->findings);
        for (size_t i = 0; i < review->host_count; i++) {
                for (size_t k = 0; k < review->hosts[i].path_count; k++)
                        free(review->hosts[i].paths[k]);
                free(review->hosts[i].name);
        }
        free(review->hosts);
        *review = (struct review)REVIEW_EMPTY;
}

int review_paths_add(struct review_paths *list, const char *path, size_t length)
{
        list->total++;
        if (list->count == REVIEW_PATHS_MAXIMUM)
                return 0;
        if (memory_grow(&list->paths, list->count, sizeof(char *)) < 0)
                return -ENOMEM;
        list->paths[list->count] = memory_copy(path, length);
        if (!list->paths[list->count])
                return -ENOMEM;
        list->count++;
        return 0;
}

void review_paths_done(struct review_paths *list)
{
        for (size_t i = 0; i < list->count; i++)
                free(list->paths[i]);
        free(list->paths);
        *list = (struct review_paths){ 0 };
}
