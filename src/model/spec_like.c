/* spec_like.c: a name that is no model, and the presets that are called much like it: "gptj", "EleutherAI--gpt-j-6b", "gpt2-meduim".
 * What somebody may have meant begins as what was typed does, if only letters and digits count, and two of them may be swapped. */
#include "model/model.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int letter(struct word w, size_t i)
{
    for (size_t k = 0; k < w.n; k++)
        if (isalnum((unsigned char)w.at[k]) && i-- == 0) return tolower((unsigned char)w.at[k]);
    return 0;
}

/* How many letters and digits two names begin with in common, small or large, whatever stands between them. */
int names_alike(struct word a, struct word b)
{
    for (int i = 0;;) {
        size_t at = (size_t)i;
        int x = letter(a, at), y = letter(b, at);
        bool swapped = x != y && x != 0 && y != 0 && x == letter(b, at + 1) && y == letter(a, at + 1);
        if (!swapped && (x == 0 || x != y)) return i;
        i += swapped ? 2 : 1;
    }
}

static int most_alike(const struct preset *p, struct word name)
{
    int most = names_alike((struct word){ p->name, strlen(p->name) }, name);
    const char *aliases = p->aliases;
    for (struct word w; word_next(&aliases, &w);) {
        int same = names_alike(w, name);
        if (same > most) most = same;
    }
    return most;
}

/* As many whole names as there is room for, of the presets that begin at least so much like this one. */
static void names_like(struct word name, int least, char *list, size_t room)
{
    size_t used = 0;
    for (int a = 0; arch_list[a] != NULL; a++)
        for (const struct preset *p = arch_list[a]->presets; p->name != NULL; p++) {
            if (most_alike(p, name) < least) continue;
            if (used + strlen(p->name) + sizeof ", ..." > room) {
                (void)snprintf(list + used, room - used, " ...");
                return;
            }
            used += (size_t)snprintf(list + used, room - used, "%s%s", used > 0 ? ", " : "", p->name);
        }
}

rk_status spec_unknown(rk_ctx *ctx, const char *text, size_t n, size_t own)
{
    char list[ERROR_HINT - 100] = "";
    const struct word name = { text, own };
    int best = 0;
    for (int a = 0; arch_list[a] != NULL; a++)
        for (const struct preset *p = arch_list[a]->presets; p->name != NULL; p++)
            if (most_alike(p, name) > best) best = most_alike(p, name);
    bool any = best >= 3 && 2 * best >= names_alike(name, name);
    names_like(name, any ? best : 0, list, sizeof list);
    (void)FAIL(RK_E_MISSING, "\"%.*s\" is neither a preset nor a file or folder that is there", (int)(n < 200 ? n : 200), text);
    return ctx_hint(ctx, any ? "did you mean %s?" : "presets: %s", list);
}
