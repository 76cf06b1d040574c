/* fit_plan.c: the convention "plan": what `reckon train` here would allocate, to the byte: states, one arena, inputs.
 *
 * A plan is made anew for every batch. Memory is a line in it, or nearly (addresses are rounded, lifetimes laid out otherwise):
 * the line of one and two sequences proposes the batch, and plans on both sides of the answer confirm it. */
#include "fit.h"

enum { MOST_BATCH = 1 << 20 };                  /* no plan has more sequences */

const char fit_plan_words[] = "what this program allocates to train, with its own matrix products (reckon count --plan)";

/* Memory of one more plan. */
static int total_at(struct fit *f, int64_t batch, int64_t seq, uint64_t *bytes)
{
    struct counted *x = &f->k.all[0];
    rk_bill_settings s = f->k.s;
    rk_bill *bill = NULL;
    s.batch = batch;
    s.seq = seq;
    s.plan = s.plan_alone = true;
    CLI_TRY(f->k.c, rk_bill_of(x->model, &s, &bill));
    int code = cli_try(f->k.c, rk_bill_number(bill, "bytes.plan.total", bytes));
    rk_bill_free(bill);
    return code;
}

static int lies(struct fit *f, int64_t batch, int64_t seq, uint64_t room, bool *is)
{
    uint64_t bytes = 0;
    int code = total_at(f, batch, seq, &bytes);
    *is = bytes <= room;
    return code;
}

/* Batches on both sides of a room, and what they take: `low` lies in it, `high` does not, 0: not known yet. */
struct bracket { uint64_t low, low_bytes, high, high_bytes; };

/* Where the line through what is known meets the room, strictly between the two. */
static uint64_t guess_in(const struct bracket *b, uint64_t each, uint64_t room)
{
    uint64_t slope = b->high > 0 ? (b->high_bytes - b->low_bytes) / (b->high - b->low) : each;
    uint64_t guess = b->low + (room - b->low_bytes) / (slope > 0 ? slope : 1), most = b->high > 0 ? b->high - 1 : MOST_BATCH;
    if (guess <= b->low) guess = b->low + 1;
    return guess < most ? guess : most;
}

/* Memory is so nearly a line that two or three plans are enough. */
static int batch_in(struct fit *f, const struct way *w, uint64_t room, struct bracket *b)
{
    int code = CLI_OK;
    uint64_t bytes = 0;
    *b = (struct bracket){ .low = w->line.one <= room, .low_bytes = w->line.one };
    while (code == CLI_OK && b->low > 0 && b->low < MOST_BATCH && b->high != b->low + 1) {
        uint64_t guess = guess_in(b, w->line.each, room);
        code = total_at(f, (int64_t)guess, f->seq, &bytes);
        if (bytes <= room) {
            b->low = guess;
            b->low_bytes = bytes;
        } else {
            b->high = guess;
            b->high_bytes = bytes;
        }
    }
    return code;
}

/* The line of one and two sequences, where the answer lies on it; else the one through the answer. */
static void line_through(struct way *w, const struct bracket *b)
{
    bool on = w->line.each * b->low + w->line.fixed == b->low_bytes && (b->high == 0 || w->line.each * b->high + w->line.fixed == b->high_bytes);
    if (on || b->high == 0) return;
    w->is_line = false;
    w->line.each = b->high_bytes - b->low_bytes;
    w->line.fixed = b->low_bytes - b->low * w->line.each;
}

/* The model's context where that lies in the room, else fewer tokens. */
static int context_in(struct fit *f, const struct way *w, uint64_t room, int64_t *context)
{
    int64_t low = 0, high = (int64_t)model_size(f->k.all[0].model, "position");
    bool is = f->seq == high && w->batch >= (uint64_t)f->batch;
    *context = high;
    if (is) return CLI_OK;
    int code = lies(f, f->batch, high, room, &is);
    if (code != CLI_OK || is) return code;
    while (code == CLI_OK && high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        code = lies(f, f->batch, middle, room, &is);
        if (is) low = middle;
        else high = middle;
    }
    *context = low;
    return code;
}

int fit_plan(struct fit *f, struct way *w)
{
    struct bracket b = { .low = 0 };
    uint64_t two = 0;
    *w = (struct way){ .policy = f->k.s.policy != NULL ? f->k.s.policy : "fp32", .attention = "", .recompute = "", .zero = "", .is_line = true };
    int code = total_at(f, 1, f->seq, &w->line.one);
    if (code == CLI_OK) code = total_at(f, 2, f->seq, &two);
    if (code != CLI_OK) return code;
    w->line.each = two - w->line.one;
    w->line.fixed = w->line.one - w->line.each;
    w->needed = f->batch == 2 ? two : w->line.one;
    if (f->batch > 2) code = total_at(f, f->batch, f->seq, &w->needed);
    if (code == CLI_OK && f->memory > 0) code = batch_in(f, w, fit_room(f, f->memory), &b);
    if (code != CLI_OK || f->memory == 0) return code;
    w->batch = b.low;
    if (w->batch > 0) line_through(w, &b);
    if (w->is_line) w->other_batch = rk_books_batch(&w->line, fit_room(f, f->other));
    else if (f->other > 0) code = batch_in(f, w, fit_room(f, f->other), &b);
    if (!w->is_line && f->other > 0) w->other_batch = b.low;
    return code == CLI_OK && w->batch > 0 ? context_in(f, w, fit_room(f, f->memory), &w->context) : code;
}
