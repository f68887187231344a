/* Load generators of scripts/bench: what every system under test is made to do, by the same cheap program. */
#ifndef FUSE4FS_BENCH_LOAD_H
#define FUSE4FS_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

/* What one load did: the figure is operations / time or bytes / time. */
struct tally {
    uint64_t operations;
    uint64_t bytes;
};

/* A load: argv holds its own arguments only. Ends the program with a message when a call fails. */
typedef void (*load_function)(int argc, char **argv, struct tally *tally);

struct load {
    const char *name;
    const char *usage;
    int arguments;
    load_function run;
};

extern const struct load name_loads[];
extern const struct load data_loads[];

/* Prints "load: WHAT: strerror(errno)" and exits with 1. */
void die(const char *what) __attribute__((noreturn));

/* A size with an optional suffix k, m or g (powers of 1024). */
uint64_t parse_size(const char *text);

/* The next number of a xorshift sequence: the same seed gives every system the same offsets. */
uint64_t next_random(uint64_t *state);

/* Page-aligned memory, written once so that no page is missing while the clock runs. */
void *buffer_of(size_t bytes);

#endif
