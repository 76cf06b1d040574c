/* fit_json.c: what fits, for programs: schema reckon.fit/1, docs/json.md. */
#include "fit.h"
#include <string.h>

static void json_switches(const struct fit *f, const struct way *w, struct json *j)
{
    json_text(j, "policy", w->policy);
    json_text(j, "attention", w->attention[0] != '\0' ? w->attention : NULL);
    json_text(j, "recompute", w->recompute[0] != '\0' ? w->recompute : NULL);
    json_int(j, "zero", w->zero[0] != '\0' && f->k.books.data > 1 ? w->zero[0] - '0' : 0);
}

static void json_way(const struct fit *f, const struct way *w, const struct way *first, struct json *j)
{
    json_object(j, NULL);
    json_switches(f, w, j);
    json_uint(j, "bytes_each", w->line.each);
    json_uint(j, "bytes_fixed", w->line.fixed);
    json_uint(j, "bytes_one", w->line.one);
    json_bool(j, "linear", w->is_line);
    json_uint(j, "bytes_needed", w->needed);
    json_int(j, "bytes_saved", (int64_t)(first->needed - w->needed));
    if (w->again == FLOPS_UNKNOWN) json_number(j, "flops_added", "null");
    else json_uint(j, "flops_added", w->again);
    if (f->memory > 0) {
        json_bool(j, "fits", w->batch > 0);
        json_uint(j, "batch", w->batch);
        if (f->other > 0) json_uint(j, f->memory % 1000000000 == 0 ? "batch_gib" : "batch_gb", w->other_batch);
        json_int(j, "micro_batch", fit_micro_batch(f, w->batch));
        json_int(j, "context", w->context);
    }
    json_end(j);
}

static void json_answer(const struct fit *f, const struct answer *a, struct json *j)
{
    json_object(j, NULL);
    json_text(j, "convention", a->convention);
    json_text(j, "words", fit_words(a));
    if (f->memory > 0) json_bool(j, "fits", a->best >= 0);
    if (a->best >= 0) json_int(j, "cheapest", a->best);
    json_array(j, "ways");
    for (int i = 0; i < a->n; i++) json_way(f, &a->way[i], &a->way[0], j);
    json_end(j);
    json_end(j);
}

static void json_machines(const struct fit *f, const struct answer *a, struct json *j)
{
    const rk_accelerator *m;
    json_array(j, "devices");
    for (int i = 0; (m = rk_accelerator_at(i)) != NULL; i++) {
        const struct way *w = fit_cheapest(a, fit_room(f, m->bytes));
        json_object(j, NULL);
        json_text(j, "name", m->name);
        json_uint(j, "bytes", m->bytes);
        json_bool(j, "fits", w != NULL);
        if (w != NULL) json_int(j, "cheapest", w - a->way);
        json_end(j);
    }
    json_end(j);
}

int fit_json(struct fit *f)
{
    struct cli *c = f->k.c;
    const struct counted *x = &f->k.all[0];
    const struct answer *last = &f->answer[f->n - 1];
    struct json j;
    int code = CLI_OK;
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.fit/1");
    json_text(&j, "model", rk_model_name(x->model));
    json_text(&j, "family", rk_model_family(x->model));
    json_uint(&j, "parameters", number_of(x->bill, "parameters"));
    json_int(&j, "batch", f->batch);
    json_int(&j, "seq", f->seq);
    if (f->memory > 0) json_uint(&j, "memory", f->memory);
    json_uint(&j, "reserve", f->reserve);
    json_text(&j, "device", f->device != NULL ? f->device->name : NULL);
    json_array(&j, "answers");
    for (int i = 0; i < f->n; i++) json_answer(f, &f->answer[i], &j);
    json_end(&j);
    if (f->memory == 0) json_machines(f, last, &j);
    if (training_asked(&f->k) && last->best >= 0) {
        json_machine(&f->k, &j);
        code = json_training(&f->k, &f->k.all[0], &j);
    }
    json_end(&j);
    return code;
}
