/* spec_head.c: the head of weights whose config.json names no class: the first that lacks nothing which the file has.
 *
 * By names alone: a file with a pooler and a next-sentence answer is of BERT's pre-training. Not here: heads that somebody
 * names, in a file or behind a plus (config_head.c); whether all of a head's tensors are there (loading says that). */
#include "model/bind.h"
#include <string.h>

/* Whether the file has a tensor that this head is without. */
static bool lacks(const struct arch *arch, const struct bundle *b, const struct head *head)
{
    for (const struct binding *row = arch->bindings; row->names != NULL; row++) {
        if (row->role == NULL || !word_among(head->without, row->role, strlen(row->role))) continue;
        for (int i = 0; i < b->entries.n; i++) {
            struct word plain = bind_strip(arch, b->entries.at[i].name.at, b->entries.at[i].name.length), number;
            const char *names = row->names;
            for (struct word w; word_next(&names, &w);)
                if (bind_matches(w, plain.at, plain.n, false, &number)) return true;
        }
    }
    return false;
}

rk_status spec_head(rk_ctx *ctx, rk_model *m)
{
    struct bundle b;
    const struct arch *arch = m->config.arch;
    if (arch->heads[0].without[0] == '\0') return RK_OK;     /* the usual head has all there is: no header need be read to know it */
    rk_status status = bundle_peek(ctx, m->weights, &b);
    if (status != RK_OK && status != RK_E_NOMEM) {         /* weights that cannot be read tell nothing: who loads them is told why */
        rk_error_clear(ctx);
        return RK_OK;
    }
    TRY(status);
    int head = 0;
    while (arch->heads[head].name != NULL && lacks(arch, &b, &arch->heads[head])) head++;
    if (arch->heads[head].name != NULL) m->config.head = head;
    bundle_close(ctx, &b);
    return RK_OK;
}
