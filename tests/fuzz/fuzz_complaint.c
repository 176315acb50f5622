/* Any text as what an agent says of its tree: no verdict that it does not give itself, and every word of it printable. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "incident/complaint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const json_t *value)
{
        const char *text = json_string_value(value);

        if (!text || !text_is_printable(text, strlen(text)))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const paths[] = { "/login.html", "/a/", "/%2e%2e/x?y" };
        json_t *report = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
        json_t *comparison = complaint_new(0, paths, sizeof(paths) / sizeof(*paths)), *tree;
        const json_t *one;
        size_t i;

        if (!report || !comparison || complaint_add_tree(comparison, "web1", "/srv/www", report, NULL) < 0) {
                json_decref(report);
                json_decref(comparison);
                return 0;
        }
        if (complaint_verdict(comparison) == COMPLAINT_GENUINE && !json_is_true(json_object_get(report, "genuine")))
                abort();
        tree = json_array_get(json_object_get(comparison, "trees"), 0);
        json_array_foreach(json_object_get(tree, "listed"), i, one) {
                check(json_object_get(one, "path"));
                check(json_object_get(one, "kind"));
        }
        json_decref(report);
        json_decref(comparison);
        return 0;
}
