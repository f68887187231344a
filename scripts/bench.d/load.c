/* One process, one load, one line of result:
 *
 *     OPERATIONS BYTES WALL_NANOSECONDS CPU_NANOSECONDS
 *
 * The clock runs only while the load runs, so neither exec nor the dynamic linker is measured.
 * CPU is user + system time of this process: for kernel ext4 that includes the file system itself. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

uint64_t parse_size(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    switch (*end) {
    case 'k': return value << 10;
    case 'm': return value << 20;
    case 'g': return value << 30;
    default: return value;
    }
}

uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void *buffer_of(size_t bytes)
{
    void *memory;
    if (posix_memalign(&memory, 4096, bytes) != 0) {
        die("memory");
    }
    memset(memory, 0x5a, bytes);
    return memory;
}

static uint64_t wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu(void)
{
    struct timespec now;
    struct rusage children;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    getrusage(RUSAGE_CHILDREN, &children);
    uint64_t microseconds = (uint64_t)(children.ru_utime.tv_usec + children.ru_stime.tv_usec);
    uint64_t seconds = (uint64_t)(now.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec);
    return seconds * 1000000000u + microseconds * 1000u + (uint64_t)now.tv_nsec;
}

/* An ordinary program as the load: one operation. */
static void shell(int argc, char **argv, struct tally *tally)
{
    (void)argc;
    int status = system(argv[0]);
    if (status != 0) {
        fprintf(stderr, "load: \"%s\" failed with status %d\n", argv[0], status);
        exit(1);
    }
    tally->operations = 1;
}

static const struct load program_loads[] = {
    { "shell", "shell COMMAND", 1, shell },
    { NULL, NULL, 0, NULL },
};

static const struct load *find(const char *name)
{
    const struct load *tables[] = { name_loads, data_loads, program_loads };
    for (int t = 0; t < 3; t++) {
        for (const struct load *load = tables[t]; load->name != NULL; load++) {
            if (strcmp(load->name, name) == 0) {
                return load;
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct load *load = argc > 1 ? find(argv[1]) : NULL;
    if (load == NULL || argc - 2 != load->arguments) {
        fprintf(stderr, "usage: load %s\n", load == NULL ? "NAME ARGUMENTS..." : load->usage);
        return 2;
    }
    struct tally tally = { 0, 0 };
    uint64_t cpu_before = cpu();
    uint64_t before = wall();
    load->run(argc - 2, argv + 2, &tally);
    uint64_t after = wall();
    uint64_t cpu_after = cpu();
    printf("%llu %llu %llu %llu\n", (unsigned long long)tally.operations, (unsigned long long)tally.bytes,
           (unsigned long long)(after - before), (unsigned long long)(cpu_after - cpu_before));
    return 0;
}
