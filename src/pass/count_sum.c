/* count_sum.c: sums of rows, as a number and as people write them: V·D + P·D + L·(12·D² + 13·D) + 2·D.
 *
 * A repetition gets what most of its blocks have (count_often.c); a block that differs (the last one, which nobody reads further)
 * leaves its difference outside: L·(...) - B·T·D. So the formula is exact whatever the blocks are, and its value is the number. */
#include "pass/count.h"

static rk_status room_for_part(struct count *count, struct account *a)
{
    rk_ctx *ctx = count->ctx;
    struct account_part *more;
    if (a->n < a->room) return RK_OK;
    a->room = a->room == 0 ? 2 : 2 * a->room;
    TRY(TAKE(&count->arena, more, a->room));
    for (int i = 0; i < a->n; i++) more[i] = a->parts[i];
    a->parts = more;
    return RK_OK;
}

static rk_status add_part(struct count *count, struct account *a, int repeat, struct poly each)
{
    rk_ctx *ctx = count->ctx;
    int at = a->n - 1;
    if (each.n == 0) return RK_OK;
    while (repeat != 0 && at >= 0 && a->parts[at].repeat != repeat) at--;
    if (at < 0 || a->parts[at].repeat != repeat) {
        TRY(room_for_part(count, a));
        a->parts[at = a->n++] = (struct account_part){ repeat, 0, poly_zero() };
    }
    poly_add_to(&count->polys, &a->parts[at].each, &a->parts[at].room, each);
    return count->polys.status;
}

rk_status account_share(struct count *count, const struct often *often, enum quantity q, struct share *share)
{
    const struct count_row *row = &count->rows.at[often->row];
    struct polys polys = { count->ctx, &count->scratch, RK_OK };
    struct poly price = count->classes.at[row->class].price[q];
    arena_reuse(count->ctx, &count->scratch);                /* the share before has been added to whom it belongs */
    *share = (struct share){ row->repeat, poly_scale(&polys, often->each, price), poly_scale(&polys, often->outside, price) };
    return polys.status;
}

rk_status account_add(struct count *count, struct account *a, const struct share *share)
{
    rk_ctx *ctx = count->ctx;
    TRY(add_part(count, a, share->repeat, share->each));
    return add_part(count, a, 0, share->outside);
}

rk_status account_number(struct count *count, const struct account *a, uint64_t *number)
{
    rk_ctx *ctx = count->ctx;
    struct polys polys = { ctx, &count->scratch, RK_OK };
    struct poly sum = poly_zero();
    for (int i = 0; i < a->n; i++) sum = poly_add(&polys, sum, poly_scale(&polys, count->repeats.at[a->parts[i].repeat].n, a->parts[i].each));
    TRY(polys.status);
    TRY(poly_value(ctx, count->g, sum, NULL, number));
    arena_reuse(ctx, &count->scratch);
    return RK_OK;
}

/* --- writing --- */

struct written { int n; int *repeat; struct poly *each; };

/* Moves what an earlier part outside has too: the second table of an untied head joins the first, 2·V·D. */
static struct poly join_earlier(struct polys *p, struct written *w, struct poly a)
{
    for (int i = 0; i < w->n; i++) {
        if (w->repeat[i] != 0 || w->each[i].over != 1 || a.over != 1) continue;
        for (int k = 0; k < a.n; k++) {
            bool shared = false;
            for (int j = 0; j < w->each[i].n; j++) shared = shared || term_alike(&w->each[i].term[j], &a.term[k]);
            if (!shared) continue;
            struct poly moved = poly_dims(p, a.term[k].factor, a.term[k].degree, a.term[k].dim);
            w->each[i] = poly_add(p, w->each[i], moved);
            a = poly_add(p, a, poly_scale(p, -1, moved));
            k = -1;                                     /* a is another array now */
        }
    }
    return a;
}

/* An earlier repetition that is written the same way: the moments m.h.* and v.h.* are both L·(...). */
static int alike(const struct count *count, const struct written *w, int repeat)
{
    const struct count_repeat *r = &count->repeats.at[repeat];
    for (int i = 0; i < w->n && repeat != 0; i++) {
        const struct count_repeat *other = &count->repeats.at[w->repeat[i]];
        if (w->repeat[i] != 0 && other->letter == r->letter && other->n == r->n) return i;
    }
    return -1;
}

static bool bare(const struct count *count, int repeat) { return repeat != 0 && count->repeats.at[repeat].letter == 0; }

/* What a later part took away from an earlier one may have been all of it. */
static void drop_empty(struct written *w)
{
    int n = w->n;
    w->n = 0;
    for (int i = 0; i < n; i++) {
        if (w->each[i].n == 0) continue;
        w->repeat[w->n] = w->repeat[i];
        w->each[w->n++] = w->each[i];
    }
}

/* Folds every part; a repetition without a letter, of one term only, is just that many more of it. */
static rk_status fold_parts(struct count *count, const struct account *a, struct polys *p, struct written *w)
{
    rk_ctx *ctx = count->ctx;
    TRY(TAKE(p->arena, w->repeat, a->n));
    TRY(TAKE(p->arena, w->each, a->n));
    for (int i = 0; i < a->n; i++) {
        int repeat = a->parts[i].repeat;
        struct poly each = poly_fold(p, count->g, a->parts[i].each);
        if (bare(count, repeat) && each.n == 1) {
            each = poly_scale(p, count->repeats.at[repeat].n, each);
            repeat = 0;
        }
        if (repeat == 0) each = join_earlier(p, w, each);
        TRY(p->status);
        int same = alike(count, w, repeat);
        if (same >= 0) w->each[same] = poly_add(p, w->each[same], each);
        if (each.n == 0 || same >= 0) continue;
        w->repeat[w->n] = repeat;
        w->each[w->n++] = each;
    }
    drop_empty(w);
    return p->status;
}

/* L·(12·D² + 13·D), or 2·L·D where there is one term. */
static rk_status write_repeat(struct count *count, int repeat, struct poly each, struct str *out)
{
    rk_ctx *ctx = count->ctx;
    const struct count_repeat *r = &count->repeats.at[repeat];
    if (each.n == 1 && r->letter != 0) {
        TRY(term_write(ctx, count->g, &each.term[0], r->letter, out));
        return each.over == 1 ? RK_OK : str_format(ctx, out, "/%lld", (long long)each.over);
    }
    if (r->letter != 0) TRY(str_format(ctx, out, "%c·", r->letter));
    else if (r->n != 1) TRY(str_format(ctx, out, "%lld·", (long long)r->n));
    TRY(str_text(ctx, out, each.over == 1 ? "(" : ""));
    TRY(poly_write(ctx, count->g, each, out));
    return str_text(ctx, out, each.over == 1 ? ")" : "");
}

static rk_status write_part(struct count *count, int repeat, struct poly each, bool first, struct str *out)
{
    rk_ctx *ctx = count->ctx;
    bool minus = each.term[0].factor < 0 && each.over == 1 && (repeat == 0 || each.n == 1);
    if (!first) TRY(str_text(ctx, out, minus ? " - " : " + "));
    else if (minus && repeat != 0) TRY(str_text(ctx, out, "-"));
    if (repeat != 0) return write_repeat(count, repeat, each, out);
    struct str text = { 0 };
    rk_status status = poly_write(ctx, count->g, each, &text);
    if (status == RK_OK) status = str_text(ctx, out, str_c(&text) + (minus && !first ? 1 : 0));     /* its own "-" stands there already */
    str_free(ctx, &text);
    return status;
}

/* The number that every term shares, of all parts. */
static int64_t shared_number(const struct written *w)
{
    int64_t shared = 0;
    for (int i = 0; i < w->n; i++)
        for (int k = 0; k < w->each[i].n; k++)
            for (int64_t f = w->each[i].term[k].factor, rest; f != 0; f = rest) {
                rest = shared % f;
                shared = f < 0 ? -f : f;
            }
    return shared;
}

/* One repetition alone prints its letter in front of what is taken out: L·B·T·(12·D + 7). */
static rk_status write_front(struct count *count, struct written *w, struct term *common, struct str *out)
{
    rk_ctx *ctx = count->ctx;
    const struct count_repeat *only = &count->repeats.at[w->n == 1 ? w->repeat[0] : 0];
    char letter = w->each[0].n > 1 ? only->letter : 0;
    bool alone = w->n == 1 && w->repeat[0] != 0 && w->each[0].n > 1 && common->degree > 0;
    if (alone && letter == 0 && !extent_mul(common->factor, only->n, &common->factor)) return FAIL(RK_E_LIMIT, "a number of the bill is beyond 2^63");
    if (alone) w->repeat[0] = 0;
    TRY(term_write(ctx, count->g, common, alone ? letter : 0, out));
    return RK_OK;
}

static rk_status write_parts(struct count *count, struct polys *p, struct written *w, bool number_out, struct str *out)
{
    rk_ctx *ctx = count->ctx;
    struct term common = poly_common(w->n, w->each);
    bool several = w->n > 1 || w->each[0].n > 1;
    for (int i = 0; i < w->n; i++) {
        w->each[i] = poly_without(p, w->each[i], &common);
        several = several && w->each[i].over == 1;
    }
    TRY(p->status);
    if (number_out && several) common.factor = shared_number(w);
    for (int i = 0; i < w->n && common.factor > 1; i++) w->each[i] = poly_over(p, w->each[i], common.factor);
    TRY(p->status);
    bool front = common.degree > 0 || common.factor > 1;
    if (front) TRY(write_front(count, w, &common, out));
    bool brackets = front && (w->n > 1 || (w->repeat[0] == 0 && w->each[0].over == 1));
    if (front) TRY(str_text(ctx, out, brackets ? "·(" : "·"));
    for (int i = 0; i < w->n; i++) TRY(write_part(count, w->repeat[i], w->each[i], i == 0, out));
    return str_text(ctx, out, brackets ? ")" : "");
}

rk_status account_text(struct count *count, const struct account *a, bool number_out, struct str *out)
{
    rk_ctx *ctx = count->ctx;
    struct polys polys = { ctx, &count->scratch, RK_OK };
    struct written w = { 0 };
    arena_reuse(ctx, &count->scratch);
    TRY(fold_parts(count, a, &polys, &w));
    return w.n == 0 ? str_text(ctx, out, "0") : write_parts(count, &polys, &w, number_out, out);
}
