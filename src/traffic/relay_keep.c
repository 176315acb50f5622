/* relay_keep.c - the one that leaves: the address on its loopback interface, and silence about it on the segment. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "base/io.h"
#include "base/text.h"
#include "netlink.h"
#include "relay.h"
#include "relay_state.h"
#include "ruleset_look.h"

#define STATE_FILE "relay.json"

/* arp_ignore 1: a neighbour is answered for addresses of the interface at which he asks only. arp_announce 2: and never asked
 * in the name of another address, from which he would learn it. (ip-sysctl.rst; what is in force is the larger of the
 * interface's value and that of all.) */
static const struct setting {
        unsigned int number; /* linux/ip.h */
        uint32_t least;
} settings[RELAY_SETTINGS] = {
        [RELAY_ARP_IGNORE] = { IPV4_DEVCONF_ARP_IGNORE, 1 },
        [RELAY_ARP_ANNOUNCE] = { IPV4_DEVCONF_ARP_ANNOUNCE, 2 },
};

static uint32_t wanted(const struct relay_state *kept, size_t i)
{
        return kept->before[i] < settings[i].least ? settings[i].least : kept->before[i];
}

/* ---- the settings: written to /proc/sys, read from rtnetlink ---- */

static int see_link(const struct nlmsghdr *message, void *context)
{
        const struct nlattr *attribute, *found = NULL;
        uint32_t *values = context;

        FOR_EACH_ATTRIBUTE(attribute, (const struct nlattr *)mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg)),
                           mnl_nlmsg_get_payload_tail(message))
        if (mnl_attr_get_type(attribute) == IFLA_AF_SPEC)
                found = attribute;
        found = ruleset_in_nest(ruleset_in_nest(found, AF_INET), IFLA_INET_CONF);
        for (size_t i = 0; i < RELAY_SETTINGS; i++) {
                if (!found || mnl_attr_get_payload_len(found) < settings[i].number * sizeof(uint32_t))
                        return -EBADMSG;
                values[i] = ((const uint32_t *)mnl_attr_get_payload(found))[settings[i].number - 1];
        }
        return 0;
}

static int read_settings(const char *interface, uint32_t values[static RELAY_SETTINGS], struct error *err)
{
        _cleanup_(netlink_close) struct netlink netlink = NETLINK_NONE;
        char buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(8)));
        const unsigned int index = if_nametoindex(interface);
        struct nlmsghdr *message;
        struct ifinfomsg *body;
        int r = index ? netlink_open(&netlink, NETLINK_ROUTE) : -errno;

        if (r == 0) {
                message = netlink_message(buffer, RTM_GETLINK, 0);
                body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
                body->ifi_family = AF_UNSPEC;
                body->ifi_index = (int)index;
                r = netlink_ask(&netlink, message, see_link, values);
        }
        return r < 0 ? error_errno(err, -r, _("cannot read the settings of the interface %s"), interface) : 0;
}

static int setting_path(const char *interface, size_t i, char path[static PATH_MAX])
{
        return snprintf(path, PATH_MAX, "/proc/sys/net/ipv4/conf/%s/%s", interface, relay_setting_name(i));
}

static int write_setting(const char *interface, size_t i, uint32_t value, struct error *err)
{
        char path[PATH_MAX], text[16];
        _cleanup_(fd_closep) int fd = -1;
        int length = snprintf(text, sizeof(text), "%" PRIu32 "\n", value), r;

        setting_path(interface, i, path);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : write_full(fd, text, (size_t)length);
        return r < 0 ? error_errno(err, -r, _("cannot set %s"), path) : 0;
}

/* ---- what is remembered ---- */

/* 1, or 0 when there is nothing of this boot. */
static int load(int folder, struct relay_state *ret_kept, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELAY_STATE_MAXIMUM);
        int r = file_read(folder, STATE_FILE, &text, err);
        struct relay_state kept = { 0 };
        char boot[CLOCK_BOOT_ID_SIZE];

        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        if (relay_state_read(buffer_text(&text), text.length, &kept) < 0)
                return error_set(err, -EBADMSG, _("%s in the state folder is damaged: what was set for the move of the address "
                                                  "cannot be put back by it; a restart of this server does, and remove the file"),
                                 STATE_FILE);
        clock_boot_id(boot);
        if (!text_equal(boot, kept.boot))
                return 0;
        *ret_kept = kept;
        return 1;
}

static int save(int folder, const struct relay_state *kept, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(RELAY_STATE_MAXIMUM);

        if (relay_state_write(kept, &text) < 0)
                return error_memory(err);
        return file_replace(folder, STATE_FILE, buffer_text(&text), text.length, 0600, err);
}

static int forget(int folder, struct error *err)
{
        int r = 0;

        if (unlinkat(folder, STATE_FILE, 0) < 0 && errno != ENOENT)
                r = -errno;
        if (r == 0)
                r = fd_sync(folder);
        return r < 0 ? error_errno(err, -r, _("cannot remove %s from the state folder"), STATE_FILE) : 0;
}

/* ---- acts ---- */

static void loopback_of(const struct address *service, struct address *ret_address)
{
        *ret_address = *service;
        ret_address->prefix = service->family == AF_INET ? 32 : 128;
        memset(ret_address->interface, 0, sizeof(ret_address->interface));
        memcpy(ret_address->interface, RELAY_LOOPBACK, sizeof(RELAY_LOOPBACK));
}

/* What is there now, before anything is changed. An address that somebody else has put on the loopback interface stays. */
static int survey(const struct relay *relay, struct relay_state *kept, struct error *err)
{
        int r;

        clock_boot_id(kept->boot);
        memcpy(kept->interface, relay->services[0].interface, sizeof(kept->interface));
        r = read_settings(kept->interface, kept->before, err);
        for (size_t i = 0; i < relay->count && r == 0; i++) {
                enum address_place place = ADDRESS_NOWHERE;
                struct address one;

                loopback_of(&relay->services[i], &one);
                r = address_look(&one, &place, err);
                if (place != ADDRESS_HERE)
                        kept->put[kept->count++] = one;
        }
        return r;
}

int relay_can_keep(const struct relay *relay, struct error *err)
{
        struct relay_state kept = { 0 };
        int r;

        if (relay->count == 0 || relay->port_count == 0)
                return error_refuse(err, _("the service has no address, or no ports, in the configuration"));
        r = survey(relay, &kept, err);
        for (size_t i = 0; i < RELAY_SETTINGS && r == 0; i++) {
                char path[PATH_MAX];

                setting_path(kept.interface, i, path);
                if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
                        r = error_refuse(err, _("%s cannot be written on this server"), path);
        }
        return r;
}

int relay_keep(const struct relay *relay, int folder, struct error *err)
{
        struct relay_state kept = { 0 };
        int r = load(folder, &kept, err);

        if (r == 0) {
                r = survey(relay, &kept, err);
                if (r == 0)
                        r = save(folder, &kept, err);
        }
        for (size_t i = 0; i < RELAY_SETTINGS && r >= 0; i++)
                r = write_setting(kept.interface, i, wanted(&kept, i), err);
        for (size_t i = 0; i < kept.count && r >= 0; i++)
                r = address_lay(&kept.put[i], err);
        return r < 0 ? r : 0;
}

int relay_keeps(int folder, enum relay_sight *ret_sight, struct error *err)
{
        uint32_t values[RELAY_SETTINGS] = { 0 };
        struct relay_state kept = { 0 };
        bool all = true;
        int r = load(folder, &kept, err);

        if (r > 0)
                r = read_settings(kept.interface, values, err) < 0 ? err->code : 1;
        for (size_t i = 0; i < RELAY_SETTINGS; i++)
                all = all && values[i] >= settings[i].least;
        for (size_t i = 0; i < kept.count && r > 0; i++) {
                enum address_place place = ADDRESS_NOWHERE;

                if (address_look(&kept.put[i], &place, err) < 0)
                        return err->code;
                all = all && place == ADDRESS_HERE;
        }
        if (r < 0)
                return r;
        *ret_sight = r == 0 ? RELAY_NONE : all ? RELAY_ALL : RELAY_PART;
        return 0;
}

/* A setting that somebody has changed meanwhile is his. The address goes first: until it is gone nobody must be answered. */
int relay_keep_end(int folder, struct error *err)
{
        uint32_t values[RELAY_SETTINGS] = { 0 };
        struct relay_state kept = { 0 };
        int r = load(folder, &kept, err);

        for (size_t i = 0; i < kept.count && r > 0; i++)
                if (address_drop(&kept.put[i], err) < 0)
                        return err->code;
        if (r > 0)
                r = read_settings(kept.interface, values, err) < 0 ? err->code : 1;
        for (size_t i = 0; i < RELAY_SETTINGS && r > 0; i++)
                if (values[i] == wanted(&kept, i) && write_setting(kept.interface, i, kept.before[i], err) < 0)
                        return err->code;
        if (r > 0)
                r = read_settings(kept.interface, values, err) < 0 ? err->code : 1;
        for (size_t i = 0; i < RELAY_SETTINGS && r > 0; i++)
                if (values[i] != kept.before[i] && values[i] == wanted(&kept, i))
                        return error_set(err, -EIO, _("%s of %s is not as it was, although the kernel took it"), relay_setting_name(i),
                                         kept.interface);
        return r < 0 ? r : forget(folder, err);
}
