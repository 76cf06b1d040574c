/* A model as PyTorch tells it: the rules of printing, formulas and conditions of tables, and what lists of tensors promise. */
#include "io/json.h"
#include "model/bind.h"
#include "model/torch.h"
#include "test.h"

static const struct field fields[] = {
    { "hidden", "hidden", FIELD_INT,  NULL, 1, 100, NULL, false },   { "layer", "layer", FIELD_INT, NULL, 0, 100, NULL, false },
    { "eps",    "eps",    FIELD_REAL, NULL, 0, 1,   NULL, false },   { "bias",  "bias",  FIELD_FLAG, NULL, 0, 1,  NULL, false },
    { "act",    "act",    FIELD_CHOICE, NULL, 0, 0, "gelu_new=gelu_tanh relu odd", false },
    { "rate",   "rate",   FIELD_REAL, NULL, 0, 1,   NULL, false },
    { .name = NULL }
};

/* A config of a family that is nothing but these rows. */
static struct config made(struct arch *arch, const struct torch_row *rows, int layers, bool bias)
{
    static const struct head heads[] = { { "lm", "Made", "" }, { NULL, NULL, NULL } };
    *arch = (struct arch){ .heads = heads, .name = "made", .title = "Made", .fields = fields, .torch = rows };
    struct config c = { .arch = arch, .value = { 12, layers, 1e-5, bias, 0, 0.1 } };
    (void)strcpy(c.text[4], "gelu_tanh");
    c.spelled[4] = fields[4].choices;
    return c;
}

static void prints(rk_ctx *ctx, const struct torch_row *rows, int layers, bool bias, const char *expected)
{
    struct arch arch;
    struct config c = made(&arch, rows, layers, bias);
    struct torch_tree t;
    struct str text = { 0 };
    OK(ctx, torch_tree_open(ctx, &c, &t));
    OK(ctx, torch_tree_print(&t, &text));
    EXPECT_TEXT(str_c(&text), expected);
    str_free(ctx, &text);
    torch_tree_close(&t);
}

TEST(what_stands_in_a_module_stands_on_lines_of_its_own)
{
    static const struct torch_row rows[] = {
        { .name = "",      .class = "Model" },
        { .name = "plain", .class = "ReLU()" },
        { .name = "said",  .class = "Linear(in_features={hidden}, bias={bias})" },
        { .name = "both",  .class = "Wide(n={2*hidden})" },
        { .name = "  ._b", .class = "float32 {hidden}" },
        { .name = "  x",   .class = "Outer" },
        { .name = "    y", .class = "Inner" },
        { .name = NULL }
    };
    prints(test_ctx(), rows, 0, false,
           "Model(\n"
           "  (plain): ReLU()\n"
           "  (said): Linear(in_features=12, bias=False)\n"
           "  (both): Wide(\n"
           "    n=24\n"
           "    (x): Outer(\n"
           "      (y): Inner()\n"
           "    )\n"
           "  )\n"
           ")\n");
    static const struct torch_row alone[] = { { .name = "", .class = "Model" }, { .name = NULL } };
    prints(test_ctx(), alone, 0, false, "Model()\n");
}

TEST(equal_neighbours_of_a_list_are_one_line)
{
    static const struct torch_row rows[] = {
        { .name = "",           .class = "Model" },
        { .name = "h",          .class = "ModuleList" },
        { .name = "  *layer",   .class = "Block" },
        { .name = "    ln",     .class = "Norm({hidden})" },
        { .name = "mixed",      .class = "ModuleList" },
        { .name = "  0",        .class = "A(1)" },
        { .name = "  1",        .class = "A(1)" },
        { .name = "  2",        .class = "A(2)" },
        { .name = "  3",        .class = "A(1)" },
        { .name = "  4",        .class = "B" },
        { .name = "  5",        .class = "B" },
        { .name = "plain",      .class = "Sequential" },
        { .name = "  0",        .class = "A(1)" },
        { .name = "  1",        .class = "A(1)" },
        { .name = "none",       .class = "ModuleList" },
        { .name = NULL }
    };
    prints(test_ctx(), rows, 3, false,
           "Model(\n"
           "  (h): ModuleList(\n"
           "    (0-2): 3 x Block(\n"
           "      (ln): Norm(12)\n"
           "    )\n"
           "  )\n"
           "  (mixed): ModuleList(\n"
           "    (0-1): 2 x A(1)\n"
           "    (2): A(2)\n"
           "    (3): A(1)\n"
           "    (4-5): 2 x B()\n"
           "  )\n"
           "  (plain): Sequential(\n"
           "    (0): A(1)\n"
           "    (1): A(1)\n"
           "  )\n"
           "  (none): ModuleList()\n"
           ")\n");
    static const struct torch_row one[] = { { .name = "", .class = "ModuleList" }, { .name = "*layer", .class = "Block" }, { .name = NULL } };
    prints(test_ctx(), one, 1, false, "ModuleList(\n  (0): Block()\n)\n");
    prints(test_ctx(), one, 0, false, "ModuleList()\n");
}

TEST(conditions_choose_rows)
{
    static const struct torch_row rows[] = {
        { .name = "",          .class = "Whole", .when = "bias" },
        { .name = "",          .class = "Bare" },
        { .name = "~body",     .class = "Body",  .when = "bias" },
        { .name = "  in",      .class = "In" },
        { .name = "gone",      .class = "Gone",  .when = "!bias eps>1" },
        { .name = "  with_it", .class = "In" },
        { .name = "head",      .class = "Head",  .when = "bias" },
        { .name = "",          .class = "Another" },
        { .name = "other",     .class = "Other" },
        { .name = NULL }
    };
    prints(test_ctx(), rows, 0, true, "Whole(\n  (body): Body(\n    (in): In()\n  )\n  (head): Head()\n)\n");
    prints(test_ctx(), rows, 0, false, "Bare(\n  (in): In()\n)\n");
}

TEST(a_module_that_moved_up_keeps_the_names_of_files)
{
    static const struct torch_row rows[] = {
        { .name = "",          .class = "Bare" },
        { .name = "~body",     .class = "Body",  .when = "bias" },
        { .name = "  h",       .class = "ModuleList" },
        { .name = "    *layer", .class = "Block" },
        { .name = "      x",   .class = "X" },
        { .name = NULL }
    };
    rk_ctx *ctx = test_ctx();
    struct arch arch;
    struct config c = made(&arch, rows, 2, false);
    struct torch_tree t;
    OK(ctx, torch_tree_open(ctx, &c, &t));
    REQUIRE(t.modules.n == 6);
    EXPECT_TEXT(t.modules.at[5].path, "h.1.x");
    EXPECT_TEXT(t.modules.at[5].pattern, "body.h.*.x");
    EXPECT_TEXT(t.modules.at[5].number, "1");
    torch_tree_close(&t);
}

TEST(numbers_as_python_writes_them)
{
    rk_ctx *ctx = test_ctx();
    static const struct { double eps; const char *text; } reals[] = {
        { 1e-5, "1e-05" }, { 1e-12, "1e-12" }, { 0.1, "0.1" }, { 0, "0.0" }, { 1, "1.0" }, { 1e-4, "0.0001" }, { 1e16, "1e+16" }, { 0.00012345, "0.00012345" }, { 123456, "123456.0" },
    };
    struct arch arch;
    struct config c = made(&arch, NULL, 0, true);
    struct str text = { 0 };
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        c.value[2] = reals[i].eps;
        text.n = 0;
        OK(ctx, torch_fill(ctx, &c, "{eps}", &text));
        EXPECT_TEXT(str_c(&text), reals[i].text);
    }
    text.n = 0;
    OK(ctx, torch_fill(ctx, &c, "({hidden},) {bias} {act} {3*hidden} {(hidden+1)/2} {hidden/8*8-1}", &text));
    EXPECT_TEXT(str_c(&text), "(12,) True NewGELUActivation() 36 6 7");
    c.spelled[4] = strstr(fields[4].choices, "odd");
    FAILS(ctx, torch_fill(ctx, &c, "{act}", &text), RK_E_DECLINED, "\"odd\" has no module");
    FAILS(ctx, torch_fill(ctx, &c, "{nothing}", &text), RK_E_BUG, "no field \"nothing\"");
    FAILS(ctx, torch_fill(ctx, &c, "{hidden", &text), RK_E_BUG, "broken promise");
    FAILS(ctx, torch_fill(ctx, &c, "{hidden-13}", &text), RK_E_LIMIT, "no size");
    str_free(ctx, &text);
}

TEST(conditions_are_read_as_they_stand)
{
    static const struct { const char *text; bool holds; } cases[] = {
        { "", true }, { "bias", true }, { "!bias", false }, { "hidden=12", true }, { "hidden>=12", true }, { "hidden>12", false }, { "hidden<12", false },
        { "hidden<=12", true }, { "!hidden<12", true }, { "act=gelu_tanh", true }, { "act=gelu", false }, { "!act=relu", true }, { "bias act=relu", false },
        { "bias hidden=12 rate<0.5", true }, { "layer", false }, { "!layer", true },
        { "+lm", true }, { "+model", false }, { "!+model bias", true }, { "!+lm", false },
    };
    rk_ctx *ctx = test_ctx();
    struct arch arch;
    struct config c = made(&arch, NULL, 0, true);
    bool holds;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(ctx, config_holds(ctx, &c, cases[i].text, &holds));
        if (holds != cases[i].holds) test_fail(__FILE__, __LINE__, "\"%s\" should %shold", cases[i].text, cases[i].holds ? "" : "not ");
    }
    FAILS(ctx, config_holds(ctx, &c, "nothing", &holds), RK_E_BUG, "nothing");
    FAILS(ctx, config_holds(ctx, &c, "act", &holds), RK_E_BUG, "broken promise");
    double value;
    FAILS(ctx, config_formula(ctx, &c, 1, "hidden*layer", 12, &value), RK_E_BUG, "\"layer\"");       /* it stands later */
    FAILS(ctx, config_formula(ctx, &c, MOST_FIELDS, "2*(hidden", 9, &value), RK_E_BUG, "broken promise");
    FAILS(ctx, config_formula(ctx, &c, MOST_FIELDS, "hidden)", 7, &value), RK_E_BUG, "broken promise");
}

/* --- families --- */

static rk_model *opened(rk_ctx *ctx, const char *spec)
{
    rk_model *m;
    OK(ctx, rk_model_open(ctx, spec, &m));
    return m;
}

static int parameter_of(const struct built *b, const char *role)
{
    for (int i = 0; i < built_stored(b) && role != NULL; i++)
        if (strcmp(b->parameters.at[i].name, role) == 0) return i;
    return -1;
}

static void check_tensor(rk_ctx *ctx, const rk_model *m, const struct built *b, const struct torch_tensors *list, int k, uint64_t *elements)
{
    const struct torch_tensor *t = &list->at.at[k];
    int p = parameter_of(b, t->role);
    uint64_t n = 1;
    bool found = t->kind != TORCH_TIE;
    struct str written = { 0 };
    for (int d = 0; d < t->rank; d++) n *= (uint64_t)t->shape[d];
    if (t->kind == TORCH_PARAMETER) {
        REQUIRE(p >= 0);
        EXPECT_INT(t->bytes, 2 * n);
        EXPECT_INT(n, parameter_elements(b->g, &b->parameters.at[p]));
        if (b->parameters.at[p].kind == RK_PARAMETER) *elements += n;
        OK(ctx, bind_written(ctx, &m->config, b, p, &written));
        EXPECT_TEXT(t->name, str_c(&written));
        str_free(ctx, &written);
    }
    if (t->kind == TORCH_TIE) EXPECT_INT(t->bytes, 0);
    for (int j = 0; j < k; j++) {
        if (strcmp(list->at.at[j].name, t->name) == 0) test_fail(__FILE__, __LINE__, "%s: two tensors are called %s", rk_model_name(m), t->name);
        found = found || strcmp(list->at.at[j].name, t->tie) == 0;
    }
    if (!found) test_fail(__FILE__, __LINE__, "%s: %s is tied to %s, which is not before it", rk_model_name(m), t->name, t->tie);
}

/* Every parameter is listed once, whatever the preset, under the name that it is saved by: the sizes add up to the count. Names
 * are unique, ties point back. */
TEST(every_preset_lists_all_its_numbers)
{
    rk_ctx *ctx = test_ctx();
    const char *preset;
    for (int i = 0; (preset = rk_model_preset(i)) != NULL; i++) {
        rk_model *m = opened(ctx, preset);
        struct torch_tensors list;
        struct built b;
        uint64_t parameters, elements = 0;
        OK(ctx, model_build(ctx, m, &(struct build_options){ .purpose = FOR_SCORING, .seq = 1 }, &b));
        OK(ctx, torch_tensors_open(ctx, m, RK_f16, &list));
        OK(ctx, rk_model_parameters(m, &parameters));
        for (int k = 0; k < list.at.n; k++) check_tensor(ctx, m, &b, &list, k, &elements);
        EXPECT_INT(elements, parameters);
        torch_tensors_close(&list);
        built_close(&b);
        rk_model_close(m);
    }
}

TEST(one_list_in_two_spellings)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2:n_layer=1,n_embd=8,n_head=2,vocab_size=11,n_positions=8");
    struct json_doc doc = { .root = NULL };
    const char *text;
    OK(ctx, rk_model_show_tensors(m, RK_bf16, false, &text));
    static const char first[] = "transformer.wte.weight\tparameter\t11x8\tbfloat16\ntransformer.wpe.weight\tparameter\t8x8\tbfloat16\n";
    EXPECT(strncmp(text, first, strlen(first)) == 0);
    EXPECT(strstr(text, "\nlm_head.weight\ttie=transformer.wte.weight\t11x8\tbfloat16\n") != NULL);
    OK(ctx, rk_model_show_tensors(m, RK_bf16, true, &text));
    OK(ctx, json_read(ctx, &doc, "tensors", text, strlen(text), 0));
    const struct json *tensors = json_find(doc.root, "tensors");
    REQUIRE(tensors != NULL && tensors->n == 17);
    const struct json *qkv = &tensors->at[4], *tie = &tensors->at[16];
    EXPECT_TEXT(json_find(qkv, "name")->text, "transformer.h.0.attn.c_attn.weight");
    EXPECT_TEXT(json_find(qkv, "role")->text, "h.0.attn.qkv.weight");
    EXPECT_TEXT(json_find(qkv, "dtype")->text, "bfloat16");
    EXPECT_INT(json_find(qkv, "shape")->at[1].integer, 24);
    EXPECT_INT(json_find(qkv, "bytes")->integer, 2 * 8 * 24);
    EXPECT_TEXT(json_find(tie, "kind")->text, "tie");
    EXPECT_TEXT(json_find(tie, "tie")->text, "transformer.wte.weight");
    EXPECT_TEXT(json_find(tie, "role")->text, "head.weight");
    EXPECT_INT(json_find(tie, "bytes")->integer, 0);
    json_clear(ctx, &doc);
    FAILS(ctx, rk_model_show_tensors(m, RK_i32, false, &text), RK_E_DTYPE, "i32");
    rk_model_close(m);
}

TEST(what_pytorch_has_no_class_for_is_not_printed)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2:bias=false,n_layer=1");
    const char *text;
    FAILS(ctx, rk_model_show_torch(m, &text), RK_E_DECLINED, "no class");
    EXPECT_TEXT(text, "");
    OK(ctx, rk_model_show_tensors(m, RK_f32, false, &text));
    EXPECT(strstr(text, "bias") == NULL && strstr(text, "transformer.h.0.attn.c_attn.weight\t") != NULL);
    rk_model_close(m);
}

/* Two words for one function are two classes, and a saved config keeps the word. */
TEST(the_word_of_the_file_is_kept)
{
    rk_ctx *ctx = test_ctx();
    rk_model *m = opened(ctx, "gpt2:n_layer=1,activation_function=gelu_fast");
    const char *text;
    OK(ctx, rk_model_save_config(m, test_temporary()));
    rk_model_close(m);
    m = opened(ctx, test_temporary());
    EXPECT_TEXT(rk_model_text(m, "act"), "gelu_tanh");
    OK(ctx, rk_model_show_torch(m, &text));
    EXPECT(strstr(text, "(act): FastGELUActivation()\n") != NULL);
    rk_model_close(m);
}

/* Every word that a family knows for a function is a class in print, or the whole model is refused. */
TEST(every_choice_prints)
{
    rk_ctx *ctx = test_ctx();
    for (int a = 0; arch_list[a] != NULL; a++)
        for (const struct field *f = arch_list[a]->fields; f->name != NULL; f++) {
            const char *rest = f->choices != NULL ? f->choices : "", *text;
            for (struct word w; word_next(&rest, &w);) {
                char spec[300];
                (void)snprintf(spec, sizeof spec, "%s:%s=%.*s", arch_list[a]->presets[0].name, f->name, (int)(memchr(w.at, '=', w.n) != NULL ? strcspn(w.at, "=") : w.n), w.at);
                rk_model *m = opened(ctx, spec);
                rk_status status = rk_model_show_torch(m, &text);
                EXPECT(status == RK_E_DECLINED ? strstr(rk_error_message(ctx), "no class") != NULL : status == RK_OK && strlen(text) > 100 && strchr(text, '{') == NULL);
                rk_model_close(m);
            }
        }
}

static rk_status work(rk_ctx *ctx)
{
    rk_model *m;
    const char *text;
    TRY(rk_model_open(ctx, "cs336-17m:num_layers=2", &m));
    rk_status status = rk_model_show(m, NULL, false, &text);
    if (status == RK_OK) status = rk_model_show(m, NULL, true, &text);
    if (status == RK_OK) status = rk_model_show_torch(m, &text);
    if (status == RK_OK) status = rk_model_show_tensors(m, RK_f32, false, &text);
    if (status == RK_OK) status = rk_model_show_tensors(m, RK_f32, true, &text);
    rk_model_close(m);
    return status;
}

TEST(every_allocation_may_fail) { FOR_EVERY_FAILED_ALLOCATION(work); }
