/*
 * writer.c - somebody who can still write to a file after the tree was replaced: because he holds it open, or has it
 * mapped.
 *
 *     writer held FILE WORDS      opens it for writing, says "ready", waits for a line on standard input, writes
 *     writer mapped FILE WORDS    the same through a shared writable mapping whose descriptor is closed
 *     writer busy FILE            says "ready" and writes the file's first byte over itself until it is killed
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
        perror(what);
        return 1;
}

static void ready_then_wait(void)
{
        char byte;

        puts("ready");
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
                ;
}

static int held(const char *file, const char *words)
{
        int fd = open(file, O_WRONLY | O_CLOEXEC);

        if (fd < 0)
                return fail(file);
        ready_then_wait();
        if (pwrite(fd, words, strlen(words), 0) != (ssize_t)strlen(words))
                return fail("pwrite");
        puts("written");
        return 0;
}

static int mapped(const char *file, const char *words)
{
        int fd = open(file, O_RDWR | O_CLOEXEC);
        struct stat st;
        char *bytes;

        if (fd < 0 || fstat(fd, &st) < 0)
                return fail(file);
        if ((size_t)st.st_size < strlen(words)) {
                fprintf(stderr, "writer: %s is too short\n", file);
                return 1;
        }
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED)
                return fail("mmap");
        close(fd);
        ready_then_wait();
        memcpy(bytes, words, strlen(words));
        if (msync(bytes, (size_t)st.st_size, MS_SYNC) < 0)
                return fail("msync");
        puts("written");
        return 0;
}

static int busy(const char *file)
{
        int fd = open(file, O_RDWR | O_CLOEXEC);
        char byte;

        if (fd < 0 || pread(fd, &byte, 1, 0) != 1)
                return fail(file);
        puts("ready");
        fflush(stdout);
        while (pwrite(fd, &byte, 1, 0) == 1)
                ;
        return fail("pwrite");
}

int main(int argc, char *argv[])
{
        if (argc == 4 && strcmp(argv[1], "held") == 0)
                return held(argv[2], argv[3]);
        if (argc == 4 && strcmp(argv[1], "mapped") == 0)
                return mapped(argv[2], argv[3]);
        if (argc == 3 && strcmp(argv[1], "busy") == 0)
                return busy(argv[2]);
        fprintf(stderr, "usage: writer held|mapped FILE WORDS, writer busy FILE\n");
        return 2;
}
