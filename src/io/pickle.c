/* pickle.c: reading a pickle: a program for a small machine, instruction by instruction.
 *
 * There is no recursion: what is nested waits on the stack between marks. What instructions do: pickle_ops.c. */
#include "io/pickle_machine.h"
#include <stdio.h>
#include <string.h>

static rk_status line(struct machine *m, const char **text, size_t *n)
{
    const unsigned char *stop = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (stop == NULL) return machine_broken(m, "a line that does not end");
    *text = (const char *)m->at;
    *n = (size_t)(stop - m->at);
    m->at = stop + 1;
    return *n <= PICKLE_LONGEST ? RK_OK : machine_too_much(m, "a long line", PICKLE_LONGEST);
}

static rk_status read_argument(struct machine *m, const struct instruction *i, struct argument *a)
{
    rk_ctx *ctx = m->ctx;
    *a = (struct argument){ .text = "" };
    if (i->form == LINES) {
        TRY(line(m, &a->text, &a->n));
        return line(m, &a->second, &a->second_n);
    }
    if ((size_t)(m->end - m->at) < i->width) return machine_broken(m, "the pickle ends here: truncated?");
    a->number = little(m->at, i->width);
    m->at += i->width;
    if (i->form != TEXT) return RK_OK;
    if (a->number > (uint64_t)(m->end - m->at)) return machine_broken(m, "a text that is longer than what is left: truncated?");
    if (a->number > PICKLE_LONGEST) return machine_too_much(m, "a long text", PICKLE_LONGEST);
    a->text = (const char *)m->at;
    a->n = (size_t)a->number;
    m->at += a->n;
    return RK_OK;
}

static rk_status step(struct machine *m)
{
    rk_ctx *ctx = m->ctx;
    struct argument a;
    m->p->offset = (size_t)(m->at - m->start);
    m->instruction = "an instruction";
    if (m->at == m->end) return machine_broken(m, "the pickle ends without STOP: truncated?");
    const struct instruction *i = &instructions[*m->at];
    (void)snprintf(m->code, sizeof m->code, "0x%02x", *m->at);
    m->instruction = i->name != NULL ? i->name : m->code;
    if (i->name == NULL) return machine_broken(m, "there is no such instruction");
    if (i->act == NULL)
        return FAIL(RK_E_DECLINED, "%s: byte %zu of the pickle: %s is no instruction of which torch.save makes tensors", m->p->path, m->p->offset, i->name);
    m->at++;
    TRY(read_argument(m, i, &a));
    return i->act(m, &a);
}

rk_status pickle_read(rk_ctx *ctx, struct pickle *p, const char *path, const void *bytes, size_t n, const struct pickle_host *host)
{
    struct machine m = { .ctx = ctx, .p = p, .host = host, .start = bytes, .at = bytes, .end = (const unsigned char *)bytes + n };
    rk_status status = RK_OK;
    p->ctx = ctx;
    p->path = path;
    while (!m.stopped && status == RK_OK) status = step(&m);
    if (status == RK_OK && m.at != m.end) status = FAIL(RK_E_FORMAT, "%s: %td bytes after the end of the pickle", path, m.end - m.at);
    VEC_FREE(&m.stack);
    VEC_FREE(&m.memo);
    VEC_FREE(&m.marks);
    return status;
}

void pickle_clear(rk_ctx *ctx, struct pickle *p)
{
    arena_clear(ctx, &p->arena);
    *p = (struct pickle){ .root = NULL };
}

bool pickle_is(const struct pickled *v, const char *text)
{
    return v->kind == PICKLE_TEXT && v->n == strlen(text) && memcmp(v->text, text, v->n) == 0;
}

const struct pickled *pickle_find(const struct pickled *dict, const char *key)
{
    const struct pickled *found = NULL;
    for (const struct pickled_link *l = dict->kind == PICKLE_DICT ? dict->first : NULL; l != NULL; l = l->next)
        if (pickle_is(l->key, key)) found = l->value;
    return found;
}
