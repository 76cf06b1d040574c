/* The text that training is measured on is the same bytes everywhere: its first pages and some of those at 12 GB, by SHA-256. */
#include "../../bench/webtext.c"
#include "test.h"
#include <stdlib.h>

enum { PAGES = 4, LATE = 11500 };

/* By the system's sha256sum: the library has no use for one. */
static void expect_sha256(uint64_t first, const char *expected)
{
    char command[128], said[65] = "", path[] = "/tmp/reckon-webtext-XXXXXX";
    unsigned char *page = malloc(WEBTEXT_PAGE);
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    REQUIRE(page != NULL && file != NULL);
    for (uint64_t i = 0; i < PAGES; i++) {
        webtext_page(WEBTEXT_SEED, first + i, page);
        EXPECT(fwrite(page, 1, WEBTEXT_PAGE, file) == WEBTEXT_PAGE);
    }
    EXPECT(fclose(file) == 0);
    (void)snprintf(command, sizeof command, "sha256sum %s", path);
    FILE *sum = popen(command, "r");
    REQUIRE(sum != NULL);
    bool known = fread(said, 1, 64, sum) == 64;
    (void)pclose(sum);
    (void)remove(path);
    free(page);
    if (!known) SKIP("no sha256sum");
    EXPECT_TEXT(said, expected);
}

TEST(first_pages) { expect_sha256(0, "30d42966f546618e09faa33f8ba50bfbc402520a9c67885c0920cc96a55e6dd3"); }
TEST(late_pages) { expect_sha256(LATE, "dee17dc5915deb8fb50bd9d24dd0e068092fc92a3150221321d2875431ea34ca"); }
