/*
 * filter.h - the packet filter: one nftables table of our own that keeps visitors from this server.
 *
 * The table stands beside whatever else is configured; nothing of it is read or changed. Its chains come first in the
 * packet's way (priority -300, before any "established accept" and before an address is translated for a container), so
 * a connection that stands is cut as well: at its next packet either side is told that it is over. It counts for what
 * is addressed to this server's own addresses, by loopback too, for a tunnel or a proxy on the same machine brings
 * visitors that way; what is only routed through this server passes.
 *
 * It is written in one transaction by nft(8), and read back from the kernel: filter_look() says what is in force, never
 * what was asked for. `nft flush ruleset`, with which many configurations begin, takes it away as any other table.
 *
 * Needs CAP_NET_ADMIN. Each call starts nft and waits for it, ten seconds at most.
 */
#ifndef TRAFFIC_FILTER_H
#define TRAFFIC_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

#define FILTER_TABLE     "understudy_withdraw" /* in the family inet */
#define FILTER_PORTS     16
#define FILTER_PORT_SIZE 12

struct filter_port {
        uint16_t number;
        bool udp;
};

struct filter_ports {
        struct filter_port list[FILTER_PORTS];
        size_t count;
};

/* What visitors use if nobody says otherwise: 80/tcp, 443/tcp, 443/udp. */
extern const struct filter_ports filter_web_ports;

/* "8080", "8080/tcp", "443/udp", added unless it is there; a usage error for anything else. */
int filter_port_add(struct filter_ports *ports, const char *text, struct error *err);
void filter_port_text(const struct filter_port *port, char text[static FILTER_PORT_SIZE]);

/* Refuses visitors on these ports, and on no other. */
int filter_close(const struct filter_ports *ports, struct error *err);

/* Takes the table away; it is no failure when there is none. */
int filter_open(struct error *err);

enum filter_sight {
        FILTER_OPEN,   /* there is no such table */
        FILTER_CLOSED, /* it is there, with all its rules, for exactly these ports */
        FILTER_BROKEN, /* it is there, but something of it is missing, or it is for other ports */
};

/* Asks the kernel. */
int filter_look(const struct filter_ports *ports, enum filter_sight *ret_sight, struct error *err);

/* ---- filter_text.c: the table as text and as JSON, without a kernel ---- */

/* What nft is handed: the table replaced as a whole. */
int filter_write(const struct filter_ports *ports, struct buffer *out);

/* What `nft --json list table` printed. */
enum filter_sight filter_judge(const struct filter_ports *ports, const char *json, size_t length);

#endif
