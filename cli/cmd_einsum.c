/* reckon einsum: one contraction or one rearrangement: shapes, bytes, FLOPs, what is a view, and how long it takes at least.
 *
 * Not here: how it is written (einsum_print.c). */
#include "device.h"
#include "einsum.h"
#include "frame.h"
#include <stdlib.h>
#include <string.h>

#define DTYPES "f64|f32|f16|bf16|f8e4m3|f8e5m2|i64|i32|i16|i8|u16|u8|bool"

static const struct option options[] = {
    { "size",      's', OPT_LIST,   "NAME=N,...", NULL,  "how large each name is: b=4,s=8k" },
    { "dtype",     0,   OPT_CHOICE, DTYPES,       "f32", "of operands and result" },
    { "device",    0,   OPT_TEXT,   "NAME",       NULL,  "least time there: cpu, this machine as measured (reckon bench), or a machine by name: a100, h100 ... (reckon list devices)" },
    { "peak",      0,   OPT_SIZE,   "FLOP/s",     NULL,  "the same by hand: 989.4T" },
    { "bandwidth", 0,   OPT_SIZE,   "B/s",        NULL,  "and bytes read and written per second: 3.35T" },
    { 0 }
};

enum { MOST_SIZES = 64 };
struct sizes { int n; rk_size at[MOST_SIZES]; };

/* --- sizes --- */

static int read_size(struct cli *c, char *pair, struct sizes *s)
{
    char *equals = strchr(pair, '=');
    rk_size *size = &s->at[s->n];
    if (equals == NULL || equals == pair) return cli_usage(c, "--size: NAME=N expected, not \"%s\"", pair);
    *equals = '\0';
    if (s->n == MOST_SIZES) return cli_usage(c, "--size: more than %d names", MOST_SIZES);
    if (!number_size(equals + 1, &size->size)) return cli_usage(c, "--size: %s: a whole number such as 4096, 4k, 4Ki or 1e6 expected, not \"%s\"", pair, equals + 1);
    size->name = pair;
    s->n++;
    return CLI_OK;
}

/* Cuts the texts of --size, joined into `all`, at blanks and commas. */
static int read_sizes(struct cli *c, char **all, struct sizes *s)
{
    size_t room = 1;
    const char *text;
    for (int i = 0; (text = cli_list(c, "size", i)) != NULL; i++) room += strlen(text) + 1;
    *all = cli_take(room);
    for (int i = 0; (text = cli_list(c, "size", i)) != NULL; i++) (void)strcat(strcat(*all, text), ",");
    for (char *at = *all + strspn(*all, " ,"); *at != '\0';) {
        size_t n = strcspn(at, " ,");
        char *next = at + n + strspn(at + n, " ,");
        at[n] = '\0';
        int code = read_size(c, at, s);
        if (code != CLI_OK) return code;
        at = next;
    }
    return CLI_OK;
}

/* --- rates --- */

static int this_machine(struct cli *c, rk_dtype dtype, struct rates *r)
{
    rk_device *device = NULL;
    rk_ceilings ceilings;
    int code = device_open(c, &device);
    if (code == CLI_OK) code = cli_try(c, rk_device_ceilings(device, false, &ceilings));
    rk_device_close(device);
    if (code != CLI_OK) return code;
    if (dtype == RK_f32) *r = (struct rates){ ceilings.fma_flops, ceilings.read_bytes, "multiply-adds as measured", "reading as measured" };
    else *r = (struct rates){ 0, ceilings.read_bytes, "", "reading as measured" };        /* only f32 was measured */
    return CLI_OK;
}

static int machine_by_name(struct cli *c, const char *name, rk_dtype dtype, struct rates *r)
{
    const rk_rate rate = rate_of_dtype(dtype);
    const rk_accelerator *a;
    int code = device_named(c, name, "--peak and --bandwidth", &a);
    if (code != CLI_OK) return code;
    *r = (struct rates){ rate < RK_RATES ? a->rate[rate] : 0, (double)a->bandwidth, a->words, a->words };
    return CLI_OK;
}

static int find_rates(struct cli *c, rk_dtype dtype, struct rates *r)
{
    *r = (struct rates){ 0, 0, "", "" };
    if (cli_given(c, "device")) {
        const char *name = cli_text(c, "device");
        int code = strcmp(name, "cpu") == 0 ? this_machine(c, dtype, r) : machine_by_name(c, name, dtype, r);
        if (code != CLI_OK) return code;
        if (!(r->peak > 0) && !cli_given(c, "peak")) cli_note(c, "note: how fast %s multiplies %s is not known: only bytes take time here", name, rk_dtype_name(dtype));
    }
    if (cli_given(c, "peak")) r->peak = (double)cli_int(c, "peak"), r->of_peak = "as said";
    if (cli_given(c, "bandwidth")) r->bandwidth = (double)cli_int(c, "bandwidth"), r->of_bandwidth = "as said";
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct sizes *sizes = cli_take(sizeof *sizes);
    char *texts = NULL;
    rk_expression *e = NULL;
    rk_dtype dtype;
    struct rates rates;
    if (!rk_dtype_find(cli_text(c, "dtype"), &dtype)) cli_bug("no dtype %s", cli_text(c, "dtype"));
    int code = read_sizes(c, &texts, sizes);
    if (code == CLI_OK) {
        rk_status status = rk_expression_open(c->ctx, c->args[0], sizes->at, sizes->n, dtype, &e);
        code = cli_try(c, status);
        if (status == RK_E_SHAPE) code = CLI_USAGE;             /* names and sizes were typed: no file is at fault */
    }
    if (code == CLI_OK) code = find_rates(c, dtype, &rates);
    if (code == CLI_OK && c->json) einsum_json(c, e, dtype, &rates);
    else if (code == CLI_OK) einsum_print(c, e, dtype, &rates);
    rk_expression_close(e);
    free(texts);
    free(sizes);
    return code;
}

static const struct example examples[] = {
    { "einsum 'b s h, b u h -> b s u' --size b=4,s=8,u=8,h=16 --dtype bf16", "scores of attention: shapes, bytes, FLOPs", NULL },
    { "einsum 'd f' --size d=12288,f=49152",                                "how large the feed-forward matrix of GPT-3 is in f32", NULL },
    { "einsum 'b t (h k) -> b h t k' -s b=8,t=1Ki,h=12,k=64",               "what is a view, and what must be copied", NULL },
    { "einsum 'm k, k n -> m n' -s m=4Ki,n=4Ki,k=4Ki --dtype f16 --device h100", "how long it takes at least", NULL },
    { "einsum 'b t d, f d -> b t f' -s b=8,t=1Ki,d=768,f=3072 --json",      "for a program: exact integers", NULL },
    { 0 }
};

const struct command cmd_einsum = {
    .name = "einsum", .arguments = "EXPRESSION", .purpose = "the price of one product or rearrangement over named dimensions", .options = options,
    .examples = examples, .json = true, .whole = true, .run = run,
    .notes = "EXPRESSION is \"names, names -> names\" for a product: a name that the result lacks is summed over. With one operand it is a "
             "rearrangement: another order, names in parentheses as one dimension, \"b t (h k) -> b h t k\", a new name for one of the same size; a name "
             "that is gone is summed over. Without an arrow: one tensor.\nA multiply-add is 2 FLOPs. Bytes are those of distinct elements, each read or "
             "written once; the least time is that of the products at the peak or of the bytes at the bandwidth, whichever is longer.",
};
