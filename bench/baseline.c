/*
 * baseline.c - the least that anybody can do: walk a folder, read every file, SHA-256 by EVP. No names are sorted,
 * nothing is compared. bench/ measures `understudy verify` against it.
 *
 *     baseline FOLDER     prints files, bytes, and one digest over all digests (so that nothing can be left out)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#define READ_BYTES (128 * 1024)

struct baseline {
        EVP_MD *md;
        EVP_MD_CTX *file, *all;
        unsigned char *bytes;
        uint64_t files, total;
};

static _Noreturn void fail(const char *what)
{
        fprintf(stderr, "baseline: %s: %s\n", what, strerror(errno));
        exit(3);
}

static void hash_file(struct baseline *baseline, int folder, const char *name)
{
        int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
        unsigned char digest[EVP_MAX_MD_SIZE];
        ssize_t n;

        if (fd < 0)
                fail(name);
        EVP_DigestInit_ex(baseline->file, baseline->md, NULL);
        while ((n = read(fd, baseline->bytes, READ_BYTES)) > 0) {
                EVP_DigestUpdate(baseline->file, baseline->bytes, (size_t)n);
                baseline->total += (uint64_t)n;
        }
        if (n < 0)
                fail(name);
        close(fd);
        EVP_DigestFinal_ex(baseline->file, digest, NULL);
        EVP_DigestUpdate(baseline->all, digest, 32);
        baseline->files++;
}

static void hash_folder(struct baseline *baseline, int fd)
{
        DIR *folder = fdopendir(fd);
        const struct dirent *entry;

        if (!folder)
                fail("a folder");
        while ((entry = readdir(folder))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (entry->d_type == DT_DIR) {
                        int below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                        if (below < 0)
                                fail(entry->d_name);
                        hash_folder(baseline, below);
                } else if (entry->d_type == DT_REG) {
                        hash_file(baseline, fd, entry->d_name);
                }
        }
        closedir(folder);
}

int main(int argc, char *argv[])
{
        struct baseline baseline = { 0 };
        unsigned char digest[EVP_MAX_MD_SIZE];
        int fd;

        if (argc != 2) {
                fprintf(stderr, "usage: baseline FOLDER\n");
                return 2;
        }
        baseline.md = EVP_MD_fetch(NULL, "SHA256", NULL);
        baseline.file = EVP_MD_CTX_new();
        baseline.all = EVP_MD_CTX_new();
        baseline.bytes = aligned_alloc(4096, READ_BYTES);
        fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                fail(argv[1]);
        EVP_DigestInit_ex(baseline.all, baseline.md, NULL);
        hash_folder(&baseline, fd);
        EVP_DigestFinal_ex(baseline.all, digest, NULL);
        printf("%" PRIu64 " files, %" PRIu64 " bytes, ", baseline.files, baseline.total);
        for (int i = 0; i < 32; i++)
                printf("%02x", digest[i]);
        printf("\n");
        EVP_MD_CTX_free(baseline.file);
        EVP_MD_CTX_free(baseline.all);
        EVP_MD_free(baseline.md);
        free(baseline.bytes);
        return 0;
}
