/* pieces_encode.c: the most likely pieces of a text: the best sum of scores over all ways to cut it, by dynamic programming from left
 * to right. A character that no piece is costs more than any piece; neighbours of that kind are one stretch. */
#include "base/utf8.h"
#include "tok/pieces.h"

static const float unknown_cost = 10;                   /* below the least score */
static const double user_malus = 0.1;

/* The best way to a place: where its last piece begins, and which that is; -1: none. */
struct way { float score; int from, piece; bool there; };

/* A piece of the user's own counts by its bytes. */
static double score_of(const struct pieces *p, int piece)
{
    const struct piece *q = &p->at.at[piece];
    return q->type == PIECE_USER ? (double)((float)q->n * p->most) - user_malus : (double)q->score;
}

/* Sums are kept as floats and compared as doubles: so equal ways are told apart as the original does it. */
static void try_way(struct way *to, double score, int from, int piece)
{
    if (to->there && !(score > (double)to->score)) return;
    *to = (struct way){ (float)score, from, piece, true };
}

/* All pieces that begin at a place. */
static void go_on(const struct pieces *p, const char *text, int n, int at, struct way *ways)
{
    uint32_t code;
    int first = (int)utf8_next(text + at, (size_t)(n - at), &code);
    bool single = false;
    for (int end = at; end < n && end - at < (int)p->longest;) {
        end += (int)utf8_next(text + end, (size_t)(n - end), &code);
        int piece = end - at <= (int)p->longest ? pieces_find(p, text + at, (size_t)(end - at)) : -1;
        if (piece < 0) continue;
        single = single || end - at == first;
        try_way(&ways[end], (double)ways[at].score + score_of(p, piece), at, piece);
    }
    if (!single) try_way(&ways[at + first], (double)(ways[at].score + (p->least - unknown_cost)), at, -1);
}

/* Turns the best way round: `from` of each place on it becomes where it goes on. */
static void turn(struct way *ways, int n)
{
    for (int at = n, next = n; at > 0;) {
        int from = ways[at].from;
        ways[at].from = next;
        next = at;
        at = from;
        if (at == 0) ways[0].from = next;
    }
}

/* ways[end].piece is the piece that ends there. */
static rk_status tell(const char *text, const struct way *ways, int n, pieces_fn *each, void *user)
{
    for (int at = 0, end; at < n; at = end) {
        end = ways[at].from;
        int piece = ways[end].piece;
        while (piece < 0 && end < n && ways[ways[end].from].piece < 0) end = ways[end].from;
        rk_status status = each(user, (rk_text){ text + at, (size_t)(end - at) }, piece);
        if (status != RK_OK) return status;
    }
    return RK_OK;
}

rk_status pieces_encode(rk_ctx *ctx, const struct pieces *p, const char *text, size_t n, pieces_fn *each, void *user)
{
    struct str normal = { 0 };
    struct way *ways = NULL;
    rk_status status;
    int64_t room = 0;
    uint32_t code;
    GO(pieces_normalize(ctx, p, text, n, &normal));
    if (normal.n == 0) goto out;
    room = (int64_t)normal.n + 1;
    GO(NEW(ways, room));
    ways[0].there = true;
    for (int at = 0; at < normal.n; at += (int)utf8_next(normal.at + at, (size_t)(normal.n - at), &code))
        if (ways[at].there) go_on(p, normal.at, normal.n, at, ways);
    turn(ways, normal.n);
    GO(tell(normal.at, ways, normal.n, each, user));
out:
    FREE(ways, room);
    str_free(ctx, &normal);
    return status;
}
