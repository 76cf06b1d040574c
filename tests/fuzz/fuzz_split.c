/* Any bytes: the scanner cuts them as the slow reference does, in batches of any size, and a safe cut changes nothing. The first two
 * bytes choose the batch and where the cut is sought. */
#include "fuzz.h"
#include "test_tok_reference.h"
#include "tok/split.h"
#include <stdlib.h>
#include <string.h>

static struct reference reference;

static size_t cut_all(const unsigned char *text, size_t n, size_t most, size_t *ends)
{
    size_t made, total = 0;
    for (size_t at = 0; (made = split_gpt2(text, n, at, ends + total, most)) > 0; total += made) at = ends[total + made - 1];
    return total;
}

static void check(const unsigned char *text, size_t n, size_t most, size_t from)
{
    static size_t whole[REFERENCE_MOST + 64], parts[REFERENCE_MOST + 64];
    size_t total = cut_all(text, n, most, whole), i = 0;
    reference_read((const char *)text, n, &reference);
    for (size_t k = 0; k < total; k++) {
        i = reference_match(&reference, i);
        if (whole[k] != reference.at[i]) abort();
    }
    if (i != reference.n || (total > 0 && whole[total - 1] != n)) abort();
    size_t cut = split_safe(text, n, from), left = cut_all(text, cut, most, parts), right = cut_all(text + cut, n - cut, most, parts + left);
    for (size_t k = left; k < left + right; k++) parts[k] += cut;
    if (left + right != total || memcmp(whole, parts, total * sizeof *whole) != 0) abort();
}

int fuzz_one(const uint8_t *bytes, size_t n)
{
    if (n < 2) return 0;
    size_t length = n - 2 < REFERENCE_MOST ? n - 2 : REFERENCE_MOST;
    unsigned char *exact = malloc(length > 0 ? length : 1);          /* so that reading beyond the end is seen */
    if (exact == NULL) abort();
    memcpy(exact, bytes + 2, length);
    check(exact, length, 1 + (size_t)bytes[0] % 60, bytes[1] % (length + 1));
    free(exact);
    return 0;
}
