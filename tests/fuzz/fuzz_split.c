/* Any bytes: each scanner, and each of its bodies for an instruction set, cuts them as the slow reference does and as PCRE2 does, in batches of any size, and a safe cut changes nothing.
 * The first three bytes choose the pattern, the batch and where the cut is sought. PCRE2 may know an older Unicode: it gets the text with
 * other characters of the same class where the two tables differ. */
#include "fuzz.h"
#include "test_tok_reference.h"
#include "tok/regex.h"
#include "tok/split.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reference reference;
static rk_ctx *ctx;
static struct regex *regexes[N_REFERENCES];
static enum isa best;                                                /* asked once: in a virtual machine the question is dear */

static size_t cut_by(split_scan *scan, const unsigned char *text, size_t n, size_t most, size_t *ends)
{
    size_t made, total = 0;
    for (size_t at = 0; (made = scan(text, n, at, ends + total, most)) > 0; total += made) at = ends[total + made - 1];
    return total;
}

static size_t cut_all(const struct split *s, const unsigned char *text, size_t n, size_t most, size_t *ends) { return cut_by(s->scan, text, n, most, ends); }

/* Every body that runs here, in batches large enough for its widest steps. */
static void check_bodies(const struct split *s, const unsigned char *text, size_t n, size_t most, const size_t *whole, size_t total)
{
    static size_t ends[REFERENCE_MOST + 200];
    for (int isa = 0; isa <= (int)best; isa++)
        if (cut_by(split_body(s->scan, (enum isa)isa), text, n, 72 + most, ends) != total || memcmp(ends, whole, total * sizeof *whole) != 0) abort();
}

/* A code point whose class every Unicode agrees upon: those up to U+05FF that were there in 2005, and some blocks full of old ones. */
static bool is_old(uint32_t c) { return c < 0x250 || (c >= 0x2010 && c < 0x2060) || (c >= 0x4e00 && c < 0x9f00) || (c >= 0x300 && c < 0x370) || (c >= 0x1f600 && c < 0x1f640); }

static void put_old(unsigned char *p, size_t length, uint32_t code)
{
    static const struct { unsigned is; const char *of[5]; } rows[] = {
        { IS_CASELESS, { "", "", "\xca\xb0", "\xe4\xb8\xad", "\xf0\xa0\x80\x80" } }, { IS_UPPER, { "", "", "\xc3\x89", "\xe1\xb8\x80", "\xf0\x90\x90\x80" } },
        { IS_LOWER, { "", "", "\xc3\xa9", "\xe1\xb8\x81", "\xf0\x90\x90\xa8" } }, { IS_MARK, { "", "", "\xcc\x80", "\xe2\x83\x90", "\xf0\x9d\x85\xa5" } },
        { IS_NUMBER, { "", "", "\xc2\xb2", "\xe2\x85\xa7", "\xf0\x90\x84\x87" } }, { IS_SPACE, { "", "", "\xc2\xa0", "\xe3\x80\x80", "" } },
        { IS_OTHER, { "", "", "\xc2\xa1", "\xe2\x80\x94", "\xf0\x9f\x99\x83" } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].is & reference_is(code)) memcpy(p, rows[i].of[length], length);
}

static void only_old(unsigned char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        size_t k = reference_character(text + i, n - i, &code);
        if (k > 1 && !is_old(code)) put_old(text + i, k, code);
        i += k == 0 ? 1 : k;
    }
}

static void open_regexes(void)
{
    rk_options options = { .threads = 1 };
    if (ctx != NULL) return;
    best = isa_best();
    if (rk_ctx_open(&options, &ctx) != RK_OK) abort();
    for (int p = 0; p < N_REFERENCES; p++) {
        const char *pattern = split_find(reference_patterns[p].name)->pattern;
        rk_status status = regex_open(ctx, pattern, strlen(pattern), &regexes[p]);
        if (status != RK_OK && status != RK_E_DECLINED) abort();
    }
}

static size_t cut_by_regex(const struct regex *r, const unsigned char *text, size_t n, size_t most, size_t *ends)
{
    struct split s = { .regex = (struct regex *)(uintptr_t)r };
    struct split_run run;
    struct share share;
    size_t made, total = 0;
    if (share_begin(ctx, &share) != RK_OK || !split_begin(&run, &s, &share, text, n)) abort();
    while ((made = split_next(&run, ends + total, most)) > 0) total += made;
    split_end(&run);
    if (share_end(&share) != RK_OK) abort();
    return total;
}

static void check(int which, const unsigned char *text, size_t n, size_t most, size_t from)
{
    static size_t whole[REFERENCE_MOST + 64], parts[REFERENCE_MOST + 64];
    const struct pattern *p = &reference_patterns[which];
    const struct split *s = split_find(p->name);
    size_t total = cut_all(s, text, n, most, whole), i = 0;
    reference_read((const char *)text, n, &reference);
    for (size_t k = 0; k < total; k++) {
        i = reference_match(&reference, p, i);
        if (i == SIZE_MAX || whole[k] != reference.at[i]) abort();
    }
    if (i != reference.n || (total > 0 && whole[total - 1] != n)) abort();
    check_bodies(s, text, n, most, whole, total);
    size_t cut = split_safe(s, text, n, from), left = cut_all(s, text, cut, most, parts), right = cut_all(s, text + cut, n - cut, most, parts + left);
    for (size_t k = left; k < left + right; k++) parts[k] += cut;
    if (left + right != total || memcmp(whole, parts, total * sizeof *whole) != 0) abort();
    if (regexes[which] == NULL) return;
    unsigned char old[REFERENCE_MOST];
    memcpy(old, text, n);
    only_old(old, n);
    total = cut_all(s, old, n, most, whole);
    if (cut_by_regex(regexes[which], old, n, most, parts) != total || memcmp(whole, parts, total * sizeof *whole) != 0) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    open_regexes();
    if (n < 3) return 0;
    size_t length = n - 3 < REFERENCE_MOST ? n - 3 : REFERENCE_MOST;
    unsigned char *exact = malloc(length > 0 ? length : 1);          /* so that reading beyond the end is seen */
    if (exact == NULL) abort();
    memcpy(exact, bytes + 3, length);
    check(bytes[0] % N_REFERENCES, exact, length, 1 + (size_t)bytes[1] % 60, bytes[2] % (length + 1));
    free(exact);
    return 0;
}
