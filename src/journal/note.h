/*
 * note.h - signed notes (C2SP signed-note, https://c2sp.org/signed-note) with Ed25519 keys.
 *
 * A note is a text that ends in a newline, an empty line, and lines "- NAME BASE64" (with an em dash) of which each is
 * a signature of the text. Keys are written as Go's golang.org/x/mod/sumdb/note writes them, so that its tools can
 * check and even sign what we do:
 *
 *     public   NAME+ID+BASE64(0x01 || key)                 ID: 8 hex digits of SHA-256(NAME || "\n" || 0x01 || key)
 *     secret   PRIVATE+KEY+NAME+ID+BASE64(0x01 || seed)
 *
 * A witness cosigns: its signature has a time in it (C2SP tlog-cosignature, cosignature/v1), and its keys have 0x04
 * where others have 0x01.
 *
 * Parsers are strict, allocate nothing and have a fuzzer. Nothing of a note may be believed before note_verify()
 * returned 0.
 */
#ifndef JOURNAL_NOTE_H
#define JOURNAL_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crypto/ed25519.h"

#define NOTE_MAXIMUM          (128U << 10) /* bytes of a note */
#define NOTE_SIGNATURES       32           /* most signatures of a note */
#define NOTE_NAME_SIZE        256          /* of a key's name, with NUL */
#define NOTE_KEY_TEXT_MAXIMUM 512
#define NOTE_TIME_SIZE        8 /* before a cosignature's Ed25519 signature */
#define NOTE_SIGNATURE_SIZE   (NOTE_TIME_SIZE + ED25519_SIGNATURE_SIZE)

/* The byte before a key. */
enum note_algorithm { NOTE_ED25519 = 0x01, NOTE_COSIGNATURE = 0x04 };

struct note_key {
        char name[NOTE_NAME_SIZE];
        enum note_algorithm algorithm;
        uint8_t id[4];
        uint8_t key[ED25519_KEY_SIZE];
};

struct note_signer {
        struct note_key pub;
        uint8_t seed[ED25519_SEED_SIZE]; /* note_signer_wipe() */
};

struct note_signature {
        const char *name; /* borrowed from the note */
        size_t name_length;
        uint8_t id[4];
        uint8_t signature[NOTE_SIGNATURE_SIZE];
        size_t length; /* of the signature; a longer one is of another algorithm, and not kept */
};

struct note {
        const char *text; /* borrowed; with its last newline */
        size_t text_length;
        struct note_signature signatures[NOTE_SIGNATURES];
        size_t signature_count;
};

/* A name is not empty, valid UTF-8, without white space, control characters and "+". */
int note_name_check(const char *name, size_t length, struct error *err);

/* HOST/WHAT/XXXXXXXX for a new key: by the last part another one on the same host has another name. */
int note_make_name(const char *what, char name[static NOTE_NAME_SIZE], struct error *err);

/* A fresh key of that name. */
int note_signer_generate(const char *name, enum note_algorithm algorithm, struct note_signer *ret_signer,
                         struct error *err);
int note_signer_parse(const char *text, size_t length, struct note_signer *ret_signer, struct error *err);
int note_signer_format(const struct note_signer *signer, struct buffer *out);
void note_signer_wipe(struct note_signer *signer);

/* -EBADMSG with words when it is no such key. One newline at the end is allowed. */
int note_key_parse(const char *text, size_t length, struct note_key *ret_key, struct error *err);
int note_key_format(const struct note_key *key, struct buffer *out);

/* Appends the text (which ends in a newline), the empty line and the signature. The key must be NOTE_ED25519. */
int note_sign(const struct note_signer *signer, const char *text, size_t length, struct buffer *out, struct error *err);

/* Appends one line: the cosignature of a note's text at this time. The key must be NOTE_COSIGNATURE. */
int note_cosign(const struct note_signer *signer, int64_t seconds, const char *text, size_t length, struct buffer *out,
                struct error *err);

/* -EBADMSG with words when it is no note; `what` names it. */
int note_parse(const char *bytes, size_t length, const char *what, struct note *ret_note, struct error *err);

/* Appends the line of a signature that was made with this key; nothing for another one. -ENOMEM, -E2BIG. */
int note_copy_signature(const struct note_signature *signature, const struct note_key *key, struct buffer *out);

/* When this key has cosigned it, in seconds since 1970; errors as below. The latest, when it did so more than once. */
int note_cosigned(const struct note *note, const struct note_key *key, const char *what, int64_t *ret_seconds,
                  struct error *err);

/*
 * 0 when it is signed by one of the keys. -EKEYREJECTED when none of them signed it; -EBADMSG when one is said to have
 * and the signature does not hold. *ret_key (may be NULL) is the index of the key.
 */
int note_verify(const struct note *note, const struct note_key *keys, size_t count, const char *what, size_t *ret_key,
                struct error *err);

#endif
