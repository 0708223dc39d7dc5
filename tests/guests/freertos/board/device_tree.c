/*
 * A reader for the few nodes below the root that matter here. Every offset is checked against the tree's size:
 * a damaged tree reads as one that ends early.
 */
#include "device_tree.h"

#include "string.h"

#define MAGIC           0xD00DFEED
#define HEADER_BYTES    40
#define BEGIN_NODE      1
#define END_NODE        2
#define PROPERTY        3
#define NO_OPERATION    4

struct property {
    const uint8_t *value; /* null when absent */
    uint32_t bytes;
};

/* The properties that are looked at, of the node being read. */
struct node {
    const char *name;
    struct property compatible, reg, method, device_type, model, bootargs, address_cells, size_cells;
};

struct reader {
    const uint8_t *tree;
    uint64_t bytes;
    uint64_t offset;
    uint64_t strings;
    uint32_t address_cells;
    uint32_t size_cells;
};

static uint32_t big_endian32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t word_at(const struct reader *reader, uint64_t offset)
{
    return offset + 4 <= reader->bytes ? big_endian32(reader->tree + offset) : 0;
}

/* A zero-terminated string within the tree, or an empty one. */
static const char *string_at(const struct reader *reader, uint64_t offset)
{
    for (uint64_t end = offset; end < reader->bytes; end++) {
        if (reader->tree[end] == '\0') {
            return (const char *)reader->tree + offset;
        }
    }
    return "";
}

static bool holds(struct property property, const char *wanted)
{
    size_t length = strlen(wanted) + 1;

    for (uint32_t at = 0; property.value != 0 && at + length <= property.bytes;) {
        if (memcmp(property.value + at, wanted, length) == 0) {
            return true;
        }
        while (at < property.bytes && property.value[at] != '\0') {
            at++;
        }
        at++;
    }
    return false;
}

/* The number made of `cells` cells at a cell offset of `reg`; 0 if it is not there. */
static uint64_t cells_of(struct property reg, uint32_t first, uint32_t cells)
{
    uint64_t value = 0;

    if (reg.value == 0 || cells > 2 || ((uint64_t)first + cells) * 4 > reg.bytes) {
        return 0;
    }
    for (uint32_t cell = first; cell < first + cells; cell++) {
        value = value << 32 | big_endian32(reg.value + cell * 4);
    }
    return value;
}

static void keep_property(struct node *node, const char *name, struct property property)
{
    const struct { const char *name; struct property *slot; } wanted[] = {
        { "compatible", &node->compatible }, { "reg", &node->reg }, { "method", &node->method },
        { "device_type", &node->device_type }, { "model", &node->model },
        { "bootargs", &node->bootargs },
        { "#address-cells", &node->address_cells }, { "#size-cells", &node->size_cells },
    };

    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strcmp(name, wanted[i].name) == 0) {
            *wanted[i].slot = property;
        }
    }
}

/* The property as a zero-terminated string; null if it is none. */
static const char *text_of(struct property property)
{
    bool ends = property.value != 0 && property.value[property.bytes - 1] == '\0';

    return ends ? (const char *)property.value : 0;
}

static void understand_root(struct reader *reader, const struct node *root, struct device_tree_facts *facts)
{
    /* Devicetree Specification 0.4 2.3.5: two and one cells when absent. */
    reader->address_cells = root->address_cells.value ? (uint32_t)cells_of(root->address_cells, 0, 1) : 2;
    reader->size_cells = root->size_cells.value ? (uint32_t)cells_of(root->size_cells, 0, 1) : 1;
    facts->model = text_of(root->model);
}

static void understand(const struct reader *reader, const struct node *node, struct device_tree_facts *facts)
{
    uint64_t address = cells_of(node->reg, 0, reader->address_cells);

    if (holds(node->device_type, "memory") && facts->memory_bytes == 0) {
        facts->memory_base = address;
        facts->memory_bytes = cells_of(node->reg, reader->address_cells, reader->size_cells);
    } else if (holds(node->compatible, "arm,cortex-a15-gic") || holds(node->compatible, "arm,gic-400")) {
        facts->gic_version = 2;
        facts->gic_distributor = address;
    } else if (holds(node->compatible, "arm,gic-v3")) {
        facts->gic_version = 3;
        facts->gic_distributor = address;
    } else if (holds(node->compatible, "arm,pl011") && (facts->uart == 0 || address == facts->uart)) {
        facts->uart = address;
    } else if (strcmp(node->name, "psci") == 0) {
        facts->psci_by_smc = holds(node->method, "smc");
    } else if (strcmp(node->name, "chosen") == 0) {
        facts->bootargs = text_of(node->bootargs);
    }
}

/* Reads one property at the reader's offset (behind its token) and moves past it. */
static void read_property(struct reader *reader, struct node *node)
{
    uint32_t bytes = word_at(reader, reader->offset);
    uint32_t name = word_at(reader, reader->offset + 4);
    uint64_t value = reader->offset + 8;

    if (value + bytes <= reader->bytes && bytes > 0) {
        struct property property = { reader->tree + value, bytes };
        keep_property(node, string_at(reader, reader->strings + name), property);
    }
    reader->offset = value + (((uint64_t)bytes + 3) & ~3ull);
}

/* A node's properties come before its children, so at the next node's begin or end they are complete (0.4 5.4.2). */
static void finish_node(struct reader *reader, struct node *node, uint32_t depth, struct device_tree_facts *facts)
{
    if (node->name != 0 && depth == 1) {
        understand_root(reader, node, facts);
    } else if (node->name != 0 && depth == 2) {
        understand(reader, node, facts);
    }
    *node = (struct node){ .name = 0 };
}

static void read_structure(struct reader *reader, struct device_tree_facts *facts)
{
    struct node node = { .name = 0 };

    for (uint32_t depth = 0;;) {
        uint32_t token = word_at(reader, reader->offset);
        reader->offset += 4;
        if (token == PROPERTY) {
            read_property(reader, &node);
        } else if (token == BEGIN_NODE) {
            finish_node(reader, &node, depth++, facts);
            node.name = string_at(reader, reader->offset);
            reader->offset += (strlen(node.name) + 1 + 3) & ~3ull;
        } else if (token == END_NODE && depth > 1) {
            finish_node(reader, &node, depth--, facts);
        } else if (token != NO_OPERATION) {
            return; /* the root's end, or damage */
        }
    }
}

uint64_t device_tree_bytes(uint64_t address)
{
    /* The protocol wants 8-byte alignment; a pointer that has not even that is no tree. */
    if (address == 0 || (address & 7) != 0 || address >> 32 != 0) {
        return 0;
    }
    const uint8_t *tree = (const uint8_t *)address;
    if (big_endian32(tree) != MAGIC) {
        return 0;
    }
    uint64_t bytes = big_endian32(tree + 4);
    return bytes < HEADER_BYTES ? 0 : bytes > DEVICE_TREE_BYTES_MAX ? DEVICE_TREE_BYTES_MAX : bytes;
}

struct device_tree_facts device_tree_read(uint64_t address, uint64_t bytes)
{
    struct device_tree_facts facts = { .present = bytes != 0 };
    struct reader reader = { .tree = (const uint8_t *)address, .bytes = bytes };

    if (bytes != 0) {
        reader.offset = word_at(&reader, 8);
        reader.strings = word_at(&reader, 12);
        read_structure(&reader, &facts);
    }
    return facts;
}
