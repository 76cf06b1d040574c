/* tok_stats.c: see tok_stats.h. A token counts for the scripts of its characters, in equal parts; several tokens of one character count for
 * it together. Only the first megabytes are looked at that closely: offsets are slow to make. */
#include "tok_stats.h"
#include "reckon/encoding.h"
#include <stdlib.h>
#include <string.h>

enum { CLOSELY = 4 << 20 };

const char *const stats_script[STATS_SCRIPTS] = { "Latin", "Greek", "Cyrillic", "Hebrew", "Arabic", "Devanagari", "Thai", "Hangul", "Kana", "Han", "digits", "other" };

/* By the blocks that most of their letters are in. */
static const struct range { int script; uint32_t first, last; } ranges[] = {
    { 0, 'A', 'Z' }, { 0, 'a', 'z' }, { 0, 0xc0, 0x24f }, { 0, 0x1e00, 0x1eff }, { 1, 0x370, 0x3ff }, { 2, 0x400, 0x52f }, { 3, 0x590, 0x5ff }, { 4, 0x600, 0x77f },
    { 5, 0x900, 0x97f }, { 6, 0xe00, 0xe7f }, { 7, 0x1100, 0x11ff }, { 7, 0xac00, 0xd7a3 }, { 8, 0x3040, 0x30ff }, { 9, 0x3400, 0x4dbf }, { 9, 0x4e00, 0x9fff },
    { 9, 0x20000, 0x323af }, { 10, '0', '9' },
};

static int script_of(uint32_t code)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return ranges[i].script;
    return STATS_OTHER;
}

int stats_open(struct stats *s, struct cli *c, const char *name, const rk_tok_opening *how, size_t n_files)
{
    *s = (struct stats){ .c = c, .name = name, .n_files = n_files };
    CLI_TRY(c, rk_tok_open_as(c->ctx, name, how, &s->tok));
    s->seen = cli_take(rk_tok_size(s->tok) + 1);
    s->files = cli_take((n_files + 1) * sizeof *s->files);
    return CLI_OK;
}

void stats_close(struct stats *s)
{
    if (s->c != NULL) rk_tok_close(s->c->ctx, s->tok);
    free(s->seen);
    free(s->files);
}

/* The code points of a text; what is invalid counts as it does for offsets. Free it. */
static uint32_t *code_points(struct cli *c, rk_text t, size_t *n)
{
    uint32_t *codes = cli_take((t.n + 1) * sizeof *codes);
    rk_bytes valid = { 0 };
    *n = 0;
    if (cli_try(c, rk_bytes_replace(c->ctx, t.at, t.n, &valid)) != CLI_OK) valid.n = 0;
    for (size_t i = 0; i < valid.n; i++) {
        unsigned char b = (unsigned char)valid.at[i];
        if (b >> 6 == 2) codes[*n - 1] = codes[*n - 1] << 6 | (b & 0x3f);
        else codes[(*n)++] = b < 0x80 ? b : b < 0xe0 ? b & 0x1fu : b < 0xf0 ? b & 0xfu : b & 7u;
    }
    rk_bytes_free(c->ctx, &valid);
    return codes;
}

static int by_script(struct stats *s, rk_text t)
{
    rk_encoding e = { 0 };
    size_t n;
    uint32_t *codes = code_points(s->c, t, &n);
    int code = cli_try(s->c, rk_encoding_make(s->c->ctx, s->tok, &(rk_encoding_rules){ .bare = true }, t, NULL, &e)), before = -1;
    for (size_t i = 0; i < n; i++) {
        int script = script_of(codes[i]);
        s->characters[script]++;
        s->words[script] += script != before;
        before = script;
    }
    for (size_t i = 0; i < e.n && code == CLI_OK; i++)
        for (size_t at = e.spans[i].begin; at < e.spans[i].end && at < n; at++) s->parts[script_of(codes[at])] += 1.0 / (double)(e.spans[i].end - e.spans[i].begin);
    rk_encoding_free(s->c->ctx, &e);
    free(codes);
    return code;
}

static void take_files(struct stats *s, const rk_block *block, const rk_ids *ids, const size_t *ends)
{
    for (size_t i = 0, at = 0; i < block->n; at = ends[i++]) {
        if (block->files[i] >= s->n_files) continue;
        s->files[block->files[i]].bytes += block->texts[i].n;
        s->files[block->files[i]].tokens += ends[i] - at;
    }
    for (size_t i = 0; i < ids->n; i++) s->seen[ids->at[i]] = true;
    s->tokens += ids->n;
    s->bytes += block->bytes;
}

int stats_add(struct stats *s, const rk_block *block)
{
    rk_ids ids = { 0 };
    size_t *ends = cli_take((block->n + 1) * sizeof *ends);
    double began = cli_seconds();
    int code = cli_try(s->c, rk_tok_encode_many(s->c->ctx, s->tok, block->texts, block->n, 0, &ids, ends));
    s->seconds += cli_seconds() - began;
    if (code == CLI_OK) take_files(s, block, &ids, ends);
    free(ends);
    rk_ids_free(s->c->ctx, &ids);
    for (size_t i = 0; i < block->n && code == CLI_OK && s->looked < CLOSELY; i++) {
        size_t left = (size_t)(CLOSELY - s->looked);
        rk_text part = { block->texts[i].at, block->texts[i].n < left ? block->texts[i].n : left };
        if (part.n > 0) code = by_script(s, part);
        s->looked += part.n;
    }
    return code;
}

void stats_longest(const struct stats *s, uint32_t longest[STATS_LONGEST])
{
    int kept = 0;
    for (uint32_t id = 0; id < rk_tok_size(s->tok); id++) {
        int at = kept < STATS_LONGEST ? kept : STATS_LONGEST - 1;
        size_t n = rk_tok_bytes(s->tok, id).n;
        if (!s->seen[id] || (kept == STATS_LONGEST && n <= rk_tok_bytes(s->tok, longest[at]).n)) continue;
        for (; at > 0 && rk_tok_bytes(s->tok, longest[at - 1]).n < n; at--) longest[at] = longest[at - 1];
        longest[at] = id;
        if (kept < STATS_LONGEST) kept++;
    }
    for (int i = kept; i < STATS_LONGEST; i++) longest[i] = UINT32_MAX;
}
