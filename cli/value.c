/* value.c: what an option's value is, type by type; which option a name is; and how a command asks for what was given.
 *
 * Given twice, the last value holds, but for OPT_LIST. */
#include "frame.h"
#include <string.h>

bool words_split(const char **words, const char **word, int *n)
{
    if (*words == NULL || **words == '\0') return false;
    *word = *words;
    *n = (int)strcspn(*words, "|");
    *words += *n + ((*words)[*n] == '|');
    return true;
}

int words_find(const char *words, const char *text)
{
    const char *word;
    for (int i = 0, n; words_split(&words, &word, &n); i++)
        if (strlen(text) == (size_t)n && memcmp(word, text, (size_t)n) == 0) return i;
    return -1;
}

static bool read_int(const char *text, struct value *v)    { return number_int(text, &v->integer); }
static bool read_size(const char *text, struct value *v)   { return number_size(text, &v->integer); }
static bool read_count(const char *text, struct value *v)  { return number_count(text, &v->integer); }
static bool read_real(const char *text, struct value *v)   { return number_real(text, &v->real); }
static bool read_choice(const char *text, struct value *v) { return (v->choice = words_find(v->option->words, text)) >= 0; }

static const struct { const char *words, *wants; bool (*read)(const char *text, struct value *v); } types[] = {
    [OPT_FLAG]   = { NULL,   "nothing",                                     NULL },
    [OPT_INT]    = { "N",    "a whole number",                              read_int },
    [OPT_SIZE]   = { "SIZE", "a whole number such as 4096, 4k, 4Ki or 1e6", read_size },
    [OPT_COUNT]  = { "N",    "a whole number such as 300B, 4k or 1e6",      read_count },
    [OPT_REAL]   = { "X",    "a number",                                    read_real },
    [OPT_CHOICE] = { NULL,   "one of ",                                     read_choice },
    [OPT_TEXT]   = { "TEXT", "a text",                                      NULL },
    [OPT_FILE]   = { "FILE", "a file",                                      NULL },
    [OPT_FOLDER] = { "DIR",  "a folder",                                    NULL },
    [OPT_LIST]   = { "TEXT", "a text",                                      NULL },
    [OPT_PERHAPS] = { "FILE", "a file",                                     NULL },
};

bool option_takes_next(const struct option *o) { return o->type != OPT_FLAG && o->type != OPT_PERHAPS; }

const char *option_words(const struct option *o) { return o->words != NULL ? o->words : types[o->type].words; }
bool option_computed(const struct option *o)     { return o->standard != NULL && o->standard[0] == '('; }

/* Reads a text as the option's type says; false when it is none. */
bool value_read(const struct option *o, const char *text, struct value *v)
{
    *v = (struct value){ .option = o, .text = text, .choice = -1 };
    return types[o->type].read == NULL || types[o->type].read(text, v);
}

const char *option_wants(const struct option *o)   { return types[o->type].wants; }
const char *option_choices(const struct option *o) { return o->type == OPT_CHOICE ? o->words : ""; }

const struct option *option_in(const struct option *table, const char *name, size_t length, char letter)
{
    for (; table != NULL && table->name != NULL; table++) {
        if (name != NULL && strlen(table->name) == length && memcmp(table->name, name, length) == 0) return table;
        if (name == NULL && table->letter == letter) return table;
    }
    return NULL;
}

const struct option *option_find(const struct command *k, const char *name, size_t length, char letter)
{
    const struct option *o = option_in(k->options, name, length, letter);
    return o != NULL ? o : option_in(options_common, name, length, letter);
}

/* --- asking --- */

static const struct option *asked(const struct cli *c, const char *name, unsigned fitting)
{
    const struct option *o = option_find(c->command, name, strlen(name), 0);
    if (o == NULL || (fitting >> o->type & 1) == 0) cli_bug("command %s has no option --%s of the type asked for", c->command->name, name);
    return o;
}

/* The last value given, or the default, or an empty one. */
static struct value get(const struct cli *c, const char *name, unsigned fitting)
{
    const struct option *o = asked(c, name, fitting);
    struct value v = { .choice = -1 };
    for (int i = c->n_values - 1; i >= 0; i--)
        if (c->values[i].option == o) return c->values[i];
    if (o->standard != NULL && !option_computed(o)) (void)value_read(o, o->standard, &v);     /* command_check has read it before */
    return v;
}

bool cli_offers(const struct cli *c, const char *name) { return option_find(c->command, name, strlen(name), 0) != NULL; }

bool cli_given(const struct cli *c, const char *name)
{
    const struct option *o = asked(c, name, ~0u);
    for (int i = 0; i < c->n_values; i++)
        if (c->values[i].option == o) return true;
    return false;
}

bool        cli_flag(const struct cli *c, const char *name)   { return get(c, name, 1u << OPT_FLAG).option != NULL; }
int64_t     cli_int(const struct cli *c, const char *name)    { return get(c, name, 1u << OPT_INT | 1u << OPT_SIZE | 1u << OPT_COUNT).integer; }
double      cli_real(const struct cli *c, const char *name)   { return get(c, name, 1u << OPT_REAL).real; }
int         cli_choice(const struct cli *c, const char *name) { return get(c, name, 1u << OPT_CHOICE).choice; }
const char *cli_text(const struct cli *c, const char *name)
{
    return get(c, name, 1u << OPT_TEXT | 1u << OPT_FILE | 1u << OPT_FOLDER | 1u << OPT_CHOICE | 1u << OPT_PERHAPS).text;
}

const char *cli_list(const struct cli *c, const char *name, int i)
{
    const struct option *o = asked(c, name, 1u << OPT_LIST);
    for (int k = 0; k < c->n_values; k++)
        if (c->values[k].option == o && i-- == 0) return c->values[k].text;
    return NULL;
}
