/* reckon train: a model from text. Every hyper-parameter is a flag, made from the rows of reckon/train_options.def. */
#include "device.h"
#include "end.h"
#include "load.h"
#include "model.h"
#include "train.h"
#include <math.h>
#include <string.h>
#include <sys/stat.h>

static const char schedule_words[] =
#define ROW(name, word, reads, rate) "|" word
#include "reckon/schedule.def"
#undef ROW
    ;
static const char *const schedules[] = {
#define ROW(name, word, reads, rate) word,
#include "reckon/schedule.def"
#undef ROW
};
static const char order_words[] = "|shuffled|random";
#define optimizer_words model_optimizers
static const char muon_rate_words[] = "|match-rms|original|spectral";

static const struct option options[] = {
    { "config",      'c', OPT_FILE,   NULL,      NULL,                                          "options from a JSON file, or from a checkpoint; flags overrule it" },
    { "output",      'o', OPT_FOLDER, NULL,      NULL,                                          "where checkpoints and the model go" },
    { "resume",      'r', OPT_FLAG,   NULL,      NULL,                                          "go on from the newest intact checkpoint in the output folder" },
    { "any-kernels", 0,   OPT_FLAG,   NULL,      NULL,                                          "resume also where this machine computes with other kernels: other bits" },
#define INT(field, key, standard, least, most, help)  { key, 0, OPT_SIZE, NULL, #standard, help },
#define AUTO(field, key, zero, most, help)            { key, 0, OPT_SIZE, NULL, zero, help },
#define REAL(field, key, standard, least, most, help) { key, 0, OPT_REAL, NULL, #standard, help },
#define CHOICE(field, key, standard, words, help)     { key, 0, OPT_CHOICE, (words) + 1, standard, help },
#define FLAG(field, key, help)                        { key, 0, OPT_FLAG, NULL, NULL, help },
#define TEXT(field, key, help)                        { key, 0, OPT_TEXT, NULL, NULL, help },
#include "reckon/train_options.def"
#undef INT
#undef AUTO
#undef REAL
#undef CHOICE
#undef FLAG
#undef TEXT
    { "end",         0,   OPT_TEXT,   "TOKEN",   CLI_ENDS,                                      "special token after each document, or side of a pair; \"\" for none" },
    { "source-field", 0,  OPT_TEXT,   "NAME",    "source",                                      "of pairs in JSONL: what the source is called" },
    { "target-field", 0,  OPT_TEXT,   "NAME",    "target",                                      "and the target" },
    { "dtype",       0,   OPT_CHOICE, "u16|u32", "(by the name of the file)",                   "size of a token in a file of tokens" },
    { "memory",      0,   OPT_SIZE,   "BYTES",   "(what is free)",                              "refuse a run that would need more" },
    { "receipt",     0,   OPT_FILE,   NULL,      "(the screen)",                                "where the receipt is written; FILE.json: for a program, and for `reckon count --check`" },
    { "data-sheet",  0,   OPT_TEXT,   "DEVICE",  NULL,                                          "tell MFU against this device's data sheet, too, in the dtype of the policy: h100, a100 ... (`reckon list devices`)" },
    { "peak",        0,   OPT_REAL,   NULL,      NULL,                                          "tell MFU against so many operations per second, too, of any device: 312e12" },
    OPTION_RUNS,
    { 0 }
};

/* --- options: of the checkpoint, then of --config, then flags --- */

static int take_text(struct cli *c, const char *key, char *to)
{
    const char *text = cli_text(c, key);
    if (strlen(text) >= RK_TRAIN_TEXT) return cli_usage(c, "--%s: at most %d bytes", key, RK_TRAIN_TEXT - 1);
    memcpy(to, text, strlen(text) + 1);
    return CLI_OK;
}

static int take_flags(struct cli *c, rk_train_options *o)
{
    int code = CLI_OK;
#define INT(field, key, standard, least, most, help)  if (cli_given(c, key)) o->field = cli_int(c, key);
#define AUTO(field, key, zero, most, help)            if (cli_given(c, key)) o->field = cli_int(c, key);
#define REAL(field, key, standard, least, most, help) if (cli_given(c, key)) o->field = cli_real(c, key);
#define CHOICE(field, key, standard, words, help)     if (cli_given(c, key)) o->field = cli_choice(c, key);
#define FLAG(field, key, help)                        if (cli_given(c, key)) o->field = true;
#define TEXT(field, key, help)                        if (code == CLI_OK && cli_given(c, key)) code = take_text(c, key, o->field);
#include "reckon/train_options.def"
#undef INT
#undef AUTO
#undef REAL
#undef CHOICE
#undef FLAG
#undef TEXT
    return code;
}

/* The word that was chosen of optimizers, schedules or policies. */
static const char *chosen_word(const rk_train_options *o, const char *by)
{
    if (strcmp(by, "optimizer") == 0) return rk_optimizer_word((rk_optimizer)o->optimizer);
    if (strcmp(by, "policy") == 0) return o->policy[0] != '\0' ? o->policy : "fp32";
    return schedules[o->schedule];
}

/* What nobody reads is refused, not ignored: typed, or of a --config whose choice no flag overrules. */
static int check_unread(struct cli *c, const rk_train_options *o)
{
    for (int i = 0; rk_train_unread_at(o, i).key != NULL; i++) {
        const rk_train_unread u = rk_train_unread_at(o, i);
        bool typed = cli_given(c, u.key), file = cli_given(c, "config") && !cli_given(c, u.by) && !u.usual;
        bool overruled = cli_given(c, "config") && cli_given(c, u.by) && !u.usual && !typed;
        if (overruled) cli_note(c, "%s: %s is not read with --%s %s", cli_text(c, "config"), u.key, u.by, chosen_word(o, u.by));
        if (typed || file)
            return cli_usage(c, "%s%s is read with --%s %s; this is %s%s%s", typed ? "--" : "", u.key, u.by, u.readers, chosen_word(o, u.by), typed ? "" : ", by ", typed ? "" : cli_text(c, "config"));
    }
    return CLI_OK;
}

static int take_options(struct training *t)
{
    struct cli *c = t->c;
    t->options = rk_train_defaults();
    if (cli_flag(c, "resume") && !cli_given(c, "output")) return cli_usage(c, "--resume needs the --output that is to be resumed");
    if (cli_flag(c, "resume")) CLI_TRY(c, rk_train_newest(c->ctx, cli_text(c, "output"), t->checkpoint, sizeof t->checkpoint));
    if (t->checkpoint[0] != '\0') CLI_TRY(c, rk_train_options_read(c->ctx, t->checkpoint, &t->options));
    if (t->checkpoint[0] != '\0' && cli_given(c, "steps") && !cli_given(c, "cycle")) t->options.cycle = 0;     /* the schedule ends with the new last step */
    if (cli_given(c, "config")) CLI_TRY(c, rk_train_options_read(c->ctx, cli_text(c, "config"), &t->options));
    int code = take_flags(c, &t->options);
    if (code == CLI_OK && cli_given(c, "receipt")) code = cli_can_save(c, cli_text(c, "receipt"));
    if (code == CLI_OK) code = cli_try(c, rk_policy_check(c->ctx, t->options.policy));
    return code == CLI_OK ? check_unread(c, &t->options) : code;
}

/* --- the model --- */

static bool is_there(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0;
}

/* Fields of presets that a tokenizer knows better, and what the token is called whose id they are; no name: how many tokens there
 * are. Where a family lacks one, or the tokenizer has no such token, nothing is said of it. */
static const struct { const char *field, *names[4]; } told[] = {
    { "vocab", { NULL } }, { "source_vocab", { NULL } }, { "pad", { "[PAD]", "<pad>", NULL } }, { "start", { "<s>", "[CLS]", "<pad>", "[PAD]" } },
};

static bool find_id(const rk_tok *tok, const char *const names[4], uint32_t *id)
{
    *id = rk_tok_size(tok);
    for (int i = 0; i < 4 && names[i] != NULL; i++)
        if (rk_tok_find(tok, names[i], strlen(names[i]), id)) return true;
    return names[0] == NULL;
}

/* The preset's name, what the tokenizer says, and behind it what was typed, which has the last word. */
static int tell_preset(const struct training *t, char *spec, size_t room)
{
    struct cli *c = t->c;
    const char *typed = t->options.model, *colon = strchr(typed, ':');
    rk_model *plain;
    uint32_t id;
    double value;
    CLI_TRY(c, rk_model_open(c->ctx, typed, &plain));
    size_t n = colon != NULL ? (size_t)(colon - typed) : strlen(typed);
    memcpy(spec, typed, n);
    for (size_t i = 0, first = n; i < sizeof told / sizeof *told; i++)
        if (rk_model_number(plain, told[i].field, &value) == RK_OK && find_id(t->tok, told[i].names, &id))
            n += (size_t)snprintf(spec + n, room - n, "%c%s=%u", n == first ? ':' : ',', told[i].field, id);
    (void)snprintf(spec + n, room - n, "%s%s", colon != NULL ? "," : "", colon != NULL ? colon + 1 : "");
    rk_model_close(plain);
    rk_error_clear(c->ctx);
    return CLI_OK;
}

/* A preset takes the tokenizer's vocabulary, unless it was said what it is to be. */
static int open_model(struct training *t)
{
    struct cli *c = t->c;
    char spec[RK_TRAIN_TEXT + 256];
    const char *model = t->options.model;
    if (t->checkpoint[0] != '\0' && !cli_given(c, "model")) return cli_try(c, rk_model_open(c->ctx, t->checkpoint, &t->model));
    if (model[0] == '\0') return cli_usage(c, "--model is missing: a preset such as cs336-17m, with :d_model=256,num_layers=4,... for other sizes");
    bool fits = t->tok != NULL && !is_there(model) && strstr(model, "vocab") == NULL;
    int code = CLI_OK;
    if (fits) code = tell_preset(t, spec, sizeof spec);
    else (void)snprintf(spec, sizeof spec, "%s", model);
    if (code != CLI_OK) return code;
    CLI_TRY(c, rk_model_open(c->ctx, spec, &t->model));
    if (t->tok == NULL || model_size(t->model, "vocab") >= rk_tok_size(t->tok)) return CLI_OK;
    return cli_fail(c, CLI_DATA, NULL, "%s knows %s tokens, but the tokenizer has %s", rk_model_name(t->model), say_count(model_size(t->model, "vocab")).at,
                    say_count(rk_tok_size(t->tok)).at);
}

static int open_device(struct training *t)
{
    struct cli *c = t->c;
    int code = device_open(c, &t->device);
    if (code == CLI_OK && device_measures(t->device)) code = cli_try(c, rk_device_ceilings(t->device, false, &t->ceilings));
    return code;
}

/* The rate of a data sheet at which a policy's products run. */
static rk_rate promised_rate(const char *policy)
{
    static const struct { const char *word; rk_rate rate; } rates[] = { { "amp-bf16", RK_RATE_BF16 }, { "amp-fp16", RK_RATE_BF16 }, { "mixed", RK_RATE_BF16 }, { "fp8", RK_RATE_FP8 } };
    size_t n = strcspn(policy, ",");
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (strlen(rates[i].word) == n && strncmp(rates[i].word, policy, n) == 0) return rates[i].rate;
    return RK_RATE_F32;
}

static int open_train(struct training *t)
{
    struct cli *c = t->c;
    const rk_accelerator *promise = NULL;
    int code = cli_given(c, "data-sheet") ? device_named(c, cli_text(c, "data-sheet"), "--peak 312e12", &promise) : CLI_OK;
    if (code == CLI_OK && cli_given(c, "data-sheet") && cli_given(c, "peak")) code = cli_usage(c, "--data-sheet and --peak say the same thing: give one");
    if (code == CLI_OK && cli_given(c, "peak") && !(cli_real(c, "peak") > 0)) code = cli_usage(c, "--peak: operations per second, above 0");
    if (code != CLI_OK) return code;
    rk_train_setup s = {
        .model = t->model, .device = t->device, .options = &t->options, .output = cli_text(c, "output"), .resume = cli_flag(c, "resume"),
        .data = { .tokens = &t->text.tokens, .source = t->source.tokens.at != NULL ? &t->source.tokens : NULL, .document_end = t->end, .tok = t->tok,
                  .tokenizer = t->options.tokenizer[0] != '\0' ? t->options.tokenizer : NULL },
        .any_kernels = cli_flag(c, "any-kernels"), .ceilings = &t->ceilings, .promised_flops = promise != NULL ? promise->rate[promised_rate(t->options.policy)] : cli_real(c, "peak"),
        .memory_limit = cli_given(c, "memory") ? (uint64_t)cli_int(c, "memory") : train_memory(t->device),
    };
    rk_status status = rk_train_open(c->ctx, &s, &t->train);
    code = cli_try(c, status);
    if (status == RK_E_NOMEM && !cli_given(c, "memory") && s.memory_limit > 0) cli_note(c, "  that is what is free here; --memory BYTES says otherwise");
    if (code != CLI_OK) return code;
    t->first = rk_train_steps_done(t->train);
    if (t->first > t->options.steps) return cli_usage(c, "--steps %s: %s has made %s already", say_count((uint64_t)t->options.steps).at, t->checkpoint, say_count((uint64_t)t->first).at);
    return CLI_OK;
}

/* --- going --- */

/* What was loaded, if anything was, and where the time went, if that was asked for. */
static void tell_work(struct training *t)
{
    if (t->c->load == NULL && t->c->profiling == NULL) return;
    json_object(&t->json, NULL);
    json_text(&t->json, "event", "work");
    load_json(t->c, &t->json);
    profile_json(t->c, &t->json);
    json_end(&t->json);
}

/* What a run of few steps, or none, comes to: nobody asks for that in vain without being told. */
static void note_steps(const struct training *t)
{
    const rk_train_options *o = rk_train_options_of(t->train);
    if (o->steps == t->first) cli_note(t->c, t->first > 0 ? "all %s steps are done: none is made" : "%s steps: none is made, and the model stays as it begins", say_count((uint64_t)t->first).at);
    if (o->steps == t->first || o->warmup <= o->steps) return;
    cli_note(t->c, "the warm-up of %s steps is longer than the run: the learning rate ends at %g and does not come to --lr %g", say_count((uint64_t)o->warmup).at,
             rk_schedule_rate((rk_schedule)o->schedule, (double)o->steps, o->lr, o->min_lr, (double)o->warmup, (double)o->cycle), o->lr);
}

static int go(struct training *t)
{
    struct cli *c = t->c;
    int code = train_bill(t);
    if (code != CLI_OK) return code;
    note_steps(t);
    progress_begin(&t->line, c, "training", "steps", (uint64_t)(t->options.steps - t->first));
    rk_status status = rk_train_run(t->train, train_each, t);
    progress_end(&t->line);
    if (status == RK_E_CANCELLED && cli_given(c, "output")) cli_note(c, "saved; --resume goes on from there");
    CLI_TRY(c, status);
    if (cli_given(c, "output")) CLI_TRY(c, rk_train_export(t->train, cli_text(c, "output")));
    if (c->json) tell_work(t);
    return train_receipt(t);
}

static int run(struct cli *c)
{
    struct training t = { .c = c, .loss = (double)NAN, .validation = (double)NAN };
    json_begin(&t.json, c->out);
    t.json.one_line = true;
    cli_watch();
    int code = take_options(&t);
    if (code == CLI_OK) code = train_tokenizer(&t);
    if (code == CLI_OK) code = open_model(&t);
    if (code == CLI_OK) code = train_data(&t);
    if (code == CLI_OK) code = open_device(&t);
    if (code == CLI_OK) code = open_train(&t);
    if (code == CLI_OK) code = go(&t);
    rk_train_close(t.train);
    rk_device_close(t.device);
    rk_model_close(t.model);
    train_data_free(&t);
    return code;
}

static const struct example examples[] = {
    { "train corpus.txt --tokenizer tok --model cs336-17m:d_model=32,num_layers=1,num_heads=2,d_ff=64,context_length=16 --steps 3 --batch 2 --output model",
      "a small model of a text", "corpus.txt" },
    { "train corpus.txt --output model --resume --steps 5", "two steps more, with everything else as it was", "model" },
    { "train corpus.bin --config model/step-000003 --no-dropout", "the same options for a file of tokens", "model/step-000003" },
    { "train pairs.tsv --tokenizer tok --model transformer-base:hidden=64,layer=1,source_layer=1,head=2,ff=128 --steps 20",
      "an encoder and decoder, from lines of SOURCE, a tab, TARGET", "pairs.tsv" },
    { 0 }
};

const struct command cmd_train = {
    .name = "train", .arguments = "INPUT...", .purpose = "train a language model on text, or on pairs of texts",
    .notes = "INPUT is a file of tokens (NAME.bin, .u16 or .u32, from `reckon tok encode`), or texts and folders of texts, which --tokenizer encodes.\n"
             "What is learned follows from the model: the next token; with BERT tokens that are hidden, with BERT+pretraining also whether two texts follow "
             "each other; with an encoder and decoder targets of sources: INPUT is then pairs, one a line, SOURCE a tab TARGET or in NAME.jsonl an object with both, "
             "or two files whose lines (of tokens: documents) go together (docs/training.md).\n"
             "A preset takes from the tokenizer how large its vocabulary is and, where it has such, the ids of pad and start; what is typed behind the preset has the last word. " MODEL_NOTES "\n"
             "The output folder becomes a model that generate reads; below it stand checkpoints, step-NNNNNN. A run that was killed at any moment and is "
             "resumed ends with the same bits as one that was not. --json prints events, one per line.",
    .options = options, .examples = examples, .json = true, .run = run,
};
