/* options_unread.c: options that only some optimizers, schedules or policies read: who they are is a column of those tables.
 *
 * What such an option says under another choice is nothing; whoever typed it meant something. The command refuses it. Options that only some
 * models have a use for: cli/train_data.c. */
#include "train/training.h"
#include <string.h>

enum { BY_OPTIMIZER, BY_SCHEDULE, BY_POLICY };
static const char *const by_words[] = { [BY_OPTIMIZER] = "optimizer", [BY_SCHEDULE] = "schedule", [BY_POLICY] = "policy" };

static const struct reader { int by; const char *word, *reads; } readers[] = {
#define ROW(name, word, title, reads) { BY_OPTIMIZER, word, reads },
#include "reckon/optimizer.def"
#undef ROW
#define ROW(name, word, reads, rate) { BY_SCHEDULE, word, reads },
#include "reckon/schedule.def"
#undef ROW
#define ROW(name, word, roles, stored, scaled, words) { BY_POLICY, word, (scaled) ? "loss-scale scale-steps" : "" },
#include "reckon/policy.def"
#undef ROW
};
enum { READERS = sizeof readers / sizeof *readers };

/* Keys stand between blanks. */
static bool reads(const struct reader *r, const char *key)
{
    size_t n = strlen(key);
    for (const char *at = r->reads; *at != '\0';) {
        size_t length = strcspn(at, " ");
        if (length == n && memcmp(at, key, n) == 0) return true;
        at += length + (at[length] == ' ');
    }
    return false;
}

/* Of a policy the first word is the choice, behind it are modules. */
static bool chosen(const struct reader *r, const rk_train_options *o)
{
    const char *policy = options_policy(o);
    const struct reader *first = r;
    while (first > readers && first[-1].by == r->by) first--;
    if (r->by == BY_POLICY) return strcspn(policy, ",") == strlen(r->word) && strncmp(policy, r->word, strlen(r->word)) == 0;
    return r - first == (r->by == BY_OPTIMIZER ? o->optimizer : o->schedule);
}

/* Whether nobody reads the key; then who would. An option that all choices read is in no list. */
static bool unread(const rk_train_options *o, const char *key, rk_train_unread *u)
{
    bool read = false;
    *u = (rk_train_unread){ .key = key };
    for (int i = 0; i < READERS; i++) {
        if (!reads(&readers[i], key)) continue;
        u->by = by_words[readers[i].by];
        read = read || chosen(&readers[i], o);
        (void)strncat(u->readers, u->readers[0] != '\0' ? ", " : "", sizeof u->readers - 1 - strlen(u->readers));
        (void)strncat(u->readers, readers[i].word, sizeof u->readers - 1 - strlen(u->readers));
    }
    return u->by != NULL && !read;
}

rk_train_unread rk_train_unread_at(const rk_train_options *o, int i)
{
    rk_train_unread u;
    const char *key;
    bool usual;
    for (int row = 0; options_row(o, row, &key, &usual); row++)
        if (unread(o, key, &u) && i-- == 0) {
            u.usual = usual;
            return u;
        }
    return (rk_train_unread){ .key = NULL };
}
