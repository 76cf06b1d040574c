/* cli.c: the life of the command: what is set up before it runs, how calls end, what is checked when it is done. */
#include "frame.h"
#include "load.h"
#include "out.h"
#include "profile.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MOST_THREADS = 1024, TEXT = 2048 };

/* How each way of failing ends the command. A status without one does not compile. */
enum {
    EXIT_OF_OK = CLI_OK,
    EXIT_OF_E_ARG = CLI_USAGE,     EXIT_OF_E_UNKNOWN = CLI_USAGE,
    EXIT_OF_E_SHAPE = CLI_DATA,    EXIT_OF_E_DTYPE = CLI_DATA,    EXIT_OF_E_FORMAT = CLI_DATA,
    EXIT_OF_E_MISSING = CLI_DATA,  EXIT_OF_E_LIMIT = CLI_DATA,    EXIT_OF_E_DECLINED = CLI_DATA,
    EXIT_OF_E_IO = CLI_SYSTEM,     EXIT_OF_E_NOMEM = CLI_SYSTEM,  EXIT_OF_E_DEVICE = CLI_SYSTEM,
    EXIT_OF_E_DIFFERS = CLI_NO,    EXIT_OF_E_CANCELLED = CLI_INTERRUPTED, EXIT_OF_E_BUG = CLI_BUG,
};
static const int exit_of[RK_STATUS_COUNT] = {
#define ROW(name, words) [RK_##name] = EXIT_OF_##name,
#include "reckon/status.def"
#undef ROW
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    interrupted = 1;
}

void cli_watch(void)
{
    struct sigaction once = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };       /* the second one ends the program */
    (void)sigemptyset(&once.sa_mask);
    (void)sigaction(SIGINT, &once, NULL);
    (void)sigaction(SIGTERM, &once, NULL);
}

bool cli_cancelled(const struct cli *c) { return interrupted != 0 || ferror(c->out); }

/* Messages. */

static void say_error(struct cli *c, const char *message, const char *hint)
{
    progress_hide(c);
    (void)fprintf(c->err, "%s%s:%s ", c->colour_err ? "\033[1;31m" : "", c->path, c->colour_err ? "\033[0m" : "");
    text_put(c->err, message, (int)strlen(message));
    (void)fputc('\n', c->err);
    if (hint == NULL || hint[0] == '\0') return;
    (void)fputs("  ", c->err);
    text_put(c->err, hint, (int)strlen(hint));
    (void)fputc('\n', c->err);
}

int cli_fail(struct cli *c, int code, const char *hint, const char *format, ...)
{
    char message[TEXT];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    say_error(c, message, hint);
    return code;
}

int cli_usage(struct cli *c, const char *format, ...)
{
    char message[TEXT], hint[128];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    (void)snprintf(hint, sizeof hint, "%s --help tells what there is", c->path);
    say_error(c, message, hint);
    return CLI_USAGE;
}

int cli_try(struct cli *c, rk_status status)
{
    if (status == RK_OK) return CLI_OK;
    if (status == RK_E_CANCELLED && ferror(c->out)) return CLI_SYSTEM;             /* cli_end tells */
    const char *message = rk_error_message(c->ctx), *trail = rk_error_trail(c->ctx);
    if (status == RK_E_CANCELLED && interrupted != 0) message = "interrupted";
    else if (message[0] == '\0') message = rk_status_words(status);
    say_error(c, message, rk_error_hint(c->ctx));
    if (!c->verbose) return exit_of[status];
    (void)fprintf(c->err, "  %s, met at\n", rk_status_name(status));
    while (*trail != '\0') {
        int n = (int)strcspn(trail, "\n");
        (void)fprintf(c->err, "    %.*s\n", n, trail);
        trail += n + (trail[n] == '\n');
    }
    return exit_of[status];
}

int cli_stopped(struct cli *c) { return ferror(c->out) ? CLI_SYSTEM : cli_fail(c, CLI_INTERRUPTED, NULL, "interrupted"); }    /* cli_end tells of the former */

void cli_bug(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)fputs("reckon: internal error: ", stderr);
    (void)vfprintf(stderr, format, list);
    (void)fputc('\n', stderr);
    va_end(list);
    exit(CLI_BUG);
}

void cli_note(struct cli *c, const char *format, ...)
{
    if (c->quiet) return;
    char line[TEXT];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    progress_hide(c);
    text_put(c->err, line, (int)strlen(line));
    (void)fputc('\n', c->err);
}

static void on_log(void *user, rk_level level, const char *line)
{
    struct cli *c = user;
    if (level == RK_DEBUG && !c->verbose) return;
    if (level == RK_WARNING) say_error(c, line, NULL);
    else cli_note(c, "%s", line);
}

/* The beginning and the end. */

/* A missing standard stream must not become the number of the first file opened; and what is written to it must fail. */
static void hold_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) _exit(CLI_SYSTEM);
}

static int screen_width(FILE *out)
{
    struct winsize size;
    const char *columns = env_get(ENV_COLUMNS);
    int64_t width = 100;
    if (columns != NULL && number_int(columns, &width) && width > 0) return width < 40 ? 40 : width > 500 ? 500 : (int)width;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col < 40 ? 40 : size.ws_col;
    return 100;
}

static int open_context(struct cli *c)
{
    bool typed = cli_given(c, "threads");
    const char *where = typed ? "--threads" : "RECKON_THREADS", *named = env_get(ENV_THREADS);
    int64_t threads = typed ? cli_int(c, "threads") : 0;
    if (!typed && named != NULL && !number_int(named, &threads)) return cli_usage(c, "%s: a whole number expected, not \"%s\"", where, named);
    if ((typed || named != NULL) && (threads < 1 || threads > MOST_THREADS))
        return cli_usage(c, "%s: %lld is not between 1 and %d", where, (long long)threads, MOST_THREADS);
    rk_options options = { .log = on_log, .log_user = c, .loaded = load_told, .loaded_user = c, .threads = (int)threads };
    return cli_try(c, rk_ctx_open(&options, &c->ctx));
}

int cli_begin(struct cli *c, int argc, char **argv)
{
    const char *terminal = env_get(ENV_TERM);
    bool plain = terminal == NULL || strcmp(terminal, "dumb") == 0;
    *c = (struct cli){ .command = &command_root, .path = "reckon", .out = stdout, .err = stderr };
    hold_streams();
    (void)signal(SIGPIPE, SIG_IGN);                         /* a reader that went away is an error like any other: cli_end */
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setvbuf(c->err, NULL, _IOLBF, 0);             /* a line goes out at once, whole among those of others */
    c->width = screen_width(c->out);
    c->live = !plain && isatty(STDERR_FILENO) == 1;
    c->colour_err = c->live && env_get(ENV_NO_COLOR) == NULL;
    c->colour_out = !plain && isatty(STDOUT_FILENO) == 1 && env_get(ENV_NO_COLOR) == NULL;
    int code = opt_read(c, argc, argv);
    if (code != CLI_OK) return code;
    c->json    = cli_flag(c, "json");
    c->quiet   = cli_flag(c, "quiet");
    c->verbose = cli_flag(c, "verbose");
    if (cli_flag(c, "help")) {
        help_command(c, c->out, c->command, c->path);
        return CLI_OK;
    }
    if (c->command == &command_root && cli_flag(c, "version")) {
        (void)fprintf(c->out, "reckon %s\n", RK_VERSION);
        return CLI_OK;
    }
    if (c->command->commands != NULL) return cli_usage(c, "which command?");
    code = opt_check(c);
    if (code == CLI_OK) code = open_context(c);
    return code == CLI_OK ? CLI_RUN : code;
}

/* What a `whole` command prints waits in memory: half a bill above an error is no answer. */
int cli_run(struct cli *c)
{
    FILE *out = c->out;
    char *text = NULL;
    size_t n = 0;
    if (!c->command->whole) return c->command->run(c);
    if ((c->out = open_memstream(&text, &n)) == NULL) {
        c->out = out;
        return cli_fail(c, CLI_SYSTEM, NULL, "no memory for what is to be printed");
    }
    int code = c->command->run(c);
    bool lost = ferror(c->out) != 0;
    lost = fclose(c->out) != 0 || lost;
    c->out = out;
    if (lost) code = cli_fail(c, CLI_SYSTEM, NULL, "no memory for what is to be printed");
    if (code == CLI_OK || code == CLI_NO) (void)fwrite(text, 1, n, out);
    free(text);
    return code;
}

/* A pipe that nobody reads any more. The write that found out may have been long ago, and errno with it. */
static bool reader_is_gone(FILE *out)
{
    struct pollfd p = { .fd = fileno(out) };
    return poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

/* A write that failed long ago, with nothing left to write since: why it failed is known from one more. */
static void ask_again(FILE *out)
{
    clearerr(out);
    (void)fputc('\n', out);
    (void)fflush(out);
}

/* What was printed must have arrived: a full disk or a reader that went away turns success into failure. */
static int close_output(struct cli *c, int code)
{
    bool failed = ferror(c->out), gone = failed && reader_is_gone(c->out);
    errno = 0;
    failed = fflush(c->out) != 0 || failed;
    if (failed && errno == 0 && !gone) ask_again(c->out);
    if (!failed && fclose(c->out) != 0) failed = true;
    if (!failed) return code;
    if ((errno == EPIPE || gone) && !c->verbose) return CLI_SYSTEM;                          /* "reckon ... | head": nobody wants to hear of it */
    return cli_fail(c, CLI_SYSTEM, NULL, "cannot write to standard output: %s", errno != 0 ? strerror(errno) : "it was closed");
}

int cli_end(struct cli *c, int code)
{
    code = profile_end(c, code);
    load_free(c);
    rk_ctx_close(c->ctx);
    c->ctx = NULL;
    code = close_output(c, code);
    opt_free(c);
    return code;
}
