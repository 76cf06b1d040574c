/* agree.c: see agree.h. */
#include "agree.h"
#include "backward.h"
#include "pass/pass.h"

static bool takes(void *user, const rk_graph *g, rk_ref r) { return backend_takes(user, g, r, true); }

/* What is cheap made again for the gradients: the graph that training runs. */
static void remake(struct sample *s, struct sample *out, rk_ref backward)
{
    rk_graph *again;
    if (pass_remat(s->ctx, out->g, backward, &again) != RK_OK) { sample_fails(s, "not made again: %s", rk_error_message(s->ctx)); return; }
    for (int i = 0; i < out->n_leaves; i++) {
        const struct node *n = node_of(out->g, out->leaf[i].ref);
        out->leaf[i].ref = graph_find_source(again, n->op, n->at.i[0], n->text);
    }
    rk_graph_close(out->g);
    out->g = again;
}

bool agree_variant(struct sample *s, const struct backend *with, bool gradients, struct sample *out)
{
    rk_ref backward = 0;
    if (!sample_write_out(s, with != NULL ? takes : NULL, (void *)(uintptr_t)with, out)) return false;
    if (gradients) backward = add_gradients(out);
    if (!rk_graph_ok(out->g)) sample_fails(s, "refused: %s", out->g->message);
    else if (with != NULL && gradients) remake(s, out, backward);
    return !s->failed;
}

void agree(struct sample *s, const char *what, const struct outcome *did, const struct outcome *expected, double tolerance)
{
    sample_notes(s, did->plan);
    HOLDS(s, did->n == expected->n);
    for (int i = 0; i < did->n && !s->failed; i++) {
        double scale = 1;
        HOLDS(s, did->count[i] == expected->count[i]);
        for (int64_t k = 0; k < did->count[i]; k++) scale = fmax(scale, fabs(expected->at[i][k]));
        for (int64_t k = 0; k < did->count[i] && !s->failed; k++) {
            double a = did->at[i][k], b = expected->at[i][k];
            if (!(fabs(a - b) <= tolerance * scale) && memcmp(&a, &b, sizeof a) != 0 && !(a == b && tolerance > 0) && !(isnan(a) && isnan(b)))
                sample_fails(s, "%s, %s: element %lld is %.9g, expected %.9g", what, did->name[i], (long long)k, a, b);
        }
    }
}
