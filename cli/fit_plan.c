/* fit_plan.c: the convention "plan": what `reckon train` here would allocate, to the byte: states, one arena, inputs.
 *
 * A plan is made anew for every batch. Of most models memory is a line in the batch from the first sequence on, which three
 * plans propose and the two beside its answer confirm; where it is not (rounding, workspace), the batch is searched. */
#include "fit.h"

const char fit_plan_words[] = "what this program allocates to train, f32, with its own matrix products (reckon count --plan)";

/* Memory of one more plan. */
static int total_at(struct fit *f, int64_t batch, int64_t seq, uint64_t *bytes)
{
    struct counted *x = &f->k.all[0];
    rk_bill_settings s = f->k.s;
    rk_bill *bill = NULL;
    s.batch = batch;
    s.seq = seq;
    s.plan = true;
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

/* Between a batch that lies in the room (or 0) and one that does not. */
static int halve(struct fit *f, uint64_t low, uint64_t high, uint64_t room, uint64_t *batch)
{
    int code = CLI_OK;
    bool is;
    while (code == CLI_OK && high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        code = lies(f, (int64_t)middle, f->seq, room, &is);
        if (is) low = middle;
        else high = middle;
    }
    *batch = low;
    return code;
}

/* From a batch that lies in the room: doubled until one does not. */
static int grow(struct fit *f, uint64_t low, uint64_t room, uint64_t *batch)
{
    bool is = true;
    int code = CLI_OK;
    uint64_t high = low;
    for (; code == CLI_OK && is; high = is ? 2 * high : high) {
        code = lies(f, (int64_t)(2 * high), f->seq, room, &is);
        if (is) low = 2 * high;
    }
    return code == CLI_OK ? halve(f, low, 2 * high, room, batch) : code;
}

/* The line's answer where the plans on both sides of it say so, else a search from it. */
static int batch_in(struct fit *f, struct way *w, uint64_t room, uint64_t *batch)
{
    uint64_t guess = rk_books_batch(&w->line, room), at = 0, next = 0;
    *batch = guess;
    if (guess == 0) return CLI_OK;
    if (guess > 1 << 20) guess = 1 << 20;                       /* no plan has more sequences */
    int code = total_at(f, (int64_t)guess, f->seq, &at);
    if (code == CLI_OK) code = total_at(f, (int64_t)guess + 1, f->seq, &next);
    if (code != CLI_OK) return code;
    w->is_line = w->is_line && at == w->line.each * guess + w->line.fixed && next == at + w->line.each;
    if (at > room) return halve(f, 0, guess, room, batch);
    *batch = guess;
    return next > room ? CLI_OK : grow(f, guess + 1, room, batch);
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
    uint64_t two = 0, three = 0;
    *w = (struct way){ .policy = "fp32", .attention = "", .recompute = "", .zero = "", .is_line = true };
    int code = total_at(f, 1, f->seq, &w->line.one);
    if (code == CLI_OK) code = total_at(f, 2, f->seq, &two);
    if (code == CLI_OK) code = total_at(f, 3, f->seq, &three);
    if (code != CLI_OK) return code;
    w->line.each = three - two;
    w->line.fixed = two - 2 * w->line.each;
    w->needed = w->line.one;
    if (f->batch > 1) code = total_at(f, f->batch, f->seq, &w->needed);
    if (code != CLI_OK || f->memory == 0) return code;
    code = batch_in(f, w, fit_room(f, f->memory), &w->batch);
    if (w->is_line && w->batch > 0) w->other_batch = rk_books_batch(&w->line, fit_room(f, f->other));
    else if (code == CLI_OK && f->other > 0) code = batch_in(f, w, fit_room(f, f->other), &w->other_batch);
    return code == CLI_OK && w->batch > 0 ? context_in(f, w, fit_room(f, f->memory), &w->context) : code;
}
