/* tok_counting.c: see tok_counting.h. */
#include "tok_counting.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double counting_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool counting_progress(void *user, const rk_tok_progress *p)
{
    struct counting *k = user;
    bool counting = strcmp(p->stage, "count") == 0;
    if (k->stage != p->stage) {
        if (k->stage != NULL) progress_end(&k->line);
        k->stage = p->stage;
        progress_begin(&k->line, k->c, counting ? "counting words" : "merging", counting ? "bytes" : "tokens", p->total);
        k->line.began -= p->seconds;                        /* the first report comes some time after the beginning */
    }
    progress_step(&k->line, p->done, "%s%s", counting ? say_count(p->words).at : "", counting ? " words" : "");
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

int counting_begin(struct cli *c, struct counting *k)
{
    k->c = c;
    if (!cli_given(c, "output")) return cli_usage(c, "--output is missing: where shall it go?");
    if (cli_given(c, "counts") ? cli_given(c, "separator") : c->n_args == 0)
        return cli_usage(c, cli_given(c, "counts") ? "--separator: there are no documents in counts" : "INPUT is missing");
    k->folder = cli_given(c, "temporary") ? strcpy(cli_take(strlen(cli_text(c, "temporary")) + 1), cli_text(c, "temporary")) : folder_of(cli_text(c, "output"));
    k->how = (rk_counting){ .pattern = cli_text(c, "pattern"), .units = (rk_units)cli_choice(c, "units"), .model = (rk_pieces)cli_choice(c, "model"), .progress = counting_progress, .user = k,
                            .memory = counting_memory(c), .temporary = k->folder };
    k->how.specials = specials(c, &k->how.n_specials);
    cli_watch();
    return cli_try(c, rk_counts_open(c->ctx, &k->how, &k->counts));
}

int counting_add(struct counting *k)
{
    struct cli *c = k->c;
    if (cli_given(c, "counts")) {
        CLI_TRY(c, rk_counts_read(c->ctx, k->counts, cli_text(c, "counts")));
        for (int i = 0; i < c->n_args; i++) CLI_TRY(c, rk_counts_read(c->ctx, k->counts, c->args[i]));
        return CLI_OK;
    }
    int code = input_add_all(c, &k->in, cli_text(c, "separator"));
    if (code != CLI_OK) return code;
    k->most = rk_tok_train_peak(&(rk_tok_training){ .vocab_size = k->vocab_size, .memory = k->how.memory }, k->in.bytes, rk_ctx_threads(c->ctx));
    cli_note(c, "this takes at most %s of memory", say_bytes(k->most).at);
    rk_status status = rk_counts_add(c->ctx, k->counts, k->in.text, k->in.n);
    if (k->stage != NULL) progress_end(&k->line);
    k->stage = NULL;
    return cli_try(c, status);
}

void counting_end(struct counting *k)
{
    rk_counts_close(k->c->ctx, k->counts);
    input_free(&k->in);
    free((void *)k->how.specials);
    free(k->folder);
}
