/* forward.c: the walk; what is kept of characters and seams. */
#include "tok/forward.h"
#include <string.h>

rk_status forward_make(rk_ctx *ctx, struct forward *f, const struct ranks *ranks, const struct merge *merges, uint32_t n, bool by_id, const uint32_t byte_id[256], const struct vocab *vocab)
{
    uint32_t *begins;
    *f = (struct forward){ .ranks = ranks };
    TRY(seams_make(ctx, &f->seams, ranks, merges, n, by_id, byte_id, vocab->size, &f->ready));
    if (!f->ready) return RK_OK;
    rk_status status = NEW(begins, vocab->size);
    if (status == RK_OK) {
        const struct seam_maker *makers = f->seams.makers;
        for (uint32_t id = 0; id < vocab->size; id++) begins[id] = makers[id].order == 0 ? id : makers[id].order == NO_TOKEN ? NO_TOKEN : makers[id].left;
        status = trie_make(ctx, &f->trie, vocab, begins, byte_id, &f->ready);
    }
    FREE(begins, vocab->size);
    if (status != RK_OK || !f->ready) forward_clear(ctx, f);
    return status;
}

void forward_clear(rk_ctx *ctx, struct forward *f)
{
    seams_clear(ctx, &f->seams);
    trie_clear(ctx, &f->trie);
    f->ready = false;
}

bool forward_keep(struct share *s, struct forward_work *work)
{
    return work->seams != NULL || share_resize(s, (void **)&work->seams, 0, (size_t)1 << KNOWN_SEAMS_BITS, sizeof *work->seams, "what is known of seams");
}

void forward_work_clear(rk_ctx *ctx, struct forward_work *work)
{
    FREE(work->seams, work->seams != NULL ? (size_t)1 << KNOWN_SEAMS_BITS : 0);
    FREE(work->chars, work->chars != NULL ? KNOWN_CHARS : 0);
    FREE(work->closed, work->room_closed);
    *work = (struct forward_work){ 0 };
}

/* ---- the walk ---- */

struct walk {
    const struct forward *f;
    struct forward_work  *work;
    const unsigned char  *word;
    size_t                n, at, made, last_closed;                   /* ids of word[0..at); no place behind last_closed is closed */
    uint32_t             *out;
    uint64_t             *closed;
};

/* Two ids of 22 bits, and one bit that answers. */
static inline uint64_t *seam_place(const struct forward_work *work, uint64_t key) { return &work->seams[key * 0x9e3779b97f4a7c15u >> (64 - KNOWN_SEAMS_BITS)]; }
static inline uint64_t seam_key(uint32_t left, uint32_t right) { return ((uint64_t)left << 22 | right) + 1; }

static bool may_stand(const struct walk *w, uint32_t left, uint32_t right)
{
    uint64_t key = seam_key(left, right);
    if (w->work->seams == NULL) return seams_fit(&w->f->seams, w->f->ranks, left, right);
    uint64_t *known = seam_place(w->work, key);
    if (__builtin_expect(*known >> 1 != key, 0)) *known = key << 1 | seams_fit(&w->f->seams, w->f->ranks, left, right);
    return *known & 1;
}

static inline bool fits(struct walk *w, uint32_t id) { return w->made == 0 || may_stand(w, w->out[w->made - 1], id); }
static inline bool is_closed(const struct walk *w, size_t at) { return at <= w->last_closed && w->closed[at >> 6] >> (at & 63) & 1; }

static void close_place(struct walk *w, size_t at)
{
    w->closed[at >> 6] |= UINT64_C(1) << (at & 63);
    if (at > w->last_closed) w->last_closed = at;
}

static inline uint32_t shorter(const struct walk *w, uint32_t id, size_t *bytes)
{
    id = w->f->trie.tokens[id].shorter;
    *bytes = id == NO_TOKEN ? 0 : w->f->trie.tokens[id].n;
    return id;
}

static inline uint32_t longest(const struct walk *w, size_t *bytes) { return trie_longest(&w->f->trie, w->word + w->at, w->n - w->at, bytes); }

/* One token further, back and forth as often as that takes. Going back begins anew with the longest token: characters went by without asking for
 * it. false: there is no way, since a byte is missing. */
static bool step(struct walk *w)
{
    size_t bytes;
    uint32_t id = longest(w, &bytes);
    while (id == NO_TOKEN || is_closed(w, w->at + bytes) || !fits(w, id)) {
        if (id != NO_TOKEN) id = shorter(w, id, &bytes);
        if (id != NO_TOKEN) continue;
        if (w->made == 0) return false;
        close_place(w, w->at);
        w->at -= w->f->trie.tokens[w->out[--w->made]].n;
        id = longest(w, &bytes);
    }
    w->out[w->made++] = id;
    w->at += bytes;
    return true;
}

static size_t walk(struct walk *w)
{
    while (w->at < w->n)
        if (!step(w)) return 0;
    return w->made;
}

/* Keeps what three bytes are made of, by themselves. false: nobody goes by them, or they cannot be made. */
static bool keep_character(const struct walk *w, const unsigned char *p, struct known_char *known)
{
    uint32_t ids[3 + FORWARD_BEYOND];
    uint64_t closed = 0;
    struct walk alone = { .f = w->f, .work = w->work, .word = p, .n = 3, .out = ids, .closed = &closed };
    size_t n = (*p & 0xf0) == 0xe0 ? walk(&alone) : 0;
    if (n == 0) return false;
    known->bytes_n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)n << 24;
    memcpy(known->ids, ids, n * sizeof *ids);
    return true;
}

/* Characters of three bytes, as far as each may stand behind the one before. */
static inline void go_by_characters(struct walk *w)
{
    const struct forward_work *work = w->work;
    const unsigned char *p = w->word + w->at, *end = w->word + w->n;
    uint32_t *out = w->out + w->made;
    for (; end - p >= 3; p += 3) {
        uint32_t bytes = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
        struct known_char *c = &work->chars[bytes * 0x9e3779b1u >> (32 - KNOWN_CHARS_BITS)];
        if (__builtin_expect((c->bytes_n & 0xffffff) != bytes, 0) && !keep_character(w, p, c)) break;
        if (out != w->out) {
            uint64_t key = seam_key(out[-1], c->ids[0]);
            if (__builtin_expect(*seam_place(work, key) != (key << 1 | 1), 0) && !may_stand(w, out[-1], c->ids[0])) break;
        }
        memcpy(out, c, sizeof *c);
        out += c->bytes_n >> 24;
    }
    w->at = (size_t)(p - w->word);
    w->made = (size_t)(out - w->out);
}

/* Room for `chars`, where they are worth it, before the first. */
static bool expect_characters(struct share *s, struct forward_work *work, const unsigned char *word, size_t n)
{
    if (work->chars != NULL || work->seams == NULL || !(word[0] >= 0xe0 || (n > 1 && word[1] >= 0xe0))) return true;
    return share_resize(s, (void **)&work->chars, 0, KNOWN_CHARS, sizeof *work->chars, "characters");
}

enum { CLOSED_HERE = 4 };

size_t forward_word(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *word, size_t n, uint32_t *out)
{
    uint64_t here[CLOSED_HERE] = { 0 };
    struct walk w = { .f = f, .work = work, .word = word, .n = n, .out = out, .closed = here };
    if (!expect_characters(s, work, word, n)) return 0;
    if (n / 64 >= CLOSED_HERE) {
        if (!SHARE_ROOM(s, work->closed, work->room_closed, n / 64 + 1)) return 0;
        memset(work->closed, 0, (n / 64 + 1) * sizeof *work->closed);
        w.closed = work->closed;
    }
    while (w.at < n) {
        if (work->chars != NULL && w.at >= w.last_closed && word[w.at] >= 0xe0) go_by_characters(&w);
        if (w.at < n && !step(&w)) return 0;
    }
    return w.made;
}

size_t forward_clauses(const struct forward *f, struct share *s, struct forward_work *work, const unsigned char *text, size_t at, const size_t *ends, size_t n, uint32_t **out)
{
    size_t i = 0;
    for (; i < n && forward_is_clause(text + at, ends[i] - at); at = ends[i++]) {
        struct walk w = { .f = f, .work = work, .word = text + at, .n = ends[i] - at, .out = *out };
        if (work->chars != NULL) go_by_characters(&w);
        if (w.at < w.n && (w.made = forward_word(f, s, work, w.word, w.n, *out)) == 0) break;
        *out += w.made;
    }
    return i;
}
