/* row.c: one sequence that is being made. Text goes through two sieves: the tokenizer's decoder keeps back half a character,
 * stops.c keeps back what may become a text to stop at. */
#include "infer/making.h"

rk_status ids_add(rk_ctx *ctx, rk_ids *ids, const uint32_t *more, size_t n)
{
    if (ids->n + n > ids->room) {
        size_t room = ids->room * 2 > ids->n + n ? ids->room * 2 : ids->n + n + 64;
        TRY(GROW(ids->at, ids->room, room));
        ids->room = room;
    }
    for (size_t i = 0; i < n; i++) ids->at[ids->n++] = more[i];
    return RK_OK;
}

rk_status row_open(rk_ctx *ctx, struct row *row, const struct making *m, const uint32_t *prompt, size_t n)
{
    *row = (struct row){ .prompt = (int64_t)n, .stops = { .texts = m->how->stops, .n = m->how->n_stops } };
    if (m->tok != NULL) rk_tok_decoder_init(&row->decoder, m->tok, RK_TOK_SKIP_SPECIAL);
    return ids_add(ctx, &row->seen, prompt, n);
}

void row_close(rk_ctx *ctx, struct row *row, const struct making *m)
{
    if (m->tok != NULL) rk_tok_decoder_clear(ctx, &row->decoder);
    stops_clear(ctx, &row->stops);
    rk_ids_free(ctx, &row->seen);
}

static bool hear(const struct making *m, int64_t i, uint32_t id, rk_text text)
{
    return m->how->each == NULL || m->how->each(m->how->user, i, id, text);
}

/* What both sieves still hold, given with the last token. */
rk_status row_end(rk_ctx *ctx, struct making *m, int64_t i, rk_stop stop)
{
    struct row *row = &m->rows[i];
    rk_text half, piece;
    row->done = true;
    row->stop = stop;
    if (m->tok == NULL || row->stops.found || row->made == 0) return RK_OK;
    TRY(rk_tok_decoder_end(ctx, &row->decoder, &half));
    TRY(stops_push(ctx, &row->stops, half, &piece));
    uint32_t last = row->seen.at[row->seen.n - 1];
    if (piece.n > 0) (void)hear(m, i, last, piece);
    piece = stops_end(&row->stops);
    if (piece.n > 0) (void)hear(m, i, last, piece);
    return RK_OK;
}

rk_status row_take(rk_ctx *ctx, struct making *m, int64_t i, uint32_t id, bool *go_on)
{
    struct row *row = &m->rows[i];
    rk_text text = { "", 0 };
    *go_on = true;
    if (ids_hold(m->how->ends, m->how->n_ends, id)) return row_end(ctx, m, i, RK_STOP_END);
    TRY(ids_add(ctx, &row->seen, &id, 1));
    row->made++;
    if (m->tok != NULL) {
        TRY(rk_tok_decoder_push(ctx, &row->decoder, id, &text));
        TRY(stops_push(ctx, &row->stops, text, &text));
    }
    *go_on = hear(m, i, id, text);
    if (row->stops.found) return row_end(ctx, m, i, RK_STOP_TEXT);
    if (!*go_on) return row_end(ctx, m, i, RK_STOP_CALLER);
    if (row->made == m->most) return row_end(ctx, m, i, RK_STOP_LENGTH);
    return rk_session_row_past(m->s, i) == m->s->context ? row_end(ctx, m, i, RK_STOP_CONTEXT) : RK_OK;
}
