/* Loads on names: walking, stat, open, and changing directories. */
#define _GNU_SOURCE
#include "load.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIST_BYTES = 64 * 1024, PATH_BYTES = 4096, COPY_BYTES = 128 * 1024 };

struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

enum visit { VISIT_STAT, VISIT_READ };

static void read_whole(int directory, const char *name, char *buffer, struct tally *tally)
{
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW);
    if (file < 0) {
        die(name);
    }
    ssize_t got;
    while ((got = read(file, buffer, COPY_BYTES)) > 0) {
        tally->bytes += (uint64_t)got;
    }
    if (got < 0) {
        die(name);
    }
    close(file);
}

/* As find(1) and tar(1) go: list, stat every name, then go down. The tree's depth bounds the recursion. */
static void walk(int directory, enum visit visit, char *copy, struct tally *tally)
{
    char *list = malloc(LIST_BYTES);
    long got;
    while ((got = syscall(SYS_getdents64, directory, list, LIST_BYTES)) > 0) {
        for (long at = 0; at < got;) {
            struct entry *entry = (struct entry *)(list + at);
            at += entry->length;
            if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) {
                continue;
            }
            struct stat status;
            if (fstatat(directory, entry->name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
                die(entry->name);
            }
            tally->operations++;
            if (S_ISDIR(status.st_mode)) {
                int child = openat(directory, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
                if (child < 0) {
                    die(entry->name);
                }
                walk(child, visit, copy, tally);
                close(child);
            } else if (visit == VISIT_READ && S_ISREG(status.st_mode)) {
                read_whole(directory, entry->name, copy, tally);
            }
        }
    }
    if (got < 0) {
        die("getdents64");
    }
    free(list);
}

static void walk_from(const char *path, enum visit visit, struct tally *tally)
{
    char *copy = buffer_of(COPY_BYTES);
    int root = open(path, O_RDONLY | O_DIRECTORY);
    if (root < 0) {
        die(path);
    }
    walk(root, visit, copy, tally);
    close(root);
}

static void find_tree(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    walk_from(argv[0], VISIT_STAT, tally);
}

static void read_tree(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    walk_from(argv[0], VISIT_READ, tally);
}

static void list(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    char *buffer = buffer_of(LIST_BYTES);
    int directory = open(argv[0], O_RDONLY | O_DIRECTORY);
    if (directory < 0) {
        die(argv[0]);
    }
    long got;
    while ((got = syscall(SYS_getdents64, directory, buffer, LIST_BYTES)) > 0) {
        for (long at = 0; at < got; at += ((struct entry *)(buffer + at))->length) {
            tally->operations++;
        }
    }
    if (got < 0) {
        die("getdents64");
    }
    close(directory);
}

static size_t fill_bytes;
static char *fill_buffer;

/* The name of file i of a set: all in one directory, or spread over the given number of directories. */
static void name_of(char *path, const char *root, unsigned directories, unsigned long i, const char *suffix)
{
    if (directories <= 1) {
        snprintf(path, PATH_BYTES, "%s/file-%06lu%s", root, i, suffix);
    } else {
        snprintf(path, PATH_BYTES, "%s/dir-%03lu/file-%06lu%s", root, i % directories, i, suffix);
    }
}

/* COUNT may be COUNTxTIMES: the whole set again and again. */
static void each(char **argv, struct tally *tally, void (*act)(const char *path, const char *other))
{
    unsigned directories = (unsigned)atoi(argv[1]);
    char *end;
    unsigned long count = strtoul(argv[2], &end, 10);
    unsigned long times = *end == 'x' ? strtoul(end + 1, NULL, 10) : 1;
    char path[PATH_BYTES];
    char other[PATH_BYTES];
    for (unsigned long i = 0; i < count * times; i++) {
        name_of(path, argv[0], directories, i % count, "");
        name_of(other, argv[0], directories, i % count, "-renamed");
        act(path, other);
    }
    tally->operations += count * times;
}

static void create_one(const char *path, const char *other)
{
    (void)other;
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (file < 0) {
        die(path);
    }
    close(file);
}

static void stat_one(const char *path, const char *other)
{
    (void)other;
    struct stat status;
    if (stat(path, &status) != 0) {
        die(path);
    }
}

static void open_one(const char *path, const char *other)
{
    (void)other;
    int file = open(path, O_RDONLY);
    if (file < 0) {
        die(path);
    }
    close(file);
}

static void fetch_one(const char *path, const char *other)
{
    (void)other;
    static char page[4096];
    int file = open(path, O_RDONLY);
    if (file < 0 || read(file, page, sizeof(page)) < 0) {
        die(path);
    }
    close(file);
}

static void fill_one(const char *path, const char *other)
{
    (void)other;
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    if (file < 0 || write(file, fill_buffer, fill_bytes) != (ssize_t)fill_bytes) {
        die(path);
    }
    close(file);
}

static void rename_one(const char *path, const char *other)
{
    if (rename(path, other) != 0) {
        die(path);
    }
}

/* Removes what the rename load left. */
static void unlink_one(const char *path, const char *other)
{
    (void)path;
    if (unlink(other) != 0) {
        die(other);
    }
}

static void mkdir_one(const char *path, const char *other)
{
    (void)other;
    if (mkdir(path, 0755) != 0) {
        die(path);
    }
}

static void rmdir_one(const char *path, const char *other)
{
    (void)other;
    if (rmdir(path) != 0) {
        die(path);
    }
}

#define EACH(name) \
    static void load_##name(int argc, char **argv, struct tally *tally) { (void)argc; each(argv, tally, name##_one); }
EACH(create)
EACH(stat)
EACH(open)
EACH(fetch)
EACH(rename)
EACH(unlink)
EACH(mkdir)
EACH(rmdir)

/* New files with contents. */
static void fill(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    fill_bytes = parse_size(argv[3]);
    fill_buffer = buffer_of(fill_bytes);
    each(argv, tally, fill_one);
    tally->bytes = tally->operations * fill_bytes;
}

/* The directories that a spread set lives in. */
static void spread(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    unsigned directories = (unsigned)atoi(argv[1]);
    char path[PATH_BYTES];
    for (unsigned i = 0; i < directories; i++) {
        snprintf(path, sizeof(path), "%s/dir-%03u", argv[0], i);
        mkdir_one(path, NULL);
    }
    tally->operations += directories;
}

const struct load name_loads[] = {
    { "find", "find DIRECTORY", 1, find_tree },
    { "read-tree", "read-tree DIRECTORY", 1, read_tree },
    { "list", "list DIRECTORY", 1, list },
    { "spread", "spread ROOT DIRECTORIES", 2, spread },
    { "create", "create ROOT DIRECTORIES COUNT", 3, load_create },
    { "stat", "stat ROOT DIRECTORIES COUNT", 3, load_stat },
    { "open", "open ROOT DIRECTORIES COUNT", 3, load_open },
    { "fetch", "fetch ROOT DIRECTORIES COUNT", 3, load_fetch },
    { "fill", "fill ROOT DIRECTORIES COUNT BYTES", 4, fill },
    { "rename", "rename ROOT DIRECTORIES COUNT", 3, load_rename },
    { "unlink", "unlink ROOT DIRECTORIES COUNT", 3, load_unlink },
    { "mkdir", "mkdir ROOT DIRECTORIES COUNT", 3, load_mkdir },
    { "rmdir", "rmdir ROOT DIRECTORIES COUNT", 3, load_rmdir },
    { NULL, NULL, 0, NULL },
};
