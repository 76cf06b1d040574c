/* range.c: see range.h. Numbers are those of every option: 1k is 1000, 1Ki is 1024. */
#include "range.h"
#include "frame.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_UP_TO = 16 };

static bool wrong(struct range *r, const char *format, ...) RK_PRINTF(2, 3);
static bool wrong(struct range *r, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)vsnprintf(r->why, sizeof r->why, format, list);
    va_end(list);
    return false;
}

static struct range_point *push(struct range *r)
{
    if (r->n == RANGE_MOST) return NULL;
    r->point = cli_grow(r->point, &r->room, (size_t)r->n + 1, sizeof *r->point);
    return &r->point[r->n++];
}

static bool add_number(struct range *r, int64_t value)
{
    struct range_point *p = push(r);
    if (p == NULL) return wrong(r, "%s has more than %d values", r->name, RANGE_MOST);
    (void)snprintf(p->at, sizeof p->at, "%lld", (long long)value);
    return true;
}

static bool add_word(struct range *r, const char *item)
{
    int64_t value;
    if (number_size(item, &value)) return add_number(r, value);
    struct range_point *p = strlen(item) < sizeof p->at ? push(r) : NULL;
    if (p == NULL) return wrong(r, "%s: \"%.40s\" is too long, or there are more than %d values", r->name, item, RANGE_MOST);
    (void)strcpy(p->at, item);
    return true;
}

/* How an item goes on from one value to the next. */
struct step { int64_t plus, times; };

static bool read_step(struct range *r, const char *text, int64_t most, struct step *s)
{
    *s = most <= STEPS_UP_TO ? (struct step){ 1, 1 } : (struct step){ 0, 2 };
    if (text == NULL) return true;
    if (text[0] == '*') {
        *s = (struct step){ 0, 0 };
        return (number_size(text + 1, &s->times) && s->times >= 2) || wrong(r, "%s: \"%.40s\" is no factor of at least 2", r->name, text);
    }
    *s = (struct step){ 0, 1 };
    return (number_size(text, &s->plus) && s->plus >= 1) || wrong(r, "%s: \"%.40s\" is no step of at least 1", r->name, text);
}

static bool add_span(struct range *r, char *low, char *high)
{
    int64_t from, to, value, next;
    struct step step;
    char *colon = strchr(high, ':');
    if (colon != NULL) *colon = '\0';
    if (!number_size(low, &from) || !number_size(high, &to)) return wrong(r, "%s: whole numbers expected on both sides of .., not \"%.40s\" and \"%.40s\"", r->name, low, high);
    if (from > to) return wrong(r, "%s: %s is more than %s", r->name, low, high);
    if (!read_step(r, colon != NULL ? colon + 1 : NULL, to, &step)) return false;
    if (step.plus == 0 && from == 0) return wrong(r, "%s: 0 times something stays 0; say a step, 0..%s:1", r->name, high);
    for (value = from; value <= to; value = next) {
        if (!add_number(r, value)) return false;
        if (__builtin_mul_overflow(value, step.times, &next) || __builtin_add_overflow(next, step.plus, &next)) break;
    }
    return true;
}

static bool add_item(struct range *r, char *item)
{
    char *dots = strstr(item, "..");
    if (item[0] == '\0') return wrong(r, "%s: a value is missing between commas", r->name);
    if (dots == NULL) return add_word(r, item);
    *dots = '\0';
    return add_span(r, item, dots + 2);
}

bool range_read(const char *text, struct range *r)
{
    const char *equals = strchr(text, '=');
    *r = (struct range){ .n = 0 };
    if (equals == NULL || equals == text || equals[1] == '\0') return wrong(r, "NAME=VALUES expected, such as seq=1Ki..128Ki, not \"%.60s\"", text);
    size_t name = (size_t)(equals - text), n = strlen(equals + 1);
    if (name >= sizeof r->name) return wrong(r, "\"%.40s...\" is too long a name", text);
    memcpy(r->name, text, name);
    char *items = cli_take(n + 1), *at = items;
    memcpy(items, equals + 1, n);
    bool fine = true;
    for (bool more = true; fine && more;) {
        size_t length = strcspn(at, ",");
        more = at[length] == ',';
        at[length] = '\0';
        fine = add_item(r, at);
        at += length + 1;
    }
    free(items);
    return fine;
}

void range_free(struct range *r)
{
    free(r->point);
    *r = (struct range){ .n = 0 };
}
