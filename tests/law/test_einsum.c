/* An einsum is what its tokens say: nested loops over all of them, written here from the text alone. */
#include "sample.h"

enum { MOST_TOKENS = 16 };

struct loops_of { int n; char name[MOST_TOKENS][32]; int64_t size[MOST_TOKENS]; int rank[3], token[3][RK_MAX_RANK]; };

/* "a b, b c -> a c": words between separators; sizes from the operands' shapes. */
static void read_text(const struct sample *s, struct loops_of *l)
{
    const struct node *n = node_of(s->g, s->y);
    int part = 0;
    *l = (struct loops_of){ 0 };
    for (const char *c = n->text; *c != '\0';) {
        if (*c == ',' || *c == '>') part++;
        if (strchr(" ,->", *c) != NULL) { c++; continue; }
        int length = (int)strcspn(c, " ,->"), t = 0;
        while (t < l->n && (strncmp(l->name[t], c, (size_t)length) != 0 || l->name[t][length] != '\0')) t++;
        if (t == l->n) (void)snprintf(l->name[l->n++], sizeof l->name[0], "%.*s", length, c);
        if (part < 2) l->size[t] = dim_size(s->g, node_of(s->g, n->in[part])->dim[l->rank[part]]);
        l->token[part][l->rank[part]++] = t;
        c += length;
    }
}

static int64_t place(const struct loops_of *l, int part, const int64_t *index)
{
    int64_t at = 0;
    for (int i = 0; i < l->rank[part]; i++) at = at * l->size[l->token[part][i]] + index[l->token[part][i]];
    return at;
}

static bool advance(const struct loops_of *l, int64_t *index)
{
    for (int t = l->n - 1; t >= 0; t--) {
        if (++index[t] < l->size[t]) return true;
        index[t] = 0;
    }
    return false;
}

static void is_nested_loops(struct sample *s)
{
    static double a[20000], b[20000], y[20000], expected[20000];
    struct loops_of l;
    struct values v;
    int64_t index[MOST_TOKENS] = { 0 };
    values_open(&v, s->ctx, s->g);
    sample_fill(s, &v);
    evaluate(&v, false);
    read_text(s, &l);
    (void)values_read(&v, s->operand[0], a);
    (void)values_read(&v, s->operand[1], b);
    int64_t n = values_read(&v, s->y, y);
    bool any = true;
    for (int t = 0; t < l.n; t++) any = any && l.size[t] > 0;
    memset(expected, 0, sizeof(double) * (size_t)n);
    if (any)
        do expected[place(&l, 2, index)] += a[place(&l, 0, index)] * b[place(&l, 1, index)];
        while (advance(&l, index));
    for (int64_t i = 0; i < n; i++) NEAR(s, y[i], expected[i], 1e-12 * (1 + fabs(expected[i])));
    values_close(&v);
}

TEST(einsum_is_nested_loops_over_its_tokens)
{
    const struct law law = { .body = is_nested_loops, .rounds = 400, .largest = 4, .zeros = true, .views = true, .ties = true };
    FOR_MAKERS(law, "einsum", NULL);
}
