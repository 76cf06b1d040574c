/* complete.c: the tables as completion for three shells. Each script finds the command from the words typed so far, then
 * offers the values of the option before the cursor, or options, commands, words and paths. */
#include "frame.h"
#include <string.h>

enum offer { OFFER_NOTHING, OFFER_FILES, OFFER_FOLDERS, OFFER_WORDS };

static const enum offer offers[] = {
    [OPT_INT] = OFFER_NOTHING, [OPT_SIZE] = OFFER_NOTHING, [OPT_COUNT] = OFFER_NOTHING, [OPT_REAL] = OFFER_NOTHING,  [OPT_TEXT] = OFFER_NOTHING,
    [OPT_LIST] = OFFER_NOTHING, [OPT_CHOICE] = OFFER_WORDS, [OPT_FILE] = OFFER_FILES,   [OPT_FOLDER] = OFFER_FOLDERS,
    [OPT_PERHAPS] = OFFER_NOTHING,
};

static bool takes_paths(const struct command *k)
{
    static const char *const paths[] = { "FILE", "DIR", "INPUT", "MODEL" };
    for (size_t i = 0; k->arguments != NULL && i < sizeof paths / sizeof *paths; i++)
        if (strstr(k->arguments, paths[i]) != NULL) return true;
    return false;
}

/* Text between single quotes; every one of the three shells has its own way to write one inside. */
static void quoted(FILE *to, const char *text, const char *quote)
{
    (void)fputc('\'', to);
    for (; *text != '\0'; text++) {
        if (*text == '\'') (void)fputs(quote, to);
        else (void)fputc(*text, to);
    }
    (void)fputc('\'', to);
}

static void put_choices(FILE *to, const char *words)
{
    const char *word;
    for (int n, first = 1; words_split(&words, &word, &n); first = 0) (void)fprintf(to, "%s%.*s", first ? "" : " ", n, word);
}

/* "reckon tok train" in front of an option, as patterns of `case`: --name and its letter. */
static void put_patterns(FILE *to, const char *path, const struct option *o)
{
    (void)fprintf(to, "'%s --%s'", path, o->name);
    if (o->letter != 0) (void)fprintf(to, "|'%s -%c'", path, o->letter);
}

/* One `case` row per command below the root: a word that leads to it. */
static int put_step(struct cli *c, const struct command *k, const char *path)
{
    if (k != &command_root) (void)fprintf(c->out, "            '%s') at=\"%s\" ;;\n", path, path);
    return CLI_OK;
}

/* bash */

static void bash_values(FILE *to, const struct option *o, const char *path)
{
    static const char *const how[] = {
        [OFFER_NOTHING] = "return", [OFFER_FILES] = "how=files", [OFFER_FOLDERS] = "how=folders", [OFFER_WORDS] = "offer=",
    };
    for (; o != NULL && o->name != NULL; o++) {
        if (o->type == OPT_FLAG || o->type == OPT_PERHAPS) continue;
        (void)fputs("        ", to);
        put_patterns(to, path, o);
        (void)fprintf(to, ") %s", how[offers[o->type]]);
        if (o->type == OPT_CHOICE) {
            (void)fputc('\'', to);
            put_choices(to, o->words);
            (void)fputc('\'', to);
        }
        (void)fputs(" ;;\n", to);
    }
}

static int bash_options(struct cli *c, const struct command *k, const char *path)
{
    bash_values(c->out, k->options, path);
    bash_values(c->out, options_common, path);
    return CLI_OK;
}

static void bash_names(FILE *to, const struct option *o)
{
    for (; o != NULL && o->name != NULL; o++) (void)fprintf(to, " --%s", o->name);
}

static int bash_words(struct cli *c, const struct command *k, const char *path)
{
    (void)fprintf(c->out, "            '%s') offer='", path);
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) (void)fprintf(c->out, "%s ", k->commands[i]->name);
    const char *word;
    for (int i = 0; k->complete != NULL && (word = k->complete(i)) != NULL; i++) (void)fprintf(c->out, "%s ", word);
    (void)fputs("'; options='", c->out);
    bash_names(c->out, k->options);
    bash_names(c->out, options_common);
    (void)fprintf(c->out, "'%s ;;\n", takes_paths(k) ? "; how=both" : "");
    return CLI_OK;
}

void complete_bash(struct cli *c)
{
    (void)fputs("# Completion of reckon for bash, made by: reckon help --completion bash\n"
                "_reckon()\n{\n"
                "    local IFS=$'\\n' at=reckon current=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                "    local offer= options= how=words i\n"
                "    COMPREPLY=()\n"
                "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "        case \"$at ${COMP_WORDS[i]}\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, put_step);
    (void)fputs("        esac\n    done\n"
                "    if [[ $current == = ]]; then current=\n"
                "    elif [[ $before == = ]]; then before=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi\n"
                "    case \"$at $before\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, bash_options);
    (void)fputs("        *) case \"$at\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, bash_words);
    (void)fputs("        esac ;;\n    esac\n"
                "    [[ $current == -* ]] && offer=\"$options\" how=words\n"
                "    [[ $how == words || $how == both ]] && COMPREPLY=($(IFS=' '; compgen -W \"$offer\" -- \"$current\"))\n"
                "    [[ $how == words ]] || compopt -o filenames 2>/dev/null\n"
                "    [[ $how == files || $how == both ]] && COMPREPLY+=($(compgen -f -- \"$current\"))\n"
                "    [[ $how == folders ]] && COMPREPLY+=($(compgen -d -- \"$current\"))\n"
                "    return 0\n}\n"
                "complete -F _reckon reckon\n", c->out);
}

/* zsh */

static void zsh_values(FILE *to, const struct option *o, const char *path)
{
    for (; o != NULL && o->name != NULL; o++) {
        if (o->type == OPT_FLAG || o->type == OPT_PERHAPS) continue;
        (void)fputs("        (", to);
        put_patterns(to, path, o);
        (void)fputs(") ", to);
        switch (offers[o->type]) {
        case OFFER_FILES:   (void)fputs("_files", to); break;
        case OFFER_FOLDERS: (void)fputs("_files -/", to); break;
        case OFFER_WORDS:   (void)fputs("compadd -- ", to); put_choices(to, o->words); break;
        case OFFER_NOTHING: (void)fputs("_message -r ", to); quoted(to, o->help, "'\\''"); break;
        }
        (void)fputs("; return ;;\n", to);
    }
}

static int zsh_options(struct cli *c, const struct command *k, const char *path)
{
    zsh_values(c->out, k->options, path);
    zsh_values(c->out, options_common, path);
    return CLI_OK;
}

static void zsh_entry(FILE *to, const char *dashes, const char *name, const char *help)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s:%s", dashes, name, help);
    (void)fputs("\n                ", to);
    quoted(to, text, "'\\''");
}

static int zsh_words(struct cli *c, const struct command *k, const char *path)
{
    (void)fprintf(c->out, "        ('%s')\n            options=(", path);
    for (const struct option *o = k->options; o != NULL && o->name != NULL; o++) zsh_entry(c->out, "--", o->name, o->help);
    for (const struct option *o = options_common; o->name != NULL; o++) zsh_entry(c->out, "--", o->name, o->help);
    (void)fputs(")\n            offer=(", c->out);
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) zsh_entry(c->out, "", k->commands[i]->name, k->commands[i]->purpose);
    const char *word;
    for (int i = 0; k->complete != NULL && (word = k->complete(i)) != NULL; i++) zsh_entry(c->out, "", word, path);
    (void)fprintf(c->out, ")%s ;;\n", takes_paths(k) ? "\n            paths=yes" : "");
    return CLI_OK;
}

void complete_zsh(struct cli *c)
{
    (void)fputs("#compdef reckon\n"
                "# Completion of reckon for zsh, made by: reckon help --completion zsh\n"
                "_reckon()\n{\n"
                "    local at=reckon before=\"${words[CURRENT-1]}\" paths= i\n"
                "    local -a options offer\n"
                "    for (( i = 2; i < CURRENT; i++ )); do\n"
                "        case \"$at ${words[i]}\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, put_step);
    (void)fputs("        esac\n    done\n"
                "    if [[ ${words[CURRENT]} == --*=* ]]; then\n"
                "        before=\"${words[CURRENT]%%=*}\"\n"
                "        compset -P '*='\n"
                "    fi\n"
                "    case \"$at $before\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, zsh_options);
    (void)fputs("    esac\n    case \"$at\" in\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, zsh_words);
    (void)fputs("    esac\n"
                "    if [[ ${words[CURRENT]} == -* ]]; then _describe -o option options; return; fi\n"
                "    (( $#offer )) && _describe word offer\n"
                "    [[ -n $paths ]] && _files\n"
                "}\n"
                "if [[ $funcstack[1] == _reckon ]]; then _reckon \"$@\"; else compdef _reckon reckon; fi\n", c->out);
}

/* fish */

static void fish_options(FILE *to, const struct option *o, const char *path)
{
    static const char *const how[] = {
        [OFFER_NOTHING] = " -x", [OFFER_FILES] = " -r -F", [OFFER_FOLDERS] = " -x -a '(__fish_complete_directories)'", [OFFER_WORDS] = " -x",
    };
    for (; o != NULL && o->name != NULL; o++) {
        (void)fprintf(to, "complete -c reckon -n '__reckon_at %s' -l %s", path, o->name);
        if (o->letter != 0) (void)fprintf(to, " -s %c", o->letter);
        if (o->type != OPT_FLAG && o->type != OPT_PERHAPS) (void)fputs(how[offers[o->type]], to);
        if (o->type == OPT_CHOICE) {
            (void)fputs(" -a '", to);
            put_choices(to, o->words);
            (void)fputc('\'', to);
        }
        (void)fputs(" -d ", to);
        quoted(to, o->help, "\\'");
        (void)fputc('\n', to);
    }
}

static int fish_command(struct cli *c, const struct command *k, const char *path)
{
    fish_options(c->out, k->options, path);
    fish_options(c->out, options_common, path);
    for (int i = 0; k->commands != NULL && k->commands[i] != NULL; i++) {
        (void)fprintf(c->out, "complete -c reckon -n '__reckon_at %s' -a %s -d ", path, k->commands[i]->name);
        quoted(c->out, k->commands[i]->purpose, "\\'");
        (void)fputc('\n', c->out);
    }
    const char *word;
    for (int i = 0; k->complete != NULL && (word = k->complete(i)) != NULL; i++)
        (void)fprintf(c->out, "complete -c reckon -n '__reckon_at %s' -a %s\n", path, word);
    if (takes_paths(k)) (void)fprintf(c->out, "complete -c reckon -n '__reckon_at %s' -F\n", path);
    return CLI_OK;
}

static int fish_step(struct cli *c, const struct command *k, const char *path)
{
    if (k != &command_root) (void)fprintf(c->out, " '%s'", path);
    return CLI_OK;
}

void complete_fish(struct cli *c)
{
    (void)fputs("# Completion of reckon for fish, made by: reckon help --completion fish\n"
                "function __reckon_at\n"
                "    set -l at reckon\n"
                "    for word in (commandline -opc)[2..-1]\n"
                "        contains -- \"$at $word\"", c->out);
    (void)command_walk(c, &command_root, command_root.name, fish_step);
    (void)fputs("; and set at \"$at $word\"\n"
                "    end\n"
                "    test \"$at\" = \"$argv\"\n"
                "end\n"
                "complete -c reckon -f\n", c->out);
    (void)command_walk(c, &command_root, command_root.name, fish_command);
}
