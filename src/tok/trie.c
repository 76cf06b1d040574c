/* trie.c: tokens put in one by one, parents before their children; then what depends on all of them. */
#include "tok/trie.h"
#include <string.h>

struct making { struct trie *trie; uint32_t *up; size_t n_slots; };   /* up: the parent of a node; 0: it is one of two bytes */

static rk_status make_slots(rk_ctx *ctx, struct trie *t, size_t room)
{
    struct trie_slot *old = t->slots;
    size_t n_old = t->room;
    rk_status status = NEW(t->slots, room);
    t->room = status == RK_OK ? room : 0;
    for (size_t i = 0; i < n_old && status == RK_OK; i++) {
        if (old[i].key == 0) continue;
        size_t at = trie_home(t, old[i].key);
        while (t->slots[at].key != 0) at = (at + 1) & (room - 1);
        t->slots[at] = old[i];
    }
    FREE(old, n_old);
    return status;
}

static uint32_t new_node(struct making *m, uint32_t up)
{
    m->up[++m->trie->n] = up;
    m->trie->ends[m->trie->n] = NO_TOKEN;
    return m->trie->n;
}

/* The child of `up` by a byte, new where there was none. */
static rk_status go_down(rk_ctx *ctx, struct making *m, uint32_t up, unsigned char byte, uint32_t *node)
{
    struct trie *t = m->trie;
    uint32_t key = up << 8 | byte;
    if (2 * (m->n_slots + 1) > t->room) TRY(make_slots(ctx, t, 2 * t->room));
    size_t i = trie_home(t, key);
    while (t->slots[i].key != key && t->slots[i].key != 0) i = (i + 1) & (t->room - 1);
    if (t->slots[i].key == 0) {
        t->slots[i] = (struct trie_slot){ key, new_node(m, up) };
        m->n_slots++;
    }
    *node = t->slots[i].node;
    return RK_OK;
}

static rk_status add(rk_ctx *ctx, struct making *m, uint32_t id, const unsigned char *text, size_t n)
{
    struct trie *t = m->trie;
    uint32_t *first = &t->pairs[(unsigned)text[0] << 8 | text[1]];
    if (*first == 0) *first = new_node(m, 0);
    uint32_t node = *first;
    for (size_t i = 2; i < n; i++) TRY(go_down(ctx, m, node, text[i], &node));
    t->ends[node] = id;
    return RK_OK;
}

/* Names say what nodes are; `up` becomes the longest token that ends above a node of more than two bytes, NO_TOKEN where there is none. */
static void name_nodes(struct making *m, uint32_t *flags)
{
    struct trie *t = m->trie;
    for (uint32_t i = t->n; i > 0; i--) {
        if (t->ends[i] != NO_TOKEN) flags[i] |= TRIE_ENDS;
        flags[m->up[i]] |= TRIE_GROWS;
    }
    for (size_t i = 0; i < TRIE_PAIRS; i++) t->pairs[i] |= flags[t->pairs[i]] & (t->pairs[i] == 0 ? 0 : ~0u);
    for (size_t i = 0; i < t->room; i++)
        if (t->slots[i].key != 0) t->slots[i].node |= flags[t->slots[i].node];
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

static rk_status make(rk_ctx *ctx, struct making *m, const struct vocab *vocab, const uint8_t *wanted, size_t most)
{
    struct trie *t = m->trie;
    rk_status status;
    uint32_t *flags = NULL;
    size_t room = 16;
    while (room < most / 2) room *= 2;
    GO(NEW(flags, most + 1));
    GO(NEW(m->up, most + 1));
    GO(NEW(t->ends, most + 1));
    t->room_nodes = (uint32_t)most + 1;
    GO(NEW(t->pairs, TRIE_PAIRS));
    GO(NEW(t->tokens, vocab->size));
    t->size = vocab->size;
    GO(make_slots(ctx, t, room));
    for (uint32_t id = 0; id < vocab->size; id++)
        if (wanted[id] && vocab->tokens[id].n > 1) GO(add(ctx, m, id, (const unsigned char *)vocab->tokens[id].at, vocab->tokens[id].n));
    name_nodes(m, flags);
    tell_tokens(m, vocab);
    GO(GROW(t->ends, t->room_nodes, t->n + 1));                       /* less, in truth */
    t->room_nodes = t->n + 1;
out:
    FREE(flags, most + 1);
    FREE(m->up, most + 1);
    return status;
}

rk_status trie_make(rk_ctx *ctx, struct trie *t, const struct vocab *vocab, const uint8_t *wanted, const uint32_t byte_id[256], bool *fits)
{
    size_t most = 0;
    struct making m = { .trie = t };
    *t = (struct trie){ 0 };
    *fits = true;
    for (uint32_t id = 0; id < vocab->size && *fits; id++) {
        if (!wanted[id]) continue;
        most += vocab->tokens[id].n;
        *fits = vocab->tokens[id].n <= TRIE_BYTES && most <= TRIE_NODES;
    }
    if (!*fits) return RK_OK;
    memcpy(t->one, byte_id, sizeof t->one);
    rk_status status = make(ctx, &m, vocab, wanted, most);
    if (status != RK_OK) trie_clear(ctx, t);
    return status;
}

void trie_clear(rk_ctx *ctx, struct trie *t)
{
    FREE(t->pairs, TRIE_PAIRS);
    FREE(t->slots, t->room);
    FREE(t->ends, t->room_nodes);
    FREE(t->tokens, t->size);
    *t = (struct trie){ 0 };
}
