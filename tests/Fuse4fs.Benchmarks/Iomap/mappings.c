/* What the server does with structures to answer IOMAP_BEGIN and to build a batch of uploads, checks included, as a
 * C server would: the yardstick of IomapBenchmarks. Compiled when the benchmark starts. */
#include <stdint.h>
#include <string.h>

struct in_header { uint32_t len, opcode; uint64_t unique, nodeid; uint32_t uid, gid, pid; uint16_t ext, pad; };
struct out_header { uint32_t len; int32_t error; uint64_t unique; };
struct record { uint64_t offset, length, addr; uint16_t type, flags; uint32_t dev; };
struct begin_in { uint32_t opflags, reserved; uint64_t ino, pos, count; };
struct begin_out { struct record read, write; };
struct upsert { struct out_header header; uint64_t nodeid, ino; struct record read, write; };

struct mapping { int64_t offset, length, addr; uint32_t dev; uint8_t kind; uint16_t flags; };
enum { HOLE, DELAYED, WRITTEN, UNWRITTEN, INLINED, PURE, NOCACHE, KINDS };

struct device { uint32_t id; int64_t bytes; };
struct server {
    const uint16_t *types;
    const struct device *devices;
    int device_count;
    int64_t block_mask, max_bytes;
    uint32_t write_back, swap_file;             /* bits of operations that differ by revision */
    int (*find)(uint64_t node, int64_t pos, struct mapping *found);
    int (*send)(const void *message, size_t length);
};

static int has_address(uint8_t kind) { return kind == WRITTEN || kind == UNWRITTEN; }

static int is_valid(const struct server *s, const struct mapping *m, int is_target)
{
    if (m->kind >= KINDS || (m->flags & ~0xDF)) return 0;
    if (m->offset < 0 || m->length <= 0 || ((m->offset | m->length) & s->block_mask)
        || m->offset >= s->max_bytes || m->length > INT64_MAX - m->offset) return 0;
    if (!has_address(m->kind)) {
        if (m->dev || m->addr != -1) return 0;
        return m->kind != PURE || is_target;
    }
    if (!m->dev || m->addr < 0 || m->addr % 512) return 0;
    for (int i = 0; i < s->device_count; i++)
        if (s->devices[i].id == m->dev) return m->length <= s->devices[i].bytes - m->addr;
    return 0;
}

static void encode(const struct server *s, const struct mapping *m, struct record *out)
{
    out->offset = m->offset;
    out->length = m->length;
    out->addr = m->addr;
    out->type = s->types[m->kind];
    out->flags = m->flags;
    out->dev = m->dev;
}

static struct mapping bare(const struct mapping *m, uint8_t kind)
{
    return (struct mapping){ m->offset, m->length, -1, 0, kind, 0 };
}

static int covers(const struct mapping *m, int64_t pos) { return m->offset <= pos && pos - m->offset < m->length; }

enum { OP_WRITE = 1, OP_FAULT = 8, OP_DIRECT = 16, OP_ATOMIC = 0x200, OP_WRITEBACK = 0x800, OP_KNOWN = 0x7FF };
#define OP_SWAPFILE 0x80000000u

static int decode(const struct server *s, uint32_t flags, uint32_t *operation)
{
    uint32_t common = flags & ~(s->write_back | s->swap_file);
    *operation = common | (flags & s->write_back ? OP_WRITEBACK : 0) | (flags & s->swap_file ? OP_SWAPFILE : 0);
    return !(common & ~OP_KNOWN);
}

/* Whether an operation can work with what it gets. */
static int is_fit(uint32_t operation, const struct mapping *m)
{
    int fits = m->kind == HOLE ? !(operation & (OP_WRITE | OP_WRITEBACK))
        : m->kind == DELAYED ? !(operation & (OP_DIRECT | OP_WRITEBACK))
        : m->kind == INLINED ? !(operation & (OP_FAULT | OP_WRITEBACK)) : has_address(m->kind);
    return fits && (!(operation & OP_ATOMIC) || (has_address(m->kind) && m->flags & 0x40));
}

static int find_one(uint64_t node, int64_t pos, struct mapping *found)
{
    int64_t start = pos & ~(int64_t)0xFFFFF;
    *found = (struct mapping){ start, 1 << 20, start + (int64_t)((node & 7) << 20), 1, WRITTEN, 0 };
    return 0;
}

static int take(const void *message, size_t length) { (void)message; return length == 0; }

static const uint16_t v9_types[KINDS] = { 0, 1, 2, 3, 4, 65535, 65533 };
static const struct device devices[] = { { 1, (int64_t)1 << 40 } };

/* Not static: a server learns all of this at run time, the compiler must not know it. */
struct server server = { v9_types, devices, 1, 4095, INT64_MAX & ~4095LL, 1u << 11, 1u << 31, find_one, take };

__attribute__((noinline)) static int answer(const struct server *s, const char *request, size_t length, char *reply)
{
    const struct in_header *header = (const void *)request;
    const struct begin_in *begin = (const void *)(request + sizeof *header);
    if (length != sizeof *header + sizeof *begin || header->len != length) return -5;
    uint32_t operation;
    if (begin->pos > INT64_MAX || begin->count > INT64_MAX - begin->pos || !decode(s, begin->opflags, &operation)) return -5;
    struct mapping source;
    int error = s->find(header->nodeid, begin->pos, &source);
    if (error) return error;
    struct mapping target = bare(&source, PURE);
    if (!is_valid(s, &source, 0) || !is_valid(s, &target, 1) || !covers(&source, begin->pos)
        || !covers(&target, begin->pos) || !is_fit(operation, &source)) return -5;
    struct out_header *out = (void *)reply;
    struct begin_out *body = (void *)(reply + sizeof *out);
    memset(body, 0, sizeof *body);
    encode(s, &source, &body->read);
    encode(s, &target, &body->write);
    *out = (struct out_header){ sizeof *out + sizeof *body, 0, header->unique };
    return s->send(reply, out->len);
}

int64_t begin_answers(char *request, char *reply, int rounds)
{
    int64_t errors = 0;
    struct begin_in *begin = (void *)(request + sizeof(struct in_header));
    for (int i = 0; i < rounds; i++) {
        begin->pos = (uint64_t)i << 12;
        errors += answer(&server, request, sizeof(struct in_header) + sizeof *begin, reply) != 0;
    }
    return errors;
}

__attribute__((noinline)) static int add(const struct server *s, struct upsert *message, uint64_t node,
                                         const struct mapping *m)
{
    if (!is_valid(s, m, 0) || m->kind == NOCACHE) return -22;
    struct mapping none = bare(m, NOCACHE);
    message->header = (struct out_header){ sizeof *message, 100, 0 };
    message->nodeid = node;
    message->ino = node;
    encode(s, m, &message->read);
    encode(s, &none, &message->write);
    return 0;
}

int64_t build_batch(char *messages, int count)
{
    int64_t errors = 0;
    for (int i = 0; i < count; i++) {
        struct mapping m = { (int64_t)i << 16, 1 << 16, (int64_t)i << 20, 1, WRITTEN, 0 };
        errors += add(&server, (struct upsert *)messages + i, 5, &m) != 0;
    }
    return errors;
}
