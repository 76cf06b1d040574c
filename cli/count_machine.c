/* count_machine.c: which machine, and how many days of it a training would take.
 *
 * Numbers of a machine come from its row or from options; where neither is given there is no number. */
#include "count.h"
#include "device.h"
#include <math.h>
#include <string.h>

/* Trainings to compare with. */
static const struct { const char *words, *source; double flops; } known[] = {
    { "GPT-3 175B",                  "Brown et al. 2020, table D.1",                            3.14e23 },
    { "GPT-4, as rumoured",          "Epoch AI's estimate; OpenAI has published none",          2.1e25 },
    { "EU AI Act, systemic risk",    "Regulation (EU) 2024/1689, article 51(2)",                1e25 },
};

static const char by_hand[] = "--peak 312e12 --device-memory 80GB --bandwidth 2TB";

rk_rate policy_rate(rk_ctx *ctx, const char *policy)
{
    rk_dtype dtype;
    return rk_policy_products(ctx, policy, &dtype) == RK_OK ? rate_of_dtype(dtype) : RK_RATE_F32;      /* it has been read before */
}

/* The rate that products run at: as asked, else that of the dtype or policy; RK_RATES: none. */
static rk_rate rate_of(const struct counting *k)
{
    if (cli_given(k->c, "rate")) return (rk_rate)cli_choice(k->c, "rate");
    if (k->books.policy != NULL && strcmp(k->books.policy, "fp32") != 0) return policy_rate(k->c->ctx, k->books.policy);
    return rate_of_dtype(k->s.dtype);
}

static int read_row(struct counting *k, const rk_accelerator *a)
{
    const rk_rate rate = rate_of(k);
    k->machine = (struct machine){ .name = a->words, .rate = rate < RK_RATES ? rk_rate_name(rate) : rk_dtype_name(k->s.dtype), .source = a->source,
                                   .bytes = a->bytes, .bandwidth = a->bandwidth, .row = cli_given(k->c, "rate") ? NULL : a };
    if (rate < RK_RATES) k->machine.peak = a->rate[rate];
    if (rate == RK_RATE_BF16) k->machine.reached = a->reached;
    if (k->machine.peak > 0 || cli_given(k->c, "peak")) return CLI_OK;
    return cli_fail(k->c, CLI_USAGE, "choose another with --rate, or give --peak", "no rate of %s in %s is known here", a->name, k->machine.rate);
}

/* What is said of a machine by hand: 0 would be as if nothing were said. */
static int check_given(struct cli *c)
{
    static const char *const sizes[] = { "device-memory", "bandwidth" };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (cli_offers(c, sizes[i]) && cli_given(c, sizes[i]) && cli_int(c, sizes[i]) < 1) return cli_usage(c, "--%s: bytes, at least 1", sizes[i]);
    return cli_given(c, "peak") && !(cli_real(c, "peak") > 0) ? cli_usage(c, "--peak: operations per second, above 0") : CLI_OK;
}

int machine_named(struct cli *c, const rk_accelerator **a)
{
    *a = NULL;
    int code = check_given(c);
    if (code != CLI_OK) return code;
    return cli_given(c, "device") ? device_named(c, cli_text(c, "device"), by_hand, a) : CLI_OK;
}

int machine_use(struct counting *k, const char *name)
{
    const rk_accelerator *a;
    int code = device_named(k->c, name, by_hand, &a);
    return code == CLI_OK ? read_row(k, a) : code;
}

bool roof_known(const struct counting *k) { return k->machine.peak > 0 && k->machine.bandwidth > 0; }

int machine_read(struct counting *k)
{
    struct cli *c = k->c;
    const rk_accelerator *a;
    int code = machine_named(c, &a);
    if (code == CLI_OK && a != NULL) code = read_row(k, a);
    if (cli_given(c, "peak")) {
        k->machine.peak = cli_real(c, "peak");
        k->machine.row = NULL;
        k->machine.reached = 0;
        k->machine.rate = "given";
    }
    return code;
}

void json_machine(const struct counting *k, struct json *j)
{
    const struct machine *m = &k->machine;
    if (!(m->peak > 0) && m->bytes == 0 && m->bandwidth == 0) return;
    json_object(j, "machine");
    json_text(j, "name", m->name);
    json_text(j, "rate", m->rate);
    json_real(j, "peak", m->peak);
    json_uint(j, "bytes", m->bytes);
    json_uint(j, "bandwidth", m->bandwidth);
    json_text(j, "source", m->source);
    json_end(j);
}

/* --- days and cost --- */

bool training_asked(const struct counting *k) { return cli_given(k->c, "tokens") || cli_given(k->c, "steps"); }

struct training { uint64_t tokens; unsigned __int128 flops; double gpus, mfu, hours, days; };      /* hours: of one device, days: of all together; 0 without a peak */

struct entry { char at[96]; };
/* Of the bill, as books call it. */
static struct entry convention_entry(const struct cli *c)
{
    struct entry e;
    (void)snprintf(e.at, sizeof e.at, "flops.convention.%.60s", cli_text(c, "flops"));
    return e;
}

static int training_of(struct counting *k, struct counted *x, struct training *t)
{
    struct cli *c = k->c;
    struct entry e = convention_entry(c);
    uint64_t seq = k->s.seq > 0 ? (uint64_t)k->s.seq : model_size(x->model, "position");
    CLI_TRY(c, rk_books_add(x->bill, x->model, &k->books, e.at));
    (void)snprintf(e.at, sizeof e.at, "flops.convention.%.60s", rk_convention_of(e.at).name);       /* llm.c is llmc's */
    uint64_t per_step = (uint64_t)k->s.batch * seq;             /* the bill has been made of so many */
    t->gpus = k->books.gpus > 0 ? (double)k->books.gpus : 1;
    t->mfu = cli_real(c, "mfu");
    t->tokens = (uint64_t)cli_int(c, "tokens");
    if (cli_given(c, "steps") && __builtin_mul_overflow((uint64_t)cli_int(c, "steps"), per_step, &t->tokens)) return cli_usage(c, "--steps: more than 2^64 tokens");
    t->flops = ((unsigned __int128)number_of(x->bill, e.at) * t->tokens + per_step - 1) / per_step;
    t->hours = k->machine.peak > 0 ? (double)t->flops / (k->machine.peak * t->mfu) / 3600 : 0;
    t->days = t->hours / t->gpus / 24;
    return CLI_OK;
}

int training_check(const struct counting *k)
{
    struct cli *c = k->c;
    double mfu = cli_real(c, "mfu");
    if (rk_convention_of(convention_entry(c).at).name == NULL) return cli_usage(c, "--flops: there is no convention \"%s\" (reckon count gpt2 --conventions names them)", cli_text(c, "flops"));
    if (!training_asked(k)) return mfu > 0 && mfu <= 1 ? CLI_OK : cli_usage(c, "--mfu: above 0 and at most 1");
    if (cli_given(c, "tokens") && cli_given(c, "steps")) return cli_usage(c, "--tokens and --steps say the same thing: give one");
    if (k->s.mode != RK_MODE_TRAIN) return cli_usage(c, "--tokens and --steps are of a training: --mode train");
    if (!(mfu > 0 && mfu <= 1)) return cli_usage(c, "--mfu: above 0 and at most 1");
    return cli_given(c, "price") && !(cli_real(c, "price") >= 0) ? cli_usage(c, "--price: of one device for an hour, not below 0") : CLI_OK;
}

static void print_beside(struct counting *k, double flops)
{
    struct table *t = table_new(k->c, NULL, "lrrw");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        table_cell(t, "  %s", known[i].words);
        table_cell(t, "%.3g", known[i].flops);
        table_cell(t, "× %.3g", flops / known[i].flops);
        table_cell(t, "%s", known[i].source);
    }
    (void)fprintf(k->c->out, "\nthis training as a part of others' FLOPs\n");
    table_print(t);
}

static void row(struct table *t, const char *words, const char *value, const char *how)
{
    table_cell(t, "  %s", words);
    table_cell(t, "%s", value);
    table_cell(t, "%s", how);
}

static double rate_in(const struct training *x) { return (double)x->tokens / (x->days * 86400); }        /* tokens a second, of all at once */

static void print_days(struct counting *k, const struct training *x)
{
    struct table *t = table_new(k->c, NULL, "lrw");
    char text[96], how[160];
    (void)snprintf(text, sizeof text, "%.4g", (double)x->flops);
    (void)snprintf(how, sizeof how, "by the convention %s", cli_text(k->c, "flops"));
    row(t, "tokens", say_si((double)x->tokens, "").at, cli_given(k->c, "steps") ? "steps · B · T" : "");
    row(t, "FLOPs", text, how);
    if (k->machine.peak > 0) {
        (void)snprintf(text, sizeof text, "%.1f", x->hours);
        (void)snprintf(how, sizeof how, "FLOPs / (%s × %s)", say_si(k->machine.peak, "FLOP/s").at, say_percent(x->mfu).at);
        row(t, "hours of one device", text, how);
        (void)snprintf(text, sizeof text, "%.1f", x->days);
        (void)snprintf(how, sizeof how, "on %s at once", say_count((uint64_t)x->gpus).at);
        row(t, "days", text, how);
        if (x->days > 0) row(t, "tokens a second", say_count((uint64_t)(rate_in(x) + 0.5)).at, how);
    }
    if (k->machine.peak > 0 && cli_given(k->c, "price")) {
        (void)snprintf(text, sizeof text, "%.2f", x->hours * cli_real(k->c, "price"));
        (void)snprintf(how, sizeof how, "hours × %s", say_real(cli_real(k->c, "price")).at);
        row(t, "cost", text, how);
    }
    table_print(t);
    if (!(k->machine.peak > 0)) (void)fprintf(k->c->out, "No days without a machine: --device or --peak.\n");
}

int print_training(struct counting *k, struct counted *x)
{
    struct training t;
    int code = training_of(k, x, &t);
    if (code != CLI_OK) return code;
    (void)fprintf(k->c->out, "\nthe whole training%s%s\n", k->machine.name != NULL ? " on " : "", k->machine.name != NULL ? k->machine.name : "");
    print_days(k, &t);
    print_beside(k, (double)t.flops);
    return CLI_OK;
}

static struct say digits_of(unsigned __int128 n)
{
    struct say s;
    char *at = s.at + sizeof s.at;
    for (*--at = '\0'; n > 9; n /= 10) *--at = (char)('0' + n % 10);
    *--at = (char)('0' + n);
    memmove(s.at, at, strlen(at) + 1);
    return s;
}

int json_training(struct counting *k, struct counted *x, struct json *j)
{
    struct training t;
    int code = training_of(k, x, &t);
    if (code != CLI_OK) return code;
    json_object(j, "training");
    json_text(j, "convention", cli_text(k->c, "flops"));
    json_uint(j, "tokens", t.tokens);
    json_number(j, "flops", digits_of(t.flops).at);
    if (k->machine.peak > 0) {
        json_real(j, "device_hours", t.hours);
        json_real(j, "days", t.days);
        if (t.days > 0) json_real(j, "tokens_per_second", rate_in(&t));
        if (cli_given(k->c, "price")) json_real(j, "cost", t.hours * cli_real(k->c, "price"));
    }
    json_end(j);
    return CLI_OK;
}
