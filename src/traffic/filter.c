/* filter.c - nft(8), run with what filter_text.c writes. */
#include "traffic/filter.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/child.h"
#include "base/fault.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"

#define NFT_MS         10000
#define OUTPUT_MAXIMUM (256U << 10)

/* Found where the system keeps it, whatever PATH a forced command or a boot has; its words in one language. */
static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

/* 0, or negative with nft's own words. */
static int nft(const char *const argv[], int input, struct buffer *output, struct error *err)
{
        const struct child_options options = {
                .environment = environment, .input = input, .timeout_ms = NFT_MS, .output = output
        };
        int r = child_run(argv, &options, err);

        if (r < 0)
                return error_prefix(err, _("the packet filter cannot be asked (nftables)"));
        if (r > 0)
                return error_set(err, -EIO, _("the packet filter (nft) does not take it, which needs root: %.*s"),
                                 (int)strcspn(buffer_text(output), "\n"), buffer_text(output));
        return 0;
}

/* A script that nft reads from its standard input. */
static int run_script(const struct buffer *script, struct error *err)
{
        static const char *const argv[] = { "nft", "--file", "-", NULL };
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(OUTPUT_MAXIMUM);
        _cleanup_(fd_closep) int input = fault_point(FAULT_OPEN) ? -1 : memfd_create("nft", MFD_CLOEXEC);
        int r = input < 0 ? -errno : write_full(input, buffer_text(script), script->length);

        if (r == 0 && lseek(input, 0, SEEK_SET) < 0)
                r = -errno;
        if (r < 0)
                return error_errno(err, -r, _("cannot hand the rules to the packet filter"));
        return nft(argv, input, &output, err);
}

int filter_close(const struct filter_ports *ports, struct error *err)
{
        _cleanup_(buffer_done) struct buffer script = BUFFER_INIT(8192);

        if (filter_write(ports, &script) < 0)
                return error_memory(err);
        return run_script(&script, err);
}

int filter_open(struct error *err)
{
        _cleanup_(buffer_done) struct buffer script = BUFFER_INIT(256);

        if (buffer_append_text(&script, "add table inet " FILTER_TABLE "\ndelete table inet " FILTER_TABLE "\n") < 0)
                return error_memory(err);
        return run_script(&script, err);
}

static bool has_table(const struct buffer *output)
{
        json_t *root = json_loadb(buffer_text(output), output->length, 0, NULL);
        const json_t *list = json_object_get(root, "nftables");
        bool found = false;

        for (size_t i = 0; i < json_array_size(list) && !found; i++) {
                const json_t *table = json_object_get(json_array_get(list, i), "table");
                const char *name = json_string_value(json_object_get(table, "name"));

                found = name && text_equal(name, FILTER_TABLE);
        }
        json_decref(root);
        return found;
}

int filter_look(const struct filter_ports *ports, enum filter_sight *ret_sight, struct error *err)
{
        static const char *const all[] = { "nft", "--json", "list", "tables", "inet", NULL };
        static const char *const ours[] = { "nft", "--json", "list", "table", "inet", FILTER_TABLE, NULL };
        _cleanup_(buffer_done) struct buffer output = BUFFER_INIT(OUTPUT_MAXIMUM);
        int r = nft(all, -1, &output, err);

        if (r < 0)
                return r;
        if (!has_table(&output)) {
                *ret_sight = FILTER_OPEN;
                return 0;
        }
        buffer_clear(&output);
        r = nft(ours, -1, &output, err);
        if (r == 0)
                *ret_sight = filter_judge(ports, buffer_text(&output), output.length);
        return r;
}
