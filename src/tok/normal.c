/* normal.c: characters decomposed, put in order, composed; and a text cut into the windows in which that can change anything.
 *
 * A window begins with the last character before one that may change and ends before the next that cannot: neither the order nor any
 * composition goes across such a border. */
#include "tok/normal.h"
#include "base/utf8.h"
#include <string.h>

enum { S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = 11172 };       /* Hangul */

static const uint32_t *row_of(const struct normal_row *rows, unsigned n_rows, const uint32_t *codes, uint32_t code, uint32_t self[3], unsigned *n)
{
    unsigned low = 0, high = n_rows;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rows[middle].code < code) low = middle + 1;
        else high = middle;
    }
    if (low < n_rows && rows[low].code == code) {
        *n = rows[low].n;
        return codes + rows[low].at;
    }
    self[0] = code;
    *n = 1;
    return self;
}

const uint32_t *normal_lower(uint32_t code, uint32_t self[3], unsigned *n)
{
    return row_of(normal_lower_rows, n_normal_lower_rows, normal_lower_codes, code, self, n);
}

const uint32_t *normal_decompose(uint32_t code, uint32_t self[3], unsigned *n)
{
    if (code - S_BASE >= S_COUNT) return row_of(normal_decomposition_rows, n_normal_decomposition_rows, normal_decomposition_codes, code, self, n);
    uint32_t s = code - S_BASE, t = s % T_COUNT;
    self[0] = L_BASE + s / (V_COUNT * T_COUNT);
    self[1] = V_BASE + s % (V_COUNT * T_COUNT) / T_COUNT;
    self[2] = T_BASE + t;
    *n = t == 0 ? 2 : 3;
    return self;
}

static uint32_t compose(uint32_t a, uint32_t b)                       /* 0: they don't */
{
    if (a - L_BASE < L_COUNT && b - V_BASE < V_COUNT) return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    if (a - S_BASE < S_COUNT && (a - S_BASE) % T_COUNT == 0 && b - T_BASE - 1 < T_COUNT - 1) return a + (b - T_BASE);
    unsigned low = 0, high = n_normal_pairs;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct normal_pair *p = &normal_pairs[middle];
        if (p->first < a || (p->first == a && p->second < b)) low = middle + 1;
        else high = middle;
    }
    return low < n_normal_pairs && normal_pairs[low].first == a && normal_pairs[low].second == b ? normal_pairs[low].whole : 0;
}

bool normal_add(struct share *s, struct normal_chars *to, struct normal_char c)
{
    if (!SHARE_ROOM(s, to->at, to->room, to->n + 1)) return false;
    to->at[to->n++] = c;
    return true;
}

/* ---- change: 0 takes the place of one character, k > 0 was added, -k takes the place of k more ---- */

/* Decomposed, each run of marks sorted by class (stable: insertion, with a bound of work by merging from the back). */
static void sort_marks(struct normal_char *at, size_t n, struct normal_char *scratch)
{
    if (n < 2) return;
    size_t half = n / 2, i = 0, j = half, k = 0;
    sort_marks(at, half, scratch);
    sort_marks(at + half, n - half, scratch);
    while (i < half && j < n) scratch[k++] = normal_kind(at[j].code).combining < normal_kind(at[i].code).combining ? at[j++] : at[i++];
    while (i < half) scratch[k++] = at[i++];
    memcpy(at, scratch, k * sizeof *at);
}

static bool decompose_all(struct share *s, const struct normal_char *from, size_t n, struct normal_chars *to)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t self[3];
        unsigned many;
        const uint32_t *codes = normal_decompose(from[i].code, self, &many);
        for (unsigned k = 0; k < many; k++)
            if (!normal_add(s, to, (struct normal_char){ codes[k], k > 0, 0, 0 })) return false;
    }
    return true;
}

static bool order(struct share *s, struct normal_chars *all)
{
    struct normal_char few[32], *scratch = few;
    size_t longest = 0, room = 0;
    for (size_t i = 0, run = 0; i < all->n; i++) {
        run = normal_kind(all->at[i].code).combining != 0 ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    if (longest > 32) {
        scratch = NULL;
        if (!SHARE_ROOM(s, scratch, room, longest)) return false;
    }
    for (size_t i = 0, end; i < all->n; i = end) {
        for (end = i; end < all->n && normal_kind(all->at[end].code).combining != 0; end++);
        sort_marks(all->at + i, end - i, scratch);
        if (end == i) end++;
    }
    if (longest > 32) share_free(s, scratch, room, sizeof *scratch);
    return true;
}

/* Composed in place: the last starter takes each later character that nothing of its class or a higher one stands before. */
static void compose_all(struct normal_chars *all)
{
    size_t made = 0, starter = SIZE_MAX;
    unsigned last = 0;                                                /* class of what was kept last behind the starter; 256: nothing */
    for (size_t i = 0; i < all->n; i++) {
        struct normal_char c = all->at[i];
        unsigned class = normal_kind(c.code).combining;
        bool free = starter != SIZE_MAX && (last == 256 || last < class);
        uint32_t whole = free ? compose(all->at[starter].code, c.code) : 0;
        if (whole != 0) {
            all->at[starter].code = whole;
            all->at[starter].change += c.change - 1;
            continue;
        }
        if (class == 0) starter = made;
        last = class == 0 ? 256 : class;
        all->at[made++] = c;
    }
    all->n = made;
}

/* The places of characters by their changes: `from` are the characters they were made of, `before` the one before those. */
static void place(struct normal_char *at, size_t n, const struct normal_char *from, struct normal_char before)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        const struct normal_char *source = at[i].change > 0 ? (next > 0 ? &from[next - 1] : &before) : &from[next];
        int32_t change = at[i].change;
        at[i] = (struct normal_char){ at[i].code, 0, source->begin, source->end };
        if (change <= 0) next += 1 + (size_t)-change;
    }
}

bool normal_nfd(struct share *s, const struct normal_chars *from, struct normal_chars *to)
{
    size_t begin = to->n;
    if (begin != 0) return share_fail(s, RK_E_BUG, "characters are decomposed into a list that is not empty");
    if (!decompose_all(s, from->at, from->n, to) || !order(s, to)) return false;
    place(to->at, to->n, from->at, (struct normal_char){ 0, 0, 0, 0 });
    return true;
}

/* ---- windows of a text ---- */

/* Nothing changes it but a character behind it that is not stable. What two characters compose into is made again of them. */
static bool is_stable(uint32_t code)
{
    uint32_t self[3];
    unsigned n;
    if (code < 0x300) return true;
    struct normal_kind k = normal_kind(code);
    if (k.combining != 0 || k.flags & NORMAL_TAIL) return false;
    if (!(k.flags & NORMAL_DECOMPOSES)) return true;
    const uint32_t *codes = normal_decompose(code, self, &n);
    return n == 2 && compose(codes[0], codes[1]) == code;
}

static bool is_as_it_should_be(const unsigned char *text, size_t n, enum normal_form form, bool replace)
{
    for (size_t i = 0; (i += utf8_ascii((const char *)text + i, n - i)) < n;) {
        uint32_t code;
        i += utf8_next((const char *)text + i, n - i, &code);
        if (code == UTF8_INVALID ? replace : form == NORMAL_NFC && !is_stable(code)) return false;
    }
    return true;
}

static bool put_bytes(struct share *s, struct normal_text *out, const void *bytes, size_t n, struct normal_place place_of)
{
    if (!SHARE_ROOM(s, out->bytes, out->room_bytes, out->n + n) || !SHARE_ROOM(s, out->places, out->room_places, out->n + n)) return false;
    memcpy(out->bytes + out->n, bytes, n);
    for (size_t i = 0; i < n; i++) out->places[out->n + i] = place_of;
    out->n += n;
    return true;
}

static bool put_code(struct share *s, struct normal_text *out, struct normal_char c)
{
    char bytes[4];
    return put_bytes(s, out, bytes, utf8_put(bytes, c.code), (struct normal_place){ c.begin, c.end });
}

static bool flush(struct share *s, struct normal_text *out, struct normal_char before)
{
    out->loose.n = 0;
    if (!decompose_all(s, out->window.at, out->window.n, &out->loose) || !order(s, &out->loose)) return false;
    compose_all(&out->loose);
    place(out->loose.at, out->loose.n, out->window.at, before);
    for (size_t i = 0; i < out->loose.n; i++)
        if (!put_code(s, out, out->loose.at[i])) return false;
    out->window.n = 0;
    return true;
}

/* The window holds one stable character, or one and what may change with it. */
static bool fill(struct share *s, struct normal_text *out, const unsigned char *text, size_t n, enum normal_form form, bool replace)
{
    struct normal_char before = { 0, 0, 0, 0 };                       /* of the window */
    for (size_t i = 0, step; i < n; i += step) {
        uint32_t code;
        step = utf8_next((const char *)text + i, n - i, &code);
        bool broken = code == UTF8_INVALID;
        struct normal_char c = { broken ? 0xfffd : code, 0, i, i + step };
        if (out->window.n > 0 && (broken || form != NORMAL_NFC || is_stable(code))) {
            struct normal_char last = out->window.at[out->window.n - 1];
            if (!flush(s, out, before)) return false;
            before = last;
        }
        if (broken && !replace ? !put_bytes(s, out, text + i, step, (struct normal_place){ i, i + step }) : !normal_add(s, &out->window, c)) return false;
        if (broken && !replace) before = c;
    }
    return flush(s, out, before);
}

bool normal_make(struct share *s, struct normal_text *out, const unsigned char *text, size_t n, enum normal_form form, bool replace)
{
    out->at = text;
    out->n = n;
    if ((form == NORMAL_NONE && !replace) || is_as_it_should_be(text, n, form, replace)) return true;
    out->n = out->window.n = 0;
    if (!fill(s, out, text, n, form, replace)) return false;
    out->at = out->bytes;
    return true;
}

void normal_clear(rk_ctx *ctx, struct normal_text *t)
{
    FREE(t->bytes, t->room_bytes);
    FREE(t->places, t->room_places);
    FREE(t->window.at, t->window.room);
    FREE(t->loose.at, t->loose.room);
    *t = (struct normal_text){ 0 };
}
