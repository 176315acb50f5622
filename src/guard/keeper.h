/*
 * keeper.h - holds the kernel's permission group and keeps a gate alive behind it.
 *
 * The group's descriptor is held here as well as in the gate: when the gate dies, opens in the trees wait, they do not
 * pass. A thread sees the death, takes the ignore marks away (nobody holds the leases that made them true), and starts
 * another gate, which is told everything again. The same happens to a gate that does not answer a ping in time, as a
 * stopped one. The gate's program is held in memory (memfd), for with opens waiting nothing may have to be opened.
 *
 * All functions but open and close may be called from any thread. None of them waits for the gate longer than a second.
 */
#ifndef GUARD_KEEPER_H
#define GUARD_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "gate/protocol.h"
#include "guard/verifier.h"

struct keeper_options {
        const char *program; /* path of the gate's executable */
        int lock;            /* descriptor for the gate's orphan rule, of an open file description of its own; duplicated */
        int64_t silence_ms;  /* a gate that answers no ping for so long is killed and replaced */
        uint32_t verdict_ms;
        bool late_allow;
        unsigned int verifiers;
        bool reads; /* be asked before each read, too, where the kernel can (6.14): through old descriptors, too */
        dev_t own_device; /* of our own executable, see gate_setup */
        ino_t own_inode;
};

struct keeper;

int keeper_open(const struct keeper_options *options, struct keeper **ret_keeper, struct error *err);
/* Ends the gate: from then on every open passes. */
void keeper_close(struct keeper *keeper);

/* Packets of struct gate_report that the gate sent come out here (SOCK_SEQPACKET, for poll() and recv()), and one with
 * verb KEEPER_REPLACED whenever a gate had to be replaced: its argument says how many milliseconds none answered. */
#define KEEPER_REPLACED 1000
int keeper_fd(const struct keeper *keeper);

/* Whether `length` bytes that were read there are a whole report. */
bool keeper_is_report(const struct gate_report *report, size_t length);

/* From now on the kernel asks about every file of this file system; *reads: also before each read, which is set to false
 * where it cannot. */
int keeper_guard_file_system(struct keeper *keeper, int folder, bool *reads, struct error *err);

/* A descriptor, for the caller to close, through which the folder's files are opened and read without a question to the
 * gate: for comparing whole trees (unasked.h). Negative where the kernel makes none. */
int keeper_unasked(const struct keeper *keeper, int folder);

/* A tree or area (again: another folder now). `folder` is duplicated. */
int keeper_tree(struct keeper *keeper, unsigned int tree, bool area, const char *path, int folder, uint64_t generation,
                struct error *err);
/* A folder of a tree: the gate is told when a name in it comes, goes or changes. `path` is for words. */
int keeper_folder(struct keeper *keeper, int folder, const char *path, struct error *err);
/* A verified file with its read lease. What the gate cannot take is asked about when it is opened. */
void keeper_genuine(struct keeper *keeper, unsigned int tree, const char *path, int file, uint64_t generation);
/*
 * The folders of a tree are being marked by keeper_folder(), and then: have been, all of them. Only then may the kernel be
 * told to ask no more about its files. What keeper_watching() returns is for keeper_watched().
 */
uint64_t keeper_watching(struct keeper *keeper, unsigned int tree);
void keeper_watched(struct keeper *keeper, unsigned int tree, uint64_t watching);
/* What came before this generation counts no more. */
void keeper_forget(struct keeper *keeper, unsigned int tree, uint64_t generation);

/* New verifiers that know these trees, in the place of those there are; to be called by the main thread (it forks). */
int keeper_verifiers(struct keeper *keeper, const struct verifier_tree trees[static GATE_TREES], struct error *err);

/* Trees and verifiers were told: from now on the gate takes the kernel's questions. (It would at the thread's next ping, and
 * whoever opens a file until then would wait.) */
void keeper_serve(struct keeper *keeper);

/* How many verifiers that were replaced have not ended yet, though they were killed: they wait for a disk. */
size_t keeper_hanging(struct keeper *keeper);

/* Whether reports were lost since the last call: something was found that nobody was told of. */
bool keeper_lost_reports(struct keeper *keeper);

/* The newest counters that a ping brought. */
void keeper_counters(struct keeper *keeper, struct gate_counters *ret_counters);

#endif
