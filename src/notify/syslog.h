/*
 * syslog.h - an alert as one line of syslog. Pure.
 *
 * To another machine: RFC 5424, with structured data
 *     <PRI>1 TIME HOST understudy PID KIND [understudy@32473 id="..." count="1" site="..." dest="..."] sentence
 * 32473 is the number that RFC 5612 keeps for examples: the project has none of its own. The sentence is UTF-8 behind a
 * byte order mark if it is not ASCII (RFC 5424 section 6.4). To the machine's own /dev/log: the older form that
 * journald and rsyslog expect there, <PRI>Mmm dd hh:mm:ss understudy[PID]: sentence [...].
 * Lines end where they end: nothing from outside has a newline in it.
 */
#ifndef NOTIFY_SYSLOG_H
#define NOTIFY_SYSLOG_H

#include "base/buffer.h"
#include "notify/message.h"
#include "notify/target.h"

#define SYSLOG_UDP_MAXIMUM                                                                                             \
        2048 /* bytes that a receiver should take (RFC 5426 section 3.2); a longer sentence is cut                     \
              */
#define SYSLOG_MAXIMUM 8192

int syslog_render(const struct message *message, const struct notify_target *target, long pid, struct buffer *out);

#endif
