/* report.c - what the guard is told. */

#include "gate.h"

#include <string.h>

#include "packet.h"

static void send_report(struct gate *gate, const struct gate_report *report)
{
        if (gate->orphan)
                return;
        if (packet_send(GATE_CHANNEL_FD, report, offsetof(struct gate_report, path) + report->path_length + 1, -1) < 0)
                gate->counters.lost_reports++;
}

void report_plain(struct gate *gate, enum gate_report_verb verb, uint64_t argument)
{
        struct gate_report report;

        memset(&report, 0, offsetof(struct gate_report, path) + 1);
        report.verb = verb;
        report.argument = argument;
        report.counters = gate->counters;
        report.counters.remembered = gate->cache.count;
        report.counters.pending = gate->questions.count;
        report.counters.flushes = gate->cache.flushes - 1;
        send_report(gate, &report);
}

void report_file(struct gate *gate, enum gate_report_verb verb, enum gate_reason reason, uint64_t argument, int pid,
                 const struct file *file, const struct place *place)
{
        struct gate_report report;

        memset(&report, 0, offsetof(struct gate_report, path) + 1);
        report.verb = verb;
        report.reason = reason;
        report.argument = argument;
        report.pid = pid;
        report.device = file->device;
        report.inode = file->inode;
        if (place) {
                report.tree = place->tree;
                report.path_length = place->length;
                memcpy(report.path, place->path, place->length + 1);
        }
        send_report(gate, &report);
}
