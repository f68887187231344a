/* Loads on data: sequential and random reading and writing, cached or direct, by one or several threads. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the threads of one load share, and each one's part of it. */
struct part {
    const char *path;
    int flags;
    uint64_t block;
    uint64_t count;
    uint64_t seed;
    uint64_t first;
    uint64_t stride;
    struct tally tally;
};

static int open_or_die(const char *path, int flags)
{
    int file = open(path, flags, 0644);
    if (file < 0) {
        die(path);
    }
    return file;
}

static uint64_t size_of(int file, const char *path)
{
    struct stat status;
    if (fstat(file, &status) != 0) {
        die(path);
    }
    return (uint64_t)status.st_size;
}

static void read_at(int file, const struct part *part, char *buffer, uint64_t offset, struct tally *tally)
{
    ssize_t got = pread(file, buffer, part->block, (off_t)offset);
    if (got < 0) {
        die(part->path);
    }
    tally->operations++;
    tally->bytes += (uint64_t)got;
}

/* Blocks first, first + stride, ... of the file: together the threads read it once, in order. */
static void *read_in_order(void *argument)
{
    struct part *part = argument;
    char *buffer = buffer_of(part->block);
    int file = open_or_die(part->path, part->flags);
    uint64_t blocks = size_of(file, part->path) / part->block;
    for (uint64_t block = part->first; block < blocks; block += part->stride) {
        read_at(file, part, buffer, block * part->block, &part->tally);
    }
    close(file);
    return NULL;
}

static void *read_at_random(void *argument)
{
    struct part *part = argument;
    char *buffer = buffer_of(part->block);
    int file = open_or_die(part->path, part->flags);
    uint64_t blocks = size_of(file, part->path) / part->block;
    uint64_t state = part->seed;
    for (uint64_t i = 0; i < part->count; i++) {
        read_at(file, part, buffer, next_random(&state) % blocks * part->block, &part->tally);
    }
    close(file);
    return NULL;
}

static void *write_in_order(void *argument)
{
    struct part *part = argument;
    char *buffer = buffer_of(part->block);
    int file = open_or_die(part->path, part->flags);
    for (uint64_t i = 0; i < part->count; i++) {
        if (pwrite(file, buffer, part->block, (off_t)(i * part->block)) != (ssize_t)part->block) {
            die(part->path);
        }
        part->tally.operations++;
        part->tally.bytes += part->block;
    }
    if (fsync(file) != 0) {
        die(part->path);
    }
    close(file);
    return NULL;
}

static void run_parts(struct part *parts, int count, void *(*work)(void *), struct tally *tally)
{
    pthread_t threads[64];
    for (int i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, &parts[i]) != 0) {
            die("thread");
        }
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        tally->operations += parts[i].tally.operations;
        tally->bytes += parts[i].tally.bytes;
    }
}

static int thread_count(const char *text)
{
    int count = atoi(text);
    return count < 1 ? 1 : count > 64 ? 64 : count;
}

static int direct_flag(const char *text)
{
    return strcmp(text, "direct") == 0 ? O_DIRECT : 0;
}

/* read FILE BLOCK cached|direct THREADS */
static void read_file(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    struct part parts[64] = { 0 };
    int threads = thread_count(argv[3]);
    for (int i = 0; i < threads; i++) {
        parts[i].path = argv[0];
        parts[i].flags = O_RDONLY | direct_flag(argv[2]);
        parts[i].block = parse_size(argv[1]);
        parts[i].first = (uint64_t)i;
        parts[i].stride = (uint64_t)threads;
    }
    run_parts(parts, threads, read_in_order, tally);
}

/* random FILE BLOCK cached|direct THREADS COUNT SEED */
static void read_random(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    struct part parts[64] = { 0 };
    int threads = thread_count(argv[3]);
    for (int i = 0; i < threads; i++) {
        parts[i].path = argv[0];
        parts[i].flags = O_RDONLY | direct_flag(argv[2]);
        parts[i].block = parse_size(argv[1]);
        parts[i].count = strtoull(argv[4], NULL, 10) / (uint64_t)threads;
        parts[i].seed = strtoull(argv[5], NULL, 10) * 0x9e3779b97f4a7c15u + (uint64_t)i + 1;
    }
    run_parts(parts, threads, read_at_random, tally);
}

/* readers PREFIX BLOCK COUNT: files PREFIX0, PREFIX1, ... each read by a thread of its own */
static void readers(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    static char paths[64][4096];
    struct part parts[64] = { 0 };
    int threads = thread_count(argv[2]);
    for (int i = 0; i < threads; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s%d", argv[0], i);
        parts[i].path = paths[i];
        parts[i].flags = O_RDONLY;
        parts[i].block = parse_size(argv[1]);
        parts[i].stride = 1;
    }
    run_parts(parts, threads, read_in_order, tally);
}

/* writers PREFIX BLOCK COUNT BYTES: files PREFIX0, ... of BYTES each, with one fsync each */
static void writers(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    static char paths[64][4096];
    struct part parts[64] = { 0 };
    int threads = thread_count(argv[2]);
    for (int i = 0; i < threads; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s%d", argv[0], i);
        parts[i].path = paths[i];
        parts[i].flags = O_WRONLY | O_CREAT;
        parts[i].block = parse_size(argv[1]);
        parts[i].count = parse_size(argv[3]) / parts[i].block;
    }
    run_parts(parts, threads, write_in_order, tally);
}

/* overwrite FILE BLOCK COUNT SEED EVERY: random blocks of an existing file, fsync after every EVERY of them */
static void overwrite(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    uint64_t block = parse_size(argv[1]);
    uint64_t count = strtoull(argv[2], NULL, 10);
    uint64_t state = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
    uint64_t every = strtoull(argv[4], NULL, 10);
    char *buffer = buffer_of(block);
    int file = open_or_die(argv[0], O_WRONLY);
    uint64_t blocks = size_of(file, argv[0]) / block;
    for (uint64_t i = 1; i <= count; i++) {
        off_t offset = (off_t)(next_random(&state) % blocks * block);
        if (pwrite(file, buffer, block, offset) != (ssize_t)block) {
            die(argv[0]);
        }
        if ((i % every == 0 || i == count) && fsync(file) != 0) {
            die(argv[0]);
        }
    }
    close(file);
    tally->operations += count;
    tally->bytes += count * block;
}

/* sync PREFIX COUNT: small new files, each made durable, as mail servers and package managers do */
static void sync_files(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    char path[4096];
    char *buffer = buffer_of(4096);
    unsigned long count = strtoul(argv[1], NULL, 10);
    for (unsigned long i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s%lu", argv[0], i);
        int file = open_or_die(path, O_WRONLY | O_CREAT | O_EXCL);
        if (write(file, buffer, 4096) != 4096 || fsync(file) != 0) {
            die(path);
        }
        close(file);
    }
    tally->operations += count;
    tally->bytes += count * 4096;
}

const struct load data_loads[] = {
    { "read", "read FILE BLOCK cached|direct THREADS", 4, read_file },
    { "random", "random FILE BLOCK cached|direct THREADS COUNT SEED", 6, read_random },
    { "readers", "readers PREFIX BLOCK COUNT", 3, readers },
    { "writers", "writers PREFIX BLOCK COUNT BYTES", 4, writers },
    { "overwrite", "overwrite FILE BLOCK COUNT SEED EVERY", 5, overwrite },
    { "sync", "sync PREFIX COUNT", 2, sync_files },
    { NULL, NULL, 0, NULL },
};
