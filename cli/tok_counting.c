/* tok_counting.c: see tok_counting.h. */
#include "tok_counting.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* SLACK: stacks of threads, libraries, what an allocator keeps. GIVEN_BACK: bytes from which on it keeps nothing. */
enum { SLACK = 4 << 20, GIVEN_BACK = 1 << 18, BLOCK_LEAST = 1 << 18, BLOCK_MOST = 32 << 20 };

bool counting_progress(void *user, const rk_tok_progress *p)
{
    struct counting *k = user;
    bool counting = strcmp(p->stage, "count") == 0;
    if (k->stage != p->stage) {
        if (k->stage != NULL) progress_end(&k->line);
        k->stage = p->stage;
        progress_begin(&k->line, k->c, counting ? "counting words" : "merging", counting ? "bytes" : "tokens", counting ? rk_corpus_told(k->in.corpus).size : p->total);
        k->line.began -= p->seconds;                        /* the first report comes some time after the beginning */
    }
    progress_step(&k->line, counting ? rk_corpus_told(k->in.corpus).read : p->done, "%s%s", counting ? say_count(p->words).at : "", counting ? " words" : "");
    return !cli_cancelled(k->c);
}

/* The special tokens that were given, or the usual ones. An empty one stands for none. */
static const char *const *specials(const struct cli *c, size_t *n)
{
    static const char *const usual[] = { "<|endoftext|>" }, *const berts[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
    bool bert = cli_choice(c, "model") == RK_PIECES_WORDPIECE;
    int given = 0;
    while (cli_list(c, "special", given) != NULL) given++;
    const char **list = cli_take(((size_t)given + sizeof berts / sizeof *berts) * sizeof *list);
    *n = 0;
    for (size_t i = 0; given == 0 && i < (bert ? sizeof berts / sizeof *berts : 1); i++) list[(*n)++] = bert ? berts[i] : usual[i];
    for (int i = 0; i < given; i++)
        if (cli_list(c, "special", i)[0] != '\0') list[(*n)++] = cli_list(c, "special", i);
    return list;
}

/* The folder that a path lies in. */
static char *folder_of(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n > 0 && path[n - 1] != '/') n--;
    char *folder = cli_take(n + 2);
    if (n == 0) folder[0] = '.';
    else memcpy(folder, path, n);
    return folder;
}

uint64_t counting_memory(const struct cli *c)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    if (cli_given(c, "memory")) return (uint64_t)cli_int(c, "memory");
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes / 2 : 0;
}

/* Under a limit, what is freed goes back to the system at once: else the C library keeps some for later, the more the larger it was. */
static void give_back(const struct cli *c)
{
#if defined(__GLIBC__)
    if (cli_given(c, "memory")) (void)mallopt(M_MMAP_THRESHOLD, GIVEN_BACK);
#else
    (void)c;
#endif
}

int counting_begin(struct cli *c, struct counting *k)
{
    k->c = c;
    give_back(c);
    if (!cli_given(c, "output")) return cli_usage(c, "--output is missing: where shall it go?");
    if (cli_given(c, "counts") ? cli_given(c, "separator") : c->n_args == 0)
        return cli_usage(c, cli_given(c, "counts") ? "--separator: there are no documents in counts" : "INPUT is missing");
    k->folder = cli_given(c, "temporary") ? cli_copy(cli_text(c, "temporary")) : folder_of(cli_text(c, "output"));
    k->how = (rk_counting){ .pattern = cli_text(c, "pattern"), .units = (rk_units)cli_choice(c, "units"), .model = (rk_pieces)cli_choice(c, "model"), .progress = counting_progress, .user = k,
                            .memory = counting_memory(c), .temporary = k->folder };
    k->how.specials = specials(c, &k->how.n_specials);
    return cli_try(c, rk_counts_open(c->ctx, &k->how, &k->counts));
}

/* What the program takes by itself: what it holds by now, its code as a whole, and some slack. 0: the system does not say. */
static uint64_t program_memory(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long resident = 0, code = 0;
    long page = sysconf(_SC_PAGESIZE);
    bool known = f != NULL && page > 0 && fscanf(f, "%*s %llu %*s %llu", &resident, &code) == 2;
    if (f != NULL) (void)fclose(f);
    return known ? (uint64_t)(resident + code) * (uint64_t)page + SLACK : 0;
}

static void tell_memory(struct counting *k)
{
    k->program = program_memory();
    if (k->program == 0) cli_note(k->c, "this takes at most %s of memory, beside the program itself", say_bytes(k->most).at);
    else cli_note(k->c, "this takes at most %s of memory, and %s for the program itself", say_bytes(k->most).at, say_bytes(k->program).at);
}

static void keep_sample(struct counting *k)
{
    k->sample = cli_take(COUNTING_SAMPLE);
    for (size_t i = 0; i < k->in.n && k->n_sample < COUNTING_SAMPLE; i++) {
        size_t left = COUNTING_SAMPLE - k->n_sample, n = k->in.text[i].n < left ? k->in.text[i].n : left;
        if (n > 0) memcpy(k->sample + k->n_sample, k->in.text[i].at, n);
        k->n_sample += n;
    }
}

/* Text comes in blocks: what is not mapped goes through a window, which is told of beside what counting takes. */
static int add_texts(struct counting *k)
{
    struct cli *c = k->c;
    rk_corpus_cut cut = { rk_counts_cut, k->counts };
    uint64_t memory = k->how.memory > 0 ? k->how.memory : UINT64_MAX, block = memory / 32 < BLOCK_LEAST ? BLOCK_LEAST : memory / 32 < BLOCK_MOST ? memory / 32 : BLOCK_MOST;
    int code = input_open(c, &k->in, &(rk_corpus_rules){ .separator = cli_text(c, "separator"), .field = cli_text(c, "field"), .block = (size_t)block }, NULL);
    if (code != CLI_OK) return code;
    rk_corpus_state told = rk_corpus_told(k->in.corpus);
    bool mapped = told.size > 0 && told.packed == 0;
    k->most = rk_tok_train_peak(&(rk_tok_training){ .vocab_size = k->vocab_size, .memory = k->how.memory }, mapped ? told.size : UINT64_MAX, rk_ctx_threads(c->ctx)) + 4 * block + COUNTING_SAMPLE;
    while (code == CLI_OK && (code = input_next(&k->in, &cut)) == CLI_OK && k->in.n > 0) {
        if (k->sample == NULL) tell_memory(k);                      /* there is something to do */
        if (k->sample == NULL) keep_sample(k);
        code = cli_try(c, rk_counts_add(c->ctx, k->counts, k->in.text, k->in.n));
    }
    if (k->stage != NULL) progress_end(&k->line);
    k->stage = NULL;
    if (code == CLI_OK) input_note(&k->in);
    return code;
}

/* A word takes more room in a counts file than in a text, so what bounds a text of this size bounds these. */
static void tell_counts(struct counting *k)
{
    struct stat s;
    uint64_t bytes = stat(cli_text(k->c, "counts"), &s) == 0 ? (uint64_t)s.st_size : 0;
    for (int i = 0; i < k->c->n_args; i++) bytes += stat(k->c->args[i], &s) == 0 ? (uint64_t)s.st_size : 0;
    k->most = rk_tok_train_peak(&(rk_tok_training){ .vocab_size = k->vocab_size, .memory = k->how.memory }, bytes, rk_ctx_threads(k->c->ctx));
    tell_memory(k);
}

int counting_add(struct counting *k)
{
    struct cli *c = k->c;
    cli_watch();
    if (!cli_given(c, "counts")) return add_texts(k);
    tell_counts(k);
    CLI_TRY(c, rk_counts_read(c->ctx, k->counts, cli_text(c, "counts")));
    for (int i = 0; i < c->n_args; i++) CLI_TRY(c, rk_counts_read(c->ctx, k->counts, c->args[i]));
    return CLI_OK;
}

void counting_end(struct counting *k)
{
    rk_counts_close(k->c->ctx, k->counts);
    input_free(&k->in);
    free((void *)k->how.specials);
    free(k->folder);
    free(k->sample);
}
