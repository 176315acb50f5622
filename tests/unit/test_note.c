/* note.c and checkpoint.c - the example of the specification holds; keys and signatures of another kind do not. */
#include "tests.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "journal/checkpoint.h"

/* The example of golang.org/x/mod/sumdb/note, which C2SP signed-note describes. */
#define PETER "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PETER_TEXT                                                                                                     \
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
#define PETER_SIGNED                                                                                                   \
        PETER_TEXT "\n\xe2\x80\x94 PeterNeumann "                                                                      \
                   "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define PETER_SECRET "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

static struct note_key key_of(const char *text)
{
        struct note_key key;

        assert_int_equal(note_key_parse(text, strlen(text), &key, NULL), 0);
        return key;
}

static int open_note(const char *text, const struct note_key *key)
{
        struct error error = ERROR_NONE;
        struct note note;
        int r = note_parse(text, strlen(text), "it", &note, &error);

        r = r < 0 ? r : note_verify(&note, key, 1, "it", NULL, &error);
        if (r < 0)
                assert_true(*error.text && error.status == EXIT_FAILED);
        return r;
}

static void the_known_note_holds(void **state _unused_)
{
        struct note_key peter = key_of(PETER);
        struct note note;

        assert_int_equal(open_note(PETER_SIGNED, &peter), 0);
        assert_int_equal(note_parse(PETER_SIGNED, strlen(PETER_SIGNED), "it", &note, NULL), 0);
        assert_int_equal(note.text_length, strlen(PETER_TEXT));
        assert_int_equal(note.signature_count, 1);
}

static void the_known_key_signs_the_known_note(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer note = BUFFER_INIT(4096);
        struct note_signer signer;

        assert_int_equal(note_signer_parse(PETER_SECRET, strlen(PETER_SECRET), &signer, NULL), 0);
        assert_int_equal(note_sign(&signer, PETER_TEXT, strlen(PETER_TEXT), &note, NULL), 0);
        assert_string_equal(note.data, PETER_SIGNED);
}

static void a_changed_note_and_another_key_are_told_apart(void **state _unused_)
{
        struct note_key peter = key_of(PETER), other = peter;
        char changed[] = PETER_SIGNED;

        changed[3] = 'Y';
        assert_int_equal(open_note(changed, &peter), -EBADMSG);
        other.id[0] ^= 1;
        assert_int_equal(open_note(PETER_SIGNED, &other), -EKEYREJECTED);
        other = peter;
        other.name[0] = 'R';
        assert_int_equal(open_note(PETER_SIGNED, &other), -EKEYREJECTED);
        other = peter;
        other.key[4] ^= 1; /* the id alone proves nothing */
        assert_int_equal(open_note(PETER_SIGNED, &other), -EBADMSG);
}

static void signatures_of_others_are_passed_over(void **state _unused_)
{
        struct note_key peter = key_of(PETER);

        assert_int_equal(open_note(PETER_SIGNED "\xe2\x80\x94 somebody/else AAAAAAEB\n", &peter), 0);
        assert_int_equal(open_note(PETER_TEXT "\n\xe2\x80\x94 PeterNeumann x08go/ZJ\n", &peter), -EBADMSG);
}

static void what_is_no_note_is_refused(void **state _unused_)
{
        static const char *const texts[] = {
                "",
                "\n",
                "text",
                "text\n",
                "text\n\n",
                "\n\xe2\x80\x94 a AAAAAAEB\n",
                "text\n\n\xe2\x80\x94 a AAAAAAEB",
                "text\n\n- a AAAAAAEB\n",
                "text\n\n\xe2\x80\x94 a  AAAAAAEB\n",
                "text\n\n\xe2\x80\x94 a+b AAAAAAEB\n",
                "text\n\n\xe2\x80\x94 a\xc2\xa0 AAAAAAEB\n", /* a space that is not ASCII's */
                "text\n\n\xe2\x80\x94 a AAAAAA==\n",
                "text\n\n\xe2\x80\x94 a ????\n",
                "te\txt\n\n\xe2\x80\x94 a AAAAAAEB\n",
                "te\xffxt\n\n\xe2\x80\x94 a AAAAAAEB\n",
                "text\n\n\xe2\x80\x94 a AAAAAAEB\nmore\n",
        };
        struct note note;

        for (size_t i = 0; i < LENGTH(texts); i++)
                assert_int_equal(note_parse(texts[i], strlen(texts[i]), "it", &note, NULL), -EBADMSG);
}

static void keys_go_out_and_come_back(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer secret = BUFFER_INIT(1024), public = BUFFER_INIT(1024),
                                             note = BUFFER_INIT(4096);
        struct note_signer made, read;
        struct note_key key;

        assert_int_equal(note_signer_generate("web1/understudy/0a1b", NOTE_ED25519, &made, NULL), 0);
        assert_int_equal(note_signer_format(&made, &secret), 0);
        assert_int_equal(note_key_format(&made.pub, &public), 0);
        assert_int_equal(note_signer_parse(secret.data, secret.length, &read, NULL), 0);
        key = key_of(public.data);
        assert_int_equal(note_sign(&read, "text\n", 5, &note, NULL), 0);
        assert_int_equal(open_note(note.data, &key), 0);
        assert_int_equal(note_signer_generate("with space", NOTE_ED25519, &made, NULL), -EBADMSG);
        assert_int_equal(note_signer_generate("", NOTE_ED25519, &made, NULL), -EBADMSG);
        secret.data[secret.length - 2] ^= 1;
        assert_int_equal(note_signer_parse(secret.data, secret.length, &read, NULL), -EBADMSG);
        public.data[2] ^= 1; /* the id belongs to the name */
        assert_int_equal(note_key_parse(public.data, public.length, &key, NULL), -EBADMSG);
        assert_int_equal(note_key_parse(PETER_SECRET, strlen(PETER_SECRET), &key, NULL), -EBADMSG);
}

static void checkpoints_are_strict(void **state _unused_)
{
        static const char good[] =
                "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        static const char *const bad[] = {
                "",
                "origin\n1\n",
                "origin\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                "origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
                "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",
                "origin\n1\nAAAA\n",
                "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
                "origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nextension\n\n",
        };
        _cleanup_(buffer_done) struct buffer again = BUFFER_INIT(1024);
        struct checkpoint checkpoint;

        assert_int_equal(checkpoint_parse(good, strlen(good), "it", &checkpoint, NULL), 0);
        assert_int_equal(checkpoint.size, 20852163);
        assert_int_equal(checkpoint_format(&checkpoint, &again), 0);
        assert_string_equal(again.data, good);
        for (size_t i = 0; i < LENGTH(bad); i++)
                assert_int_equal(checkpoint_parse(bad[i], strlen(bad[i]), "it", &checkpoint, NULL), -EBADMSG);
}

/* What a witness signs has its time in it; that openssl agrees is in tests/t/93-witness.t. */
static void a_cosignature_has_a_time_and_holds_for_nothing_else(void **state _unused_)
{
        _cleanup_(buffer_done) struct buffer note = BUFFER_INIT(4096), key = BUFFER_INIT(1024);
        struct note_signer log, witness;
        struct note parsed;
        int64_t seconds = 0;

        assert_int_equal(note_signer_generate("log", NOTE_ED25519, &log, NULL), 0);
        assert_int_equal(note_signer_generate("witness", NOTE_COSIGNATURE, &witness, NULL), 0);
        assert_int_equal(note_key_format(&witness.pub, &key), 0);
        assert_int_equal(key_of(key.data).algorithm, NOTE_COSIGNATURE);
        assert_int_equal(note_sign(&log, "text\n", 5, &note, NULL), 0);
        assert_int_equal(open_note(note.data, &witness.pub), -EKEYREJECTED);
        assert_int_equal(note_cosign(&witness, 1679315147, "text\n", 5, &note, NULL), 0);
        assert_int_equal(note_cosign(&witness, 1679315140, "text\n", 5, &note, NULL), 0);
        assert_int_equal(open_note(note.data, &log.pub), 0);
        assert_int_equal(open_note(note.data, &witness.pub), 0);
        assert_int_equal(note_parse(note.data, note.length, "it", &parsed, NULL), 0);
        assert_int_equal(parsed.signature_count, 3);
        assert_int_equal(note_cosigned(&parsed, &witness.pub, "it", &seconds, NULL), 0);
        assert_int_equal(seconds, 1679315147);
        parsed.signatures[2].signature[NOTE_TIME_SIZE - 1]++; /* it was another second */
        assert_int_equal(note_cosigned(&parsed, &witness.pub, "it", &seconds, NULL), -EBADMSG);
        note.data[0] = 'T';
        assert_int_equal(open_note(note.data, &witness.pub), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_known_note_holds),
                cmocka_unit_test(the_known_key_signs_the_known_note),
                cmocka_unit_test(a_changed_note_and_another_key_are_told_apart),
                cmocka_unit_test(signatures_of_others_are_passed_over),
                cmocka_unit_test(what_is_no_note_is_refused),
                cmocka_unit_test(keys_go_out_and_come_back),
                cmocka_unit_test(a_cosignature_has_a_time_and_holds_for_nothing_else),
                cmocka_unit_test(checkpoints_are_strict),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
