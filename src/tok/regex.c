/* regex.c: PCRE2 behind the words of this library.
 *
 * Its memory comes from the context, through blocks that remember their size. A match that would take forever is stopped by PCRE2's own
 * counters and reported. Where the JIT's stack is too small for a match, the interpreter does it, whose memory is bounded too.
 * Not here: a search that overlaps; what \s and \w mean (regex_translate.c). */
#include "tok/regex.h"
#include "base/library.h"
#include "base/str.h"
#include "base/utf8.h"
#include <string.h>

enum { JIT_COMPLETE = 1, NO_MATCH = -1, JIT_STACK_LIMIT = -46, MATCH_LIMIT = -47, HEAP_LIMIT = -63 };
#define UTF          0x00080000u
#define UCP          0x00020000u
#define DOLLAR_END   0x00000010u
#define NEVER_C      0x00100000u         /* \C would cut characters */
#define NO_UTF_CHECK 0x40000000u
#define NO_JIT       0x00002000u
enum { MOST_STEPS = 10000000, MOST_KIB = 256 << 10 };

struct pcre2 {
#define ROW(name, result, arguments) result (*name) arguments;
#include "tok/pcre2.def"
#undef ROW
};

static const char *const symbols[] = {
#define ROW(name, result, arguments) "pcre2_" #name "_8",
#include "tok/pcre2.def"
#undef ROW
};

struct memory { rk_ctx *ctx; struct share *share; };                  /* share: where several threads use the context */
struct regex { struct pcre2 pcre2; void *library; struct memory memory; void *code; char *pattern; size_t n; };
struct regex_run {
    const struct regex  *regex;
    struct share        *share;
    const unsigned char *text, *subject;                              /* the same, or the subject with U+FFFD for what is invalid */
    size_t               n, n_subject, at, subject_at;
    unsigned char       *copy;
    size_t               room;
    size_t               match_begin, match_end;                      /* in the subject, when found is true: not given out yet */
    bool                 found, over;
    struct memory        memory;
    void                *general, *data, *context;
};

/* ---- memory with its size in front ---- */

union block { size_t size; max_align_t aligned; };

static void *take(size_t n, void *user)
{
    struct memory *m = user;
    union block *b = NULL;
    size_t size;
    if (!size_add(n, sizeof *b, &size)) return NULL;
    if (m->share != NULL ? !share_resize(m->share, (void **)&b, 0, size, 1, "a regular expression")
                         : mem_new(m->ctx, (void **)&b, size, 1, "a regular expression") != RK_OK) return NULL;
    b->size = size;
    return b + 1;
}

static void give(void *p, void *user)
{
    struct memory *m = user;
    if (p == NULL) return;
    union block *b = (union block *)p - 1;
    if (m->share != NULL) share_free(m->share, b, b->size, 1);
    else mem_free(m->ctx, b, b->size, 1);
}

/* ---- a pattern ---- */

static rk_status open_library(rk_ctx *ctx, struct regex *r)
{
    if (library_open("libpcre2-8.so.0", symbols, sizeof symbols / sizeof *symbols, &r->pcre2, &r->library)) return RK_OK;
    (void)FAIL(RK_E_DECLINED, "a pattern of one's own needs the library PCRE2, and libpcre2-8.so.0 cannot be opened");
    return ctx_hint(ctx, "install it (Debian: libpcre2-8-0), or use one of the patterns gpt2, cl100k, o200k");
}

static rk_status compile(rk_ctx *ctx, struct regex *r, const struct str *text)
{
    unsigned char why[160] = "";
    int error = 0;
    size_t offset = 0;
    void *general = r->pcre2.general_context_create(take, give, &r->memory);
    if (general == NULL) return rk_error_status(ctx);
    void *context = r->pcre2.compile_context_create(general);
    if (context != NULL) r->code = r->pcre2.compile((const unsigned char *)str_c(text), (size_t)text->n, UTF | UCP | DOLLAR_END | NEVER_C, &error, &offset, context);
    r->pcre2.compile_context_free(context);
    r->pcre2.general_context_free(general);
    if (r->code != NULL) {
        (void)r->pcre2.jit_compile(r->code, JIT_COMPLETE);            /* without it the interpreter matches */
        return RK_OK;
    }
    if (error == 0 || error == 121) return rk_error_status(ctx);      /* the allocator has said what is wrong */
    (void)r->pcre2.get_error_message(error, why, sizeof why);
    return FAIL(RK_E_ARG, "the pattern %.200s is no regular expression: %s near \"%.20s\"", r->pattern, (const char *)why, str_c(text) + (offset <= (size_t)text->n ? offset : 0));
}

static rk_status fill(rk_ctx *ctx, struct regex *r, const char *pattern, size_t n)
{
    struct str text = { 0 };
    r->n = n + 1;
    TRY(NEW(r->pattern, r->n));
    memcpy(r->pattern, pattern, n);
    TRY(open_library(ctx, r));
    rk_status status = regex_translate(ctx, pattern, n, &text);
    if (status == RK_OK) status = compile(ctx, r, &text);
    str_free(ctx, &text);
    return status;
}

rk_status regex_open(rk_ctx *ctx, const char *pattern, size_t n, struct regex **out)
{
    struct regex *r;
    *out = NULL;
    if (n > REGEX_MOST) return FAIL(RK_E_LIMIT, "a pattern of %zu bytes; %d are the limit", n, REGEX_MOST);
    TRY(NEW(r, 1));
    r->memory.ctx = ctx;
    rk_status status = fill(ctx, r, pattern, n);
    if (status != RK_OK) {
        regex_close(ctx, r);
        return ctx_pass(ctx, status, __FILE__, __LINE__, __func__);
    }
    *out = r;
    return RK_OK;
}

void regex_close(rk_ctx *ctx, struct regex *r)
{
    if (r == NULL) return;
    r->memory.ctx = ctx;
    if (r->code != NULL) r->pcre2.code_free(r->code);
    library_close(r->library);
    FREE(r->pattern, r->n);
    FREE(r, 1);
}

const char *regex_pattern(const struct regex *r) { return r->pattern; }

/* ---- a pass ---- */

static bool is_valid(const unsigned char *text, size_t n)
{
    uint32_t code = 0;
    for (size_t i = 0; i < n && code != UTF8_INVALID;) {
        if (text[i] < 0x80) i++;
        else i += utf8_next((const char *)text + i, n - i, &code);
    }
    return code != UTF8_INVALID;
}

/* One step through the text and, side by side, through the subject. */
static void step(const struct regex_run *run, size_t *at, size_t *subject_at)
{
    uint32_t code;
    size_t k = utf8_next((const char *)run->text + *at, run->n - *at, &code);
    *at += k;
    *subject_at += code == UTF8_INVALID ? 3 : k;
}

static bool make_valid(struct regex_run *run)
{
    size_t at = 0, before, made = 0;
    while (at < run->n) step(run, &at, &made);
    run->n_subject = made;
    if (!SHARE_ROOM(run->share, run->copy, run->room, made)) return false;
    for (at = 0, made = 0; at < run->n;) {
        size_t to = made;
        before = at;
        step(run, &at, &made);
        uint32_t code;
        (void)utf8_next((const char *)run->text + before, run->n - before, &code);
        if (code == UTF8_INVALID) memcpy(run->copy + to, "\xef\xbf\xbd", 3);
        else memcpy(run->copy + to, run->text + before, at - before);
    }
    run->subject = run->copy;
    return true;
}

static bool prepare(struct regex_run *run)
{
    const struct pcre2 *p = &run->regex->pcre2;
    if (!is_valid(run->text, run->n) && !make_valid(run)) return false;
    run->general = p->general_context_create(take, give, &run->memory);
    if (run->general == NULL) return false;
    run->data = p->match_data_create_from_pattern(run->regex->code, run->general);
    run->context = p->match_context_create(run->general);
    if (run->data == NULL || run->context == NULL) return false;
    (void)p->set_match_limit(run->context, MOST_STEPS);
    (void)p->set_heap_limit(run->context, MOST_KIB);
    return true;
}

bool regex_begin(const struct regex *r, struct share *share, const unsigned char *text, size_t n, struct regex_run **out)
{
    struct regex_run *run = NULL;
    *out = NULL;
    if (!share_resize(share, (void **)&run, 0, 1, sizeof *run, "a pass of a regular expression")) return false;
    *run = (struct regex_run){ .regex = r, .share = share, .text = text, .n = n, .subject = text, .n_subject = n, .memory = { share->ctx, share } };
    if (prepare(run)) {
        *out = run;
        return true;
    }
    regex_end(run);
    return false;
}

void regex_end(struct regex_run *run)
{
    if (run == NULL) return;
    const struct pcre2 *p = &run->regex->pcre2;
    if (run->data != NULL) p->match_data_free(run->data);
    if (run->context != NULL) p->match_context_free(run->context);
    if (run->general != NULL) p->general_context_free(run->general);
    share_free(run->share, run->copy, run->room, 1);
    share_free(run->share, run, 1, sizeof *run);
}

static bool search_failed(struct regex_run *run, int error)
{
    bool limit = error == MATCH_LIMIT || error == HEAP_LIMIT;
    run->over = true;
    if (share_failed(run->share)) return false;
    return share_fail(run->share, limit ? RK_E_LIMIT : RK_E_BUG, "the pattern %.200s gives up at byte %zu of a text of %zu: %s (%d)", run->regex->pattern, run->at, run->n,
                      limit ? "it needs more than 10,000,000 steps or 256 MiB for one match" : "PCRE2 reports an error", error);
}

/* Finds the next match that is not empty, from subject_at on. */
static bool search(struct regex_run *run)
{
    const struct pcre2 *p = &run->regex->pcre2;
    for (size_t from = run->subject_at; from < run->n_subject;) {
        int found = p->match(run->regex->code, run->subject, run->n_subject, from, NO_UTF_CHECK, run->data, run->context);
        if (found == JIT_STACK_LIMIT) found = p->match(run->regex->code, run->subject, run->n_subject, from, NO_UTF_CHECK | NO_JIT, run->data, run->context);
        if (found == NO_MATCH) break;
        if (found < 0) return search_failed(run, found);
        const size_t *place = p->get_ovector_pointer(run->data);
        if (place[1] > place[0] && place[0] >= run->subject_at) {     /* \K can turn a match around */
            run->match_begin = place[0];
            run->match_end = place[1];
            run->found = true;
            return true;
        }
        for (from = place[1] > from ? place[1] : from + 1; from < run->n_subject && run->subject[from] >> 6 == 2;) from++;
    }
    run->match_begin = run->match_end = run->n_subject;
    run->found = true;
    return true;
}

/* A place in the subject, at or after the last one, as a place in the text. */
static size_t text_place(struct regex_run *run, size_t subject_at)
{
    if (run->copy == NULL) run->at = run->subject_at = subject_at;
    while (run->subject_at < subject_at) step(run, &run->at, &run->subject_at);
    return run->at;
}

size_t regex_next(struct regex_run *run, size_t *ends, size_t most)
{
    size_t made = 0;
    while (made < most && run->subject_at < run->n_subject && !run->over) {
        if (!run->found && !search(run)) return 0;
        bool between = run->match_begin > run->subject_at;            /* what lies before the match is a word of its own */
        ends[made++] = text_place(run, between ? run->match_begin : run->match_end);
        run->found = between && run->match_begin < run->match_end;
    }
    return made;
}
