/* Families and fields as lists; and a model opened with more overrides, where what was only a default follows. */
#include "reckon/model.h"
#include "test.h"

static double number(rk_ctx *ctx, const char *spec, const char *more, const char *field)
{
    rk_model *m;
    double value;
    OK(ctx, rk_model_open_with(ctx, spec, more, &m));
    OK(ctx, rk_model_number(m, field, &value));
    rk_model_close(m);
    return value;
}

TEST(defaults_follow_and_decisions_stay)
{
    rk_ctx *ctx = test_ctx();
    EXPECT_INT(number(ctx, "gpt2", "hidden=96", "ff"), 384);
    EXPECT_INT(number(ctx, "cs336-small", "hidden=96", "ff"), 384);              /* the preset says 3072, which is 4 * 768 */
    EXPECT_INT(number(ctx, "cs336-small", "d_model=96", "ff"), 384);
    EXPECT_INT(number(ctx, "cs336-small", "layer=2", "ff"), 3072);
    EXPECT_INT(number(ctx, "cs336-17m", "hidden=96", "ff"), 1344);               /* 1344 was decided */
    EXPECT_INT(number(ctx, "cs336-small:d_ff=3072", "hidden=96", "ff"), 3072);   /* typed */
    EXPECT_INT(number(ctx, "cs336-small:d_model=96", NULL, "ff"), 3072);         /* no more overrides: as the preset says */
    EXPECT_INT(number(ctx, "gpt2:n_layer=3", "layer=2,hidden=96", "layer"), 2);
    EXPECT_INT(number(ctx, "gpt2:n_layer=3", "", "layer"), 3);
}

TEST(names_hold_everything_that_was_said)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m;
    OK(ctx, rk_model_open_with(ctx, "gpt2:n_layer=3", "hidden=96", &m));
    EXPECT_TEXT(rk_model_name(m), "gpt2:n_layer=3,hidden=96");
    rk_model_close(m);
    OK(ctx, rk_model_open_with(ctx, "gpt2", "hidden=96", &m));
    EXPECT_TEXT(rk_model_name(m), "gpt2:hidden=96");
    rk_model_close(m);
    FAILS(ctx, rk_model_open_with(ctx, "gpt2", "hidden=100", &m), RK_E_ARG, "gpt2:hidden=100: n_embd 100 is no multiple");
    FAILS(ctx, rk_model_open_with(ctx, "gpt2", "width=100", &m), RK_E_UNKNOWN, "no field \"width\"");
    EXPECT(m == NULL);
}

TEST(every_family_and_field_is_listed)
{
    rk_family family;
    rk_field field;
    int presets = 0, families = 0, listed = 0;
    for (; rk_family_at(families, &family); families++) {
        int n = 0;
        presets += family.presets;
        for (; rk_family_field(family.name, n, &field); n++) EXPECT(field.name[0] != '\0' && field.spellings[0] != '\0' && field.word == (field.choices != NULL));
        EXPECT(n > 5);
    }
    while (rk_model_preset(listed) != NULL) listed++;
    EXPECT(families >= 2);
    EXPECT_INT(presets, listed);
    EXPECT(!rk_family_field("nosuch", 0, &field) && !rk_family_field("gpt2", -1, &field) && !rk_family_at(-1, &family));
}

static rk_status body(rk_ctx *ctx)
{
    rk_model *m = NULL;
    rk_status status = rk_model_open_with(ctx, "cs336-small:layer=2", "hidden=96,head=2", &m);
    rk_model_close(m);
    return status;
}

TEST(no_memory_is_reported_and_nothing_is_lost) { FOR_EVERY_FAILED_ALLOCATION(body); }
