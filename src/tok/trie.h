/* trie.h: the longest token that a text begins with, and the next shorter ones.
 *
 * A trie whose first step takes two bytes; from then on a node's child by a byte is found in one table of hashes, so that a node costs eight
 * bytes and making it is quick. What a node is (the end of a token? with children?) stands in its name, and so costs no further look. */
#ifndef TOK_TRIE_H
#define TOK_TRIE_H
#include "tok/table.h"
#include "tok/vocab.h"

enum { TRIE_PAIRS = 1 << 16, TRIE_BYTES = 255, TRIE_NODES = 1 << 22 };        /* pairs of bytes; of a token, nodes: more is not put in */
#define TRIE_ENDS  0x80000000u                                        /* of a node: a token ends here */
#define TRIE_GROWS 0x40000000u                                        /* it has children */
#define TRIE_NODE  0x3fffffffu

struct trie_token { uint32_t shorter; uint8_t n; };                   /* the longest token that it begins with (NO_TOKEN: none); its bytes */
struct trie_slot { uint32_t key, node; };                             /* key: parent << 8 | byte; 0: empty */
struct trie {
    uint32_t           one[256];                                      /* tokens of one byte; NO_TOKEN: none */
    uint32_t          *pairs;                                         /* nodes of two bytes; 0: none */
    struct trie_slot  *slots;
    size_t             room;                                          /* a power of two */
    uint32_t          *ends;                                          /* by node: the token; NO_TOKEN: none */
    uint32_t           n;                                             /* nodes, from 1 on */
    struct trie_token *tokens;                                        /* by id */
    uint32_t           size;                                          /* of the vocabulary */
};

size_t trie_size(const struct vocab *vocab);                          /* of the block that it is made in */
/* Tokens of `vocab`, but those of which `begins` says NO_TOKEN; of the others it names one of these that they begin with, or themselves. Those of one byte by
 * byte_id. false: they are too many or too long, and there is no trie. */
bool trie_make(struct tok_block *block, struct trie *t, const struct vocab *vocab, const uint32_t *begins, const uint32_t byte_id[256]);

static inline size_t trie_home(const struct trie *t, uint32_t key) { return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (t->room - 1); }

static inline uint32_t trie_child(const struct trie *t, uint32_t node, unsigned char byte)      /* 0: none */
{
    uint32_t key = (node & TRIE_NODE) << 8 | byte;
    size_t i = trie_home(t, key);
    while (t->slots[i].key != key && t->slots[i].key != 0) i = (i + 1) & (t->room - 1);
    return t->slots[i].node;
}

/* The longest token that text[0..n) begins with, n > 0, and its bytes; NO_TOKEN: none. */
static inline uint32_t trie_longest(const struct trie *t, const unsigned char *text, size_t n, size_t *bytes)
{
    uint32_t node = n > 1 ? t->pairs[(unsigned)text[0] << 8 | text[1]] : 0, last = 0;
    *bytes = 1;
    for (size_t i = 2; node != 0; i++) {
        if (node & TRIE_ENDS) {
            last = node;
            *bytes = i;
        }
        if (i == n || !(node & TRIE_GROWS)) break;
        node = trie_child(t, node, text[i]);
    }
    return last != 0 ? t->ends[last & TRIE_NODE] : t->one[text[0]];
}

#endif
