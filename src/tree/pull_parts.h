/* pull_parts.h - what the files of pull share among each other. */
#ifndef TREE_PULL_PARTS_H
#define TREE_PULL_PARTS_H

#include "tree/pull_run.h"

/* Trust, choice, release.json: fills run->trust, choice, release, kept_next, same_release. */
int pull_choose(struct pull_run *run, struct error *err);

/* A small file into kept.next; whether kept/ has another is noted in run->kept_differs. */
int pull_keep_text(struct pull_run *run, const char *name, const struct buffer *text, struct error *err);

/* The place of every root, docroot first; none lies in another, nor does the state or the repository in one. */
int pull_open_roots(struct pull_run *run, struct error *err);

/* The kept manifests of the release in place into the roots that are known; what cannot be believed is left out. */
int pull_open_kept(struct pull_run *run, struct error *err);

/* Manifest and companion of one root into kept.next and into `root`, checked in every way. */
int pull_get_root(struct pull_run *run, struct pull_root *root, struct error *err);

/* Whether what is at a root's place may be replaced: adopted, writable, seen by no web server elsewhere. */
int pull_check_root(const struct pull_run *run, const struct pull_root *root, struct error *err);

/* Compares what is at a root's place with the release in place; the differences go to the caller and the evidence. */
int pull_compare_root(struct pull_run *run, struct pull_root *root, struct error *err);

/* A difference for the caller and the evidence; `context` is the run. */
int pull_add_difference(void *context, const struct difference *difference, struct error *err);

/* Nothing to do: every root is the wanted release, nobody can write, and even the times are as signed. */
bool pull_is_done(const struct pull_run *run);

/* Says why a tree without differences is built fresh all the same. */
void pull_note_reasons(const struct pull_run *run);

#endif
