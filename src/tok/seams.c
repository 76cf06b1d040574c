/* seams.c: back in time from two tokens, undoing of the two beside the seam always the one that was made later. */
#include "tok/seams.h"
#include <string.h>

enum { AHEAD = 16 };                                                  /* merges for whose slots is called before they are needed */

static inline uint32_t behind(uint32_t right) { return 1u << (right * 0x9e3779b1u >> 28); }
static inline uint32_t before(uint32_t left) { return 1u << (16 + (left * 0x9e3779b1u >> 28)); }

/* false: no merge joins them. Most that stand side by side are told by this alone, without the table of merges, which is far. */
static inline bool may_join(const struct seam_maker *l, const struct seam_maker *r, uint32_t left, uint32_t right) { return (l->joins & behind(right)) != 0 && (r->joins & before(left)) != 0; }

/* No merge of an order below `limit` joins across the seam. Of equal ranks the leftmost goes first: before the one across the seam goes what
 * makes the left token, and after it what makes the right one. */
static bool fit(const struct seams *s, const struct ranks *ranks, uint32_t left, uint32_t right, uint32_t limit)
{
    for (;;) {
        const struct seam_maker *l = &s->makers[left], *r = &s->makers[right];
        uint32_t rank = may_join(l, r, left, right) ? ranks_of(ranks, left, right) : NO_TOKEN;
        if (rank != NO_TOKEN && rank + 1 < limit) return false;
        if (l->order > r->order) {
            limit = l->order;
            left = l->right;
        } else {
            if (r->order == 0) return true;
            limit = r->order + 1;
            right = r->left;
        }
    }
}

bool seams_fit(const struct seams *s, const struct ranks *ranks, uint32_t left, uint32_t right) { return fit(s, ranks, left, right, NO_TOKEN); }

/* One merge, those before it done. false: a merge before it waited for what it makes. */
static bool add(struct seams *s, const struct ranks *ranks, struct merge m, uint32_t rank, uint8_t *awaited)
{
    struct seam_maker *made = &s->makers[m.id];
    bool left = s->makers[m.left].order != NO_TOKEN, right = s->makers[m.right].order != NO_TOKEN;
    if (ranks_of(ranks, m.left, m.right) != rank) return true;        /* given again later, which counts */
    if (!left) awaited[m.left] = 1;
    if (!right) awaited[m.right] = 1;
    if (!left || !right || made->order != NO_TOKEN || !fit(s, ranks, m.left, m.right, rank + 1)) return true;
    *made = (struct seam_maker){ m.left, m.right, rank + 1, made->joins };
    return !awaited[m.id];
}

size_t seams_size(uint32_t size) { return block_size(size, sizeof(struct seam_maker)) + block_size(size, 1); }

bool seams_make(struct tok_block *block, struct seams *s, const struct ranks *ranks, const struct merge *merges, uint32_t n, bool by_id, const uint32_t byte_id[256], uint32_t size)
{
    uint8_t *awaited = memset(block_take(block, size, 1), 0, size);
    *s = (struct seams){ block_take(block, size, sizeof *s->makers), size };
    for (uint32_t id = 0; id < size; id++) s->makers[id] = (struct seam_maker){ .order = NO_TOKEN };
    for (int c = 0; c < 256; c++)
        if (byte_id[c] != NO_TOKEN) s->makers[byte_id[c]].order = 0;
    for (uint32_t i = 0; i < n; i++) {
        s->makers[merges[i].left].joins |= behind(merges[i].right);
        s->makers[merges[i].right].joins |= before(merges[i].left);
    }
    bool proper = true;
    for (uint32_t i = 0; i < n && proper; i++) {
        if (i + AHEAD < n) ranks_call(ranks, merges[i + AHEAD].left, merges[i + AHEAD].right);
        proper = add(s, ranks, merges[i], by_id ? merges[i].id : i, awaited);
    }
    if (!proper) *s = (struct seams){ 0 };
    return proper;
}
