/* count_place.c: module paths with their numbers starred: h.3.attn is h.*.attn, repetition 3 of h.*.
 *
 * Only what the terms name is a repetition; a numbered module that they do not name keeps its number. */
#include "pass/count.h"
#include <string.h>

enum { LONGEST = 1024 };

struct starred { char text[LONGEST]; int n, repeat_end; size_t instance_end; };

static bool is_number(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9') return false;
    return n > 0;
}

static char repeat_letter(const struct bill_terms *terms, const char *path, int n, bool *named)
{
    *named = terms->repeats == NULL;
    for (int i = 0; terms->repeats != NULL && i < terms->n_repeats; i++) {
        if (strlen(terms->repeats[i].path) != (size_t)n || memcmp(terms->repeats[i].path, path, (size_t)n) != 0) continue;
        *named = true;
        return terms->repeats[i].letter;
    }
    return 0;
}

static rk_status star(rk_ctx *ctx, const struct bill_terms *terms, const char *path, size_t length, struct starred *s)
{
    s->n = s->repeat_end = 0;
    s->instance_end = 0;
    if (length >= LONGEST) return FAIL(RK_E_LIMIT, "a module path of %zu bytes, at most %d", length, LONGEST - 1);
    for (size_t at = 0; at < length;) {
        const char *dot = memchr(path + at, '.', length - at);
        size_t part = dot == NULL ? length - at : (size_t)(dot - (path + at));
        bool named = false;
        if (at > 0) s->text[s->n++] = '.';
        if (at > 0 && is_number(path + at, part)) {
            s->text[s->n] = '*';
            (void)repeat_letter(terms, s->text, s->n + 1, &named);
        }
        if (named) {
            s->repeat_end = ++s->n;
            s->instance_end = at + part;
        } else {
            memcpy(s->text + s->n, path + at, part);
            s->n += (int)part;
        }
        at += part + 1;
    }
    return RK_OK;
}

/* The repetition of this starred path, and which one of its instances this is. */
static rk_status add_instance(struct count *count, struct placing *p, const struct starred *s, const char *path, int times, struct count_place *place)
{
    rk_ctx *ctx = count->ctx;
    struct count_repeat r = { 0 };
    const char *kept;
    bool named;
    if (s->repeat_end == 0) return RK_OK;
    if (!map_get(&p->repeats, s->text, (size_t)s->repeat_end, &place->repeat)) {
        TRY(arena_text(ctx, &count->arena, s->text, (size_t)s->repeat_end, &r.path));
        r.letter = repeat_letter(count->terms, r.path, s->repeat_end, &named);
        VEC_PUSH(&count->repeats, r);
        place->repeat = count->repeats.n - 1;
        TRY(map_put(ctx, &p->repeats, r.path, (size_t)s->repeat_end, place->repeat));
    }
    if (map_get(&p->instances, path, s->instance_end, &place->instance)) return RK_OK;
    struct count_repeat *repeat = &count->repeats.at[place->repeat];
    VEC_PUSH(&repeat->instances, times);
    repeat->n += times;
    place->instance = repeat->instances.n - 1;
    TRY(arena_text(ctx, &count->arena, path, s->instance_end, &kept));
    return map_put(ctx, &p->instances, kept, s->instance_end, place->instance);
}

static rk_status add_module(struct count *count, struct placing *p, const struct starred *s, int parent, struct count_place *place)
{
    rk_ctx *ctx = count->ctx;
    struct count_module m = { .parent = parent, .depth = count->modules.at[parent].depth + 1 };
    if (map_get(&p->modules, s->text, (size_t)s->n, &place->module)) return RK_OK;
    m.repeat = place->repeat;
    TRY(arena_text(ctx, &count->arena, s->text, (size_t)s->n, &m.path));
    VEC_PUSH(&count->modules, m);
    place->module = count->modules.n - 1;
    return map_put(ctx, &p->modules, m.path, (size_t)s->n, place->module);
}

static rk_status place_below(struct count *count, struct placing *p, int parent, const char *path, size_t length, int times, int *place)
{
    rk_ctx *ctx = count->ctx;
    struct starred s;
    struct count_place fresh = { 0 };
    const char *kept;
    if (map_get(&p->paths, path, length, place)) return RK_OK;
    TRY(star(ctx, count->terms, path, length, &s));
    TRY(add_instance(count, p, &s, path, times, &fresh));
    TRY(add_module(count, p, &s, count->places.at[parent].module, &fresh));
    VEC_PUSH(&count->places, fresh);
    *place = count->places.n - 1;
    TRY(arena_text(ctx, &count->arena, path, length, &kept));
    return map_put(ctx, &p->paths, kept, length, *place);
}

rk_status place_find(struct count *count, struct placing *p, const char *path, size_t length, int times, int *place)
{
    rk_ctx *ctx = count->ctx;
    int parent = 0;                                     /* places[0] is the root */
    *place = 0;
    if (length == 0 || map_get(&p->paths, path, length, place)) return RK_OK;
    for (size_t i = 1; i <= length; i++) {
        if (i < length && path[i] != '.') continue;
        TRY(place_below(count, p, parent, path, i, times, place));
        parent = *place;
    }
    return RK_OK;
}

void placing_clear(rk_ctx *ctx, struct placing *p)
{
    map_free(ctx, &p->paths);
    map_free(ctx, &p->modules);
    map_free(ctx, &p->repeats);
    map_free(ctx, &p->instances);
}
