/* driver.c: runs a fuzz target. On libFuzzer it only passes the bytes on. Otherwise it is a small fuzzer of its own:
 *
 *   fuzz_NAME SECONDS SEEDS     replays every seed, then mutates them for so long; always the same sequence
 *   fuzz_NAME FILE              replays one input
 *
 * An input that crashes, or takes longer than ten seconds, is written to crash-NAME in the current folder. Not here:
 * coverage feedback and minimising, for which there is libFuzzer. */
#include "fuzz.h"

#ifdef RECKON_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return fuzz_one(data, size); }

#else

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SEEDS = 4096, MOST_BYTES = 1 << 16, SECONDS_PER_INPUT = 10 };

struct input { uint8_t *bytes; size_t size; };

static struct input   seeds[MOST_SEEDS];
static size_t         n_seeds;
static uint64_t       state = 0x9e3779b97f4a7c15u;
static char           crash[256];
static const uint8_t *current;
static size_t         current_size;

static uint64_t draw(uint64_t below)                    /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (state * 0x2545f4914f6cdd1du >> 16) % below;
}

/* Called while the process is dying: only what a signal handler may do. */
static void keep(void)
{
    static const char words[] = "the input that did it is kept as ";
    int file = open(crash, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || write(file, current, current_size) != (ssize_t)current_size) return;
    (void)!write(2, words, sizeof words - 1);
    (void)!write(2, crash, strlen(crash));
    (void)!write(2, "\n", 1);
}

static void on_signal(int number)
{
    keep();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* The sanitizers end a process in their own way, and call this before. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void watch(const char *program)
{
    static const int numbers[] = { SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    const char *name = strrchr(program, '/');
    size_t n = sizeof numbers / sizeof *numbers;
    (void)snprintf(crash, sizeof crash, "crash-%s", name != NULL ? name + 1 : program);
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(keep);
        n = 1;                                          /* the other signals have their reports there */
    }
    for (size_t i = 0; i < n; i++) (void)signal(numbers[i], on_signal);
}

/* Every input lies in a block of exactly its size, so that reading one byte past it is seen. */
static void try_input(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) abort();
    memcpy(copy, bytes, size);
    current = copy;
    current_size = size;
    (void)alarm(SECONDS_PER_INPUT);
    (void)fuzz_one(copy, size);
    (void)alarm(0);
    current_size = 0;
    free(copy);
}

static int read_seed(const char *path)
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL || n_seeds == MOST_SEEDS) {
        fprintf(stderr, "cannot read %s\n", path);
        if (file != NULL) (void)fclose(file);
        return -1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    uint8_t *kept = malloc(size > 0 ? size : 1);
    if (kept == NULL) abort();
    memcpy(kept, bytes, size);
    seeds[n_seeds++] = (struct input){ kept, size };
    return 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* In the order of their names, since the sequence of mutations depends on it. */
static int read_seeds(const char *folder)
{
    static char *names[MOST_SEEDS];
    size_t n = 0;
    DIR *d = opendir(folder);
    if (d == NULL) return read_seed(folder);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.' && n < MOST_SEEDS) names[n++] = strdup(e->d_name);
    (void)closedir(d);
    qsort(names, n, sizeof *names, by_name);
    int status = 0;
    for (size_t i = 0; i < n; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (status == 0) status = read_seed(path);
        free(names[i]);
    }
    return status;
}

/* One change to bytes[0..size), which has room for MOST_BYTES. Each returns the new size. */
static size_t flip(uint8_t *bytes, size_t size)
{
    bytes[draw(size)] ^= (uint8_t)(1u << draw(8));
    return size;
}

static size_t overwrite(uint8_t *bytes, size_t size)
{
    static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '\\', '{', '}', '[', ']', ',', ':', '-', '9', 'e', '.', ' ', '\n' };
    bytes[draw(size)] = draw(2) ? telling[draw(sizeof telling)] : (uint8_t)draw(256);
    return size;
}

static size_t cut(uint8_t *bytes, size_t size)
{
    (void)bytes;
    return (size_t)draw(size + 1);
}

static size_t erase(uint8_t *bytes, size_t size)
{
    size_t at = (size_t)draw(size), n = 1 + (size_t)draw(size - at < 64 ? size - at : 64);
    memmove(bytes + at, bytes + at + n, size - at - n);
    return size - n;
}

static size_t insert(uint8_t *bytes, size_t size, const uint8_t *from, size_t n)
{
    size_t at = (size_t)draw(size + 1), room = MOST_BYTES - size;
    if (n > room) n = room;
    memmove(bytes + at + n, bytes + at, size - at);
    memcpy(bytes + at, from, n);
    return size + n;
}

static size_t repeat(uint8_t *bytes, size_t size)
{
    uint8_t piece[256];
    size_t at = (size_t)draw(size), n = 1 + (size_t)draw(size - at < sizeof piece ? size - at : sizeof piece);
    memcpy(piece, bytes + at, n);
    for (uint64_t times = 1 + draw(draw(16) == 0 ? 200 : 3); times > 0; times--) size = insert(bytes, size, piece, n);
    return size;
}

static size_t join(uint8_t *bytes, size_t size)
{
    const struct input *other = &seeds[draw(n_seeds)];
    if (other->size == 0) return size;
    size_t at = (size_t)draw(other->size);
    return insert(bytes, size, other->bytes + at, 1 + (size_t)draw(other->size - at));
}

static void mutate_once(void)
{
    static size_t (*const changes[])(uint8_t *, size_t) = { flip, flip, overwrite, overwrite, overwrite, cut, erase, repeat, join };
    static uint8_t bytes[MOST_BYTES];
    const struct input *seed = &seeds[draw(n_seeds)];
    size_t size = seed->size;
    memcpy(bytes, seed->bytes, size);
    for (uint64_t n = 1 + draw(6); n > 0 && size > 0; n--) size = changes[draw(sizeof changes / sizeof *changes)](bytes, size);
    try_input(bytes, size);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    bool mutates = argc == 3;
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s SECONDS SEEDS | %s FILE\n", argv[0], argv[0]);
        return 2;
    }
    if (read_seeds(argv[argc - 1]) != 0) return 1;
    if (n_seeds == 0) {
        fprintf(stderr, "no seeds in %s\n", argv[argc - 1]);
        return 1;
    }
    watch(argv[0]);
    for (size_t i = 0; i < n_seeds; i++) try_input(seeds[i].bytes, seeds[i].size);
    size_t runs = 0;
    for (double end = now() + (mutates ? strtod(argv[1], NULL) : 0); mutates && now() < end; runs++) mutate_once();
    printf("%zu seeds, %zu mutations\n", n_seeds, runs);
    for (size_t i = 0; i < n_seeds; i++) free(seeds[i].bytes);
    return 0;
}
#endif
