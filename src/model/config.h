/* config.h: hyper-parameters from config.json, from presets and from the command line, held against a family's fields. */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H
#include "io/json.h"
#include "model/arch.h"

/* The next word of a list apart by blanks and bars: "n_embd | hidden_size". */
struct word { const char *at; size_t n; };
bool word_next(const char **rest, struct word *w);
bool word_is(struct word w, const char *text, size_t n);
bool word_among(const char *list, const char *text, size_t n);             /* a trailing * in the list stands for any ending */

/* How many letters and digits two names begin with in common, for those who guess what was meant (spec_like.c). */
int  names_alike(struct word a, struct word b);

/* A key of this family: a field, or an object with fields inside. */
bool config_spells(const struct arch *a, const char *key, size_t n);
/* Which field files spell so, or, with `ours`, is called so here; -1: none. */
int config_spelled(const struct arch *a, const char *key, size_t n, bool ours);
/* The key repeats a field's value (arch->echoes): which. */
bool config_echoed(const struct arch *a, struct word key, int *index);
/* Our word of a choice as the file spells it, and where the list has that; NULL: not among them. */
const char *config_choice(const struct field *f, const char *text, size_t n, struct word *ours);
/* The family that a model_type names, or that the keys of `root` can only belong to. E_UNKNOWN, with what is known. */
rk_status config_family(rk_ctx *ctx, const struct json *root, const struct arch **arch) RK_CHECK;
/* What stands in config.json: every key is a field's, harmless, or refused. Messages name the text (root->key) and the key. */
rk_status config_read(rk_ctx *ctx, const struct json *root, struct config *c) RK_CHECK;
/* Which head the model ends in: by the word behind a +; or as the file's architectures has it, the family's first where it names
 * none (named: whether it does). E_UNKNOWN, with those there are. */
rk_status config_set_head(rk_ctx *ctx, struct config *c, const char *where, const char *name, size_t n) RK_CHECK;
rk_status config_find_head(rk_ctx *ctx, struct config *c, const struct json *root, bool *named) RK_CHECK;
/* "key=value" separated by blanks and commas; keys as files spell them or by our names; null: the default. `where` is
 * what messages call it. */
rk_status config_set(rk_ctx *ctx, struct config *c, const char *where, const char *texts) RK_CHECK;
/* Defaults for what was not given, then the family's own check. */
rk_status config_finish(rk_ctx *ctx, struct config *c, const char *where) RK_CHECK;
/* Field i as it is where nobody gives it. */
rk_status config_standard(rk_ctx *ctx, struct config *c, int i, const char *where) RK_CHECK;
/* Fields that are given, but by nobody who typed them, and are what their default makes of other fields, are given no more: they
 * follow what is set next. */
rk_status config_follow(rk_ctx *ctx, struct config *c, const struct config *typed, const char *where) RK_CHECK;

const struct field *config_field(const struct config *c, const char *name, int *index);        /* by our name; NULL: none */
/* "4*hidden", "(hidden/head*pct/1+1)/2": a sum of products of numbers and fields, those that stand before row `before`;
 * a quotient is rounded down. */
rk_status config_formula(rk_ctx *ctx, const struct config *c, int before, const char *text, size_t n, double *value) RK_CHECK;
/* "bias !tied act=relu edition<2025 +lm": whether all of it is so; flags, numbers (0 is no), words of a choice, the head. NULL, "": yes. */
rk_status config_holds(rk_ctx *ctx, const struct config *c, const char *conditions, bool *holds) RK_CHECK;
/* config.json in the family's own spelling, every field written out; dtype NULL: none is named. */
rk_status config_write(rk_ctx *ctx, const struct config *c, const char *dtype, struct str *out) RK_CHECK;

#endif
