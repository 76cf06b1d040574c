/* words.h: whatever changes places in a table, every word keeps its count; and a frequent word is where it is sought first. */
#include "test.h"
#include "tok/window.h"

enum { WORDS = 4000, ADDED = 200000 };

static size_t spell(size_t word, unsigned char *text)                 /* some have more than WORD_INLINE bytes */
{
    size_t n = 1 + word % 24;
    for (size_t i = 0; i < n; i++) text[i] = (unsigned char)('a' + (word >> i % 12 & 1) + i / 12 * 2);
    int digits = snprintf((char *)text + n, 8, "%zu", word);
    return n + (size_t)digits;
}

static uint64_t count_of(const struct words *w, const struct word_key *key, const unsigned char *text, size_t n, bool *at_home)
{
    const struct word_part *p = word_part(w, key->hash);
    for (size_t i = 0; i < p->room; i++) {
        char small[16];
        size_t length;
        if (p->slots[i].low != key->low || p->slots[i].high != key->high) continue;
        const char *there = word_text(p, &p->slots[i], small, &length);
        if (length != n || memcmp(there, text, n) != 0) continue;
        *at_home = &p->slots[i] == word_home(w, key->hash);
        return p->slots[i].count;
    }
    return 0;
}

TEST(every_word_keeps_its_count)
{
    static uint64_t counts[WORDS];
    static struct words w;
    rk_ctx *ctx = test_ctx();
    struct share share;
    uint64_t state = 1, distinct = 0, frequent = 0, home = 0;
    unsigned char text[64] = { 0 };
    OK(ctx, share_begin(ctx, &share));
    REQUIRE(words_prepare(&share, &w));
    for (int i = 0; i < ADDED; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t word = (size_t)(state >> 33) % WORDS, fold = (size_t)(state >> 20) % WORDS;
        word = word * fold / WORDS;                                   /* small numbers are more frequent */
        size_t n = spell(word, text);
        struct word_key key = word_key(text, n, sizeof text);
        REQUIRE(words_add(&share, &w, &key, text, n, 1 + word % 3));
        counts[word] += 1 + word % 3;
    }
    for (size_t word = 0; word < WORDS; word++) {
        bool at_home = false;
        size_t n = spell(word, text);
        struct word_key key = word_key(text, n, sizeof text);
        EXPECT_INT(count_of(&w, &key, text, n, &at_home), counts[word]);
        distinct += counts[word] > 0;
        frequent += counts[word] > ADDED / 1000;
        home += counts[word] > ADDED / 1000 && at_home;
    }
    EXPECT_INT(words_distinct(&w), distinct);
    EXPECT(frequent > 50 && home * 10 >= frequent * 9);
    words_clear(ctx, &w);
    OK(ctx, share_end(&share));
}

/* The front, small so that words leave it again, by every body. */
TEST(a_front_loses_no_count)
{
    enum { TEXT = 60000 };
    static struct words plain, fronted;
    static unsigned char text[TEXT + WINDOW_READS];
    static size_t ends[TEXT];
    for (int isa = 0; isa < ISA_COUNT; isa++) {
        if (!isa_runs((enum isa)isa)) continue;
        rk_ctx *ctx = test_ctx();
        struct share share;
        size_t made = 0, n = 0;
        uint64_t state = 7;
        OK(ctx, share_begin(ctx, &share));
        REQUIRE(words_prepare(&share, &fronted));
        while (n < TEXT - 64) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            size_t word = (size_t)(state >> 33) % 600 * ((size_t)(state >> 20) % 600) / 600, length = spell(word, text + n);
            struct word_key key = word_key(text + n, length, WINDOW_READS);
            REQUIRE(words_add(&share, &plain, &key, text + n, length, 1));
            ends[made++] = n += length;
        }
        struct front f;
        OK(ctx, front_open(ctx, &f, 64));
        f.counted = UINT32_MAX - (uint32_t)made / 2;                  /* halfway the counts of slots could be full: they are given to the table */
        struct window v = { .text = text, .ends = ends };
        for (size_t from = 0; from < made; from += v.n, v.at = ends[from - 1]) {
            v.ends = ends + from;
            v.n = made - from < WINDOW ? made - from : WINDOW;
            window_bodies[isa](&f, &v);
            REQUIRE(window_rest(&share, &fronted, &f, &v));
        }
        EXPECT(f.counted > 0 && f.counted <= made);
        REQUIRE(front_settle(&share, &fronted, &f));
        EXPECT_INT(words_distinct(&fronted), words_distinct(&plain));
        for (int part = 0; part < WORD_PARTS; part++)
            for (size_t i = 0; i < plain.part[part].room; i++) {
                const struct word_slot *slot = &plain.part[part].slots[i];
                char small[16];
                size_t length;
                bool at_home;
                if (slot->high == 0) continue;
                const unsigned char *there = (const unsigned char *)word_text(&plain.part[part], slot, small, &length);
                struct word_key key = { slot->low, slot->high, word_mix(slot->low, slot->high) };
                EXPECT_INT(count_of(&fronted, &key, there, length, &at_home), slot->count);
            }
        words_clear(ctx, &plain);
        words_clear(ctx, &fronted);
        front_close(ctx, &f);
        OK(ctx, share_end(&share));
    }
}
