/* fit_plan.c: the convention "plan": what `reckon train` here would allocate, to the byte: states, one arena, inputs.
 *
 * The first plan is sized anew for every batch and length (rk_bill_settings.like). Memory is a line in the batch, or nearly (addresses are
 * rounded, lifetimes laid out otherwise): what one sequence takes beyond the states proposes the batch, each plan that was made the
 * next, and plans on both sides of the answer confirm it. */
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
    s.plan = s.plan_alone = s.plan_kept = true;
    s.like = f->plan;
    CLI_TRY(f->k.c, rk_bill_of(x->model, &s, &bill));
    int code = cli_try(f->k.c, rk_bill_number(bill, "bytes.plan.total", bytes));
    if (f->plan == NULL) f->plan = bill;
    else rk_bill_free(bill);
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
struct bracket { uint64_t low, low_bytes, high, high_bytes, each; };      /* each: of one more between the last two below; 0: not known yet */

/* Where the line through what is known meets the room, strictly between the two. */
static uint64_t guess_in(const struct bracket *b, uint64_t each, uint64_t room)
{
    uint64_t slope = b->high > 0 ? (b->high_bytes - b->low_bytes) / (b->high - b->low) : b->each > 0 ? b->each : each;
    uint64_t guess = b->low + (room - b->low_bytes) / (slope > 0 ? slope : 1), most = b->high > 0 ? b->high - 1 : MOST_BATCH;
    if (guess <= b->low) guess = b->low + 1;
    return guess < most ? guess : most;
}

/* Memory is so nearly a line that two or three plans are enough. */
static int batch_in(struct fit *f, uint64_t each, uint64_t room, struct bracket *b)
{
    int code = CLI_OK;
    uint64_t bytes = 0;
    while (code == CLI_OK && b->low > 0 && b->low < MOST_BATCH && b->high != b->low + 1) {
        uint64_t guess = guess_in(b, each, room);
        code = total_at(f, (int64_t)guess, f->seq, &bytes);
        if (bytes <= room) {
            b->each = bytes > b->low_bytes ? (bytes - b->low_bytes) / (guess - b->low) : 0;     /* the first sequence may take more than others */
            b->low = guess;
            b->low_bytes = bytes;
        } else {
            b->high = guess;
            b->high_bytes = bytes;
        }
    }
    return code;
}

static void draw_line(struct way *w, uint64_t at, uint64_t bytes, uint64_t each)
{
    w->line.each = each;
    w->line.fixed = bytes - at * each;
}

static int line_of_two(struct fit *f, struct way *w)
{
    uint64_t two = 0;
    int code = total_at(f, 2, f->seq, &two);
    draw_line(w, 1, w->line.one, two - w->line.one);
    return code;
}

/* The line of one and two sequences, where the answer lies on it; else the one through the answer. */
static int line_through(struct fit *f, struct way *w, const struct bracket *b)
{
    if (b->low == 0 || b->high == 0) return line_of_two(f, w);
    const uint64_t each = b->high_bytes - b->low_bytes, fixed = b->low_bytes - b->low * each;
    int code = each + fixed == w->line.one && b->high > 2 ? line_of_two(f, w) : CLI_OK;
    w->is_line = each + fixed == w->line.one && (b->high == 2 || w->line.each == each);
    draw_line(w, b->low, b->low_bytes, each);
    return code;
}

/* In as many GiB, or GB: from what the first search found. */
static int other_in(struct fit *f, struct way *w, const struct bracket *found)
{
    uint64_t room = fit_room(f, f->other);
    struct bracket b = { .low = w->line.one <= room, .low_bytes = w->line.one };
    if (w->is_line) {
        w->other_batch = rk_books_batch(&w->line, room);
        return CLI_OK;
    }
    if (f->other == 0) return CLI_OK;
    if (found->low_bytes <= room) b.low = found->low, b.low_bytes = found->low_bytes;
    if (found->high_bytes > room) b.high = found->high, b.high_bytes = found->high_bytes;
    else if (found->high > 0) b.low = found->high, b.low_bytes = found->high_bytes;
    int code = batch_in(f, w->line.each, room, &b);
    w->other_batch = b.low;
    return code;
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

/* What one sequence takes beyond states. */
static uint64_t moving_bytes(const struct fit *f)
{
    return number_of(f->plan, "bytes.plan.arena") + number_of(f->plan, "bytes.plan.inputs");
}

static int plan_way(struct fit *f, struct way *w)
{
    const uint64_t room = fit_room(f, f->memory);
    int code = total_at(f, 1, f->seq, &w->line.one);
    w->needed = w->line.one;
    if (code == CLI_OK && f->batch > 1) code = total_at(f, f->batch, f->seq, &w->needed);
    if (code == CLI_OK && f->memory == 0) code = line_of_two(f, w);
    if (code != CLI_OK || f->memory == 0) return code;
    struct bracket b = { .low = w->line.one <= room, .low_bytes = w->line.one };
    code = batch_in(f, moving_bytes(f), room, &b);
    w->batch = b.low;
    if (code == CLI_OK) code = line_through(f, w, &b);
    if (code == CLI_OK) code = other_in(f, w, &b);
    return code == CLI_OK && w->batch > 0 ? context_in(f, w, room, &w->context) : code;
}

int fit_plan(struct fit *f, struct way *w)
{
    *w = (struct way){ .policy = f->k.s.policy != NULL ? f->k.s.policy : "fp32", .attention = "", .recompute = "", .zero = "", .is_line = true };
    f->plan = NULL;
    int code = plan_way(f, w);
    rk_bill_free(f->plan);
    f->plan = NULL;
    return code;
}
