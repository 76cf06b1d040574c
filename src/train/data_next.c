/* data_next.c: samples of a model of the next token: a window of the text, and as labels the same one further on. What begins a
 * document may be left out: nothing before it tells. */
#include "train/data.h"

static rk_status open(rk_ctx *ctx, const rk_train_data *from, const rk_train_options *o, const struct data_wanted *w, struct data *d)
{
    d->stride = (uint64_t)d->seq;
    d->beyond = 1;                                      /* the last token is only a label */
    TRY(data_check_ids(ctx, from->tokens, w->vocab, &d->fingerprint));
    if (from->validation != NULL) TRY(data_check_ids(ctx, from->validation, w->vocab, &d->fingerprint));
    return data_split(ctx, from, o->validation, d);
}

static void fill(const struct data *d, const struct part *part, uint64_t place, struct draw draw, struct sample *to)
{
    int32_t *tokens = to->at[DATA_tokens], *labels = to->at[DATA_labels];
    (void)draw;
    (void)part_read(part, place, d->seq, false, tokens);
    int64_t n = part_read(part, place + 1, d->seq, false, labels);
    for (int64_t t = 0; t < n; t++) {
        if (d->mask_ends && tokens[t] == d->document_end) labels[t] = -1;
        else to->targets++;
    }
}

const struct data_kind data_next = { .objective = LEARNS_NEXT, .head = "lm", .inputs = 1 << DATA_tokens | 1 << DATA_labels, .open = open, .fill = fill };
