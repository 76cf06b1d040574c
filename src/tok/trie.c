/* trie.c: tokens put in one by one, each behind one that it begins with where that is there; then what depends on all of them. */
#include "tok/trie.h"
#include <string.h>

enum { AHEAD = 8 };                                                   /* tokens whose first step is called for before they are put in */

/* up: the parent of a node, 0: it is one of two bytes; name: where that of a token's node stands, NULL: it is not there yet. */
struct making { struct trie *trie; uint32_t *up, **name; };

static uint32_t new_node(struct making *m, uint32_t up)
{
    m->up[++m->trie->n] = up;
    m->trie->ends[m->trie->n] = NO_TOKEN;
    return m->trie->n;
}

/* The child by a byte, new where there was none. Names here and below are where they stand. */
static uint32_t *go_down(struct making *m, uint32_t *up, unsigned char byte)
{
    struct trie *t = m->trie;
    uint32_t key = (*up & TRIE_NODE) << 8 | byte;
    size_t i = trie_home(t, key);
    while (t->slots[i].key != key && t->slots[i].key != 0) i = (i + 1) & (t->room - 1);
    if (t->slots[i].key == 0) {
        t->slots[i] = (struct trie_slot){ key, new_node(m, *up & TRIE_NODE) };
        *up |= TRIE_GROWS;
    }
    return &t->slots[i].node;
}

/* The first step of a token that is put in later, if it is known where it begins. */
static void call_for(const struct making *m, uint32_t id, uint32_t begins, const struct vocab *vocab)
{
    const struct trie *t = m->trie;
    if (begins == NO_TOKEN || m->name[begins] == NULL || vocab->tokens[id].n <= vocab->tokens[begins].n) return;
    __builtin_prefetch(&t->slots[trie_home(t, (*m->name[begins] & TRIE_NODE) << 8 | (unsigned char)vocab->tokens[id].at[vocab->tokens[begins].n])], 1);
}

static void add(struct making *m, uint32_t id, uint32_t begins, const struct vocab *vocab)
{
    struct trie *t = m->trie;
    const unsigned char *text = (const unsigned char *)vocab->tokens[id].at;
    size_t n = vocab->tokens[id].n, from = vocab->tokens[begins].n;
    uint32_t *name = m->name[begins];
    if (name == NULL) {
        name = &t->pairs[(unsigned)text[0] << 8 | text[1]];
        if (*name == 0) *name = new_node(m, 0);
        from = 2;
    }
    for (size_t i = from; i < n; i++) name = go_down(m, name, text[i]);
    t->ends[*name & TRIE_NODE] = id;
    *name |= TRIE_ENDS;
    m->name[id] = name;
}

/* `up` becomes the longest token that ends above a node of more than two bytes, NO_TOKEN where there is none. */
static void look_up(struct making *m)
{
    struct trie *t = m->trie;
    for (uint32_t i = 1; i <= t->n; i++) {
        uint32_t up = m->up[i];
        m->up[i] = up == 0 ? NO_TOKEN : t->ends[up] != NO_TOKEN ? t->ends[up] : m->up[up];
    }
}

static void tell_tokens(struct making *m, const struct vocab *vocab)
{
    struct trie *t = m->trie;
    for (int c = 0; c < 256; c++)
        if (t->one[c] != NO_TOKEN) t->tokens[t->one[c]] = (struct trie_token){ NO_TOKEN, 1 };
    for (uint32_t i = 1; i <= t->n; i++) {
        if (t->ends[i] == NO_TOKEN) continue;
        rk_text text = vocab->tokens[t->ends[i]];
        t->tokens[t->ends[i]] = (struct trie_token){ m->up[i] != NO_TOKEN ? m->up[i] : t->one[(unsigned char)text.at[0]], (uint8_t)text.n };
    }
}

/* Slots for so many nodes at most: most are fewer, since tokens share them. */
static size_t slots_for(size_t most)
{
    size_t room = 16;
    while (room < most + most / 3) room *= 2;
    return room;
}

static void make(struct tok_block *block, struct making *m, const struct vocab *vocab, const uint32_t *begins, size_t most)
{
    struct trie *t = m->trie;
    t->size = vocab->size;
    t->room = slots_for(most);
    m->up = block_take(block, most + 1, sizeof *m->up);
    m->name = memset(block_take(block, t->size, sizeof *m->name), 0, t->size * sizeof *m->name);
    t->ends = block_take(block, most + 1, sizeof *t->ends);
    t->pairs = memset(block_take(block, TRIE_PAIRS, sizeof *t->pairs), 0, TRIE_PAIRS * sizeof *t->pairs);
    t->tokens = memset(block_take(block, t->size, sizeof *t->tokens), 0, t->size * sizeof *t->tokens);
    t->slots = memset(block_take(block, t->room, sizeof *t->slots), 0, t->room * sizeof *t->slots);
    for (uint32_t id = 0; id < t->size; id++) {
        if (id + AHEAD < t->size) call_for(m, id + AHEAD, begins[id + AHEAD], vocab);
        if (begins[id] != NO_TOKEN && vocab->tokens[id].n > 1) add(m, id, begins[id], vocab);
    }
    look_up(m);
    tell_tokens(m, vocab);
}

size_t trie_size(const struct vocab *vocab)
{
    size_t most = 0;                                                  /* no token was made of others yet, so that each may need a node for each byte */
    for (uint32_t id = 0; id < vocab->size; id++)
        if (vocab->tokens[id].n <= TRIE_BYTES) most += vocab->tokens[id].n;
    if (most > TRIE_NODES) most = TRIE_NODES;
    return 2 * block_size(most + 1, sizeof(uint32_t)) + block_size(vocab->size, sizeof(uint32_t *)) + block_size(TRIE_PAIRS, sizeof(uint32_t))
           + block_size(vocab->size, sizeof(struct trie_token)) + block_size(slots_for(most), sizeof(struct trie_slot));
}

/* Nodes that a token may need which none before it has made. */
static size_t nodes_of(const struct vocab *vocab, const uint32_t *begins, uint32_t id)
{
    size_t n = vocab->tokens[id].n, there = vocab->tokens[begins[id]].n;
    return begins[id] < id && there > 1 && begins[begins[id]] != NO_TOKEN ? n - there : n;
}

bool trie_make(struct tok_block *block, struct trie *t, const struct vocab *vocab, const uint32_t *begins, const uint32_t byte_id[256])
{
    size_t most = 0, bytes = 0;
    struct making m = { .trie = t };
    *t = (struct trie){ 0 };
    for (uint32_t id = 0; id < vocab->size; id++) {
        if (begins[id] == NO_TOKEN) continue;
        most += nodes_of(vocab, begins, id);
        bytes += vocab->tokens[id].n;
        if (vocab->tokens[id].n > TRIE_BYTES || bytes > TRIE_NODES) return false;
    }
    memcpy(t->one, byte_id, sizeof t->one);
    make(block, &m, vocab, begins, most);
    return true;
}
