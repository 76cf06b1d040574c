/* reconcile_tell.c: what a check can find, and how whoever asked for it hears of a finding. */
#include "model/reconcile.h"

static const struct { const char *words; bool trouble; } findings[] = {
#define ROW(name, words, trouble) { words, trouble },
#include "reckon/check.def"
#undef ROW
};

const char *rk_finding_words(rk_finding f)      { return (unsigned)f < RK_CHECK_COUNT ? findings[f].words : ""; }
bool        rk_finding_is_trouble(rk_finding f) { return (unsigned)f < RK_CHECK_COUNT && findings[f].trouble; }

rk_status reconcile_tell(struct reconcile *r, rk_check_row row)
{
    rk_ctx *ctx = r->ctx;
    r->result->troubles += findings[row.finding].trouble;
    if (r->each == NULL || r->each(r->user, &row)) return RK_OK;
    return FAIL(RK_E_CANCELLED, "%s: the check was stopped", r->m->name);
}
