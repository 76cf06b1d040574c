/* file.h: what is written comes back, an old file outlives whatever happens to the new one, and refusals say why. */
#include "base/file.h"
#include "test.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_text(rk_ctx *ctx, const char *path, const char *text)
{
    struct str s = { 0 };
    OK(ctx, file_read(ctx, path, 1 << 20, &s));
    EXPECT_TEXT(str_c(&s), text);
    str_free(ctx, &s);
}

static int names_in(rk_ctx *ctx, const char *folder)
{
    struct file_names names;
    OK(ctx, file_list(ctx, folder, &names));
    int n = names.n;
    file_names_free(ctx, &names);
    return n;
}

TEST(crc32c_gives_the_known_answers)
{
    unsigned char bytes[32];
    EXPECT_INT(crc32c(0, "123456789", 9), 0xE3069283);
    EXPECT_INT(crc32c(0, "", 0), 0);
    memset(bytes, 0, 32);
    EXPECT_INT(crc32c(0, bytes, 32), 0x8A9136AA);                       /* RFC 3720, B.4 */
    memset(bytes, 0xff, 32);
    EXPECT_INT(crc32c(0, bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    EXPECT_INT(crc32c(0, bytes, 32), 0x46DD794E);
}

static uint32_t crc_by_bits(const unsigned char *b, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= b[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

TEST(crc32c_equals_the_definition_and_goes_on)
{
    unsigned char bytes[300];
    for (int round = 0; round < 500; round++) {
        size_t n = (size_t)test_random(sizeof bytes), cut = (size_t)test_random(n + 1);
        for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)test_random(256);
        EXPECT_INT(crc32c(0, bytes, n), crc_by_bits(bytes, n));
        EXPECT_INT(crc32c(crc32c(0, bytes, cut), bytes + cut, n - cut), crc_by_bits(bytes, n));
        EXPECT_INT(crc32c_best()(crc32c_best()(0, bytes, cut), bytes + cut, n - cut), crc_by_bits(bytes, n));
    }
}

/* Pieces of every size around the buffer's, a patch at a place written before; then the same bytes in both ways of reading. */
TEST(what_is_written_comes_back)
{
    enum { BYTES = 3 << 20 };
    unsigned char *bytes = malloc(BYTES);
    REQUIRE(bytes != NULL);
    rk_ctx *ctx = test_ctx();
    struct file_writer w;
    size_t n = 0;
    OK(ctx, file_create(ctx, &w, test_path("x.bin")));
    while (n < BYTES - (1 << 19)) {
        size_t part = (size_t)test_random(test_random(8) == 0 ? 1 << 19 : 2000);
        for (size_t i = 0; i < part; i++) bytes[n + i] = (unsigned char)(test_random(0) >> 32);
        OK(ctx, file_write(ctx, &w, bytes + n, part));
        n += part;
        EXPECT(w.offset == n && w.crc == crc32c(0, bytes, n));
    }
    uint32_t crc = w.crc;
    OK(ctx, file_write_at(ctx, &w, 5, "patched", 7));
    OK(ctx, file_write(ctx, &w, "end", 3));
    EXPECT_INT(w.offset, n + 3);
    memcpy(bytes + n, "end", 3);
    EXPECT_INT(w.crc, crc32c(crc, "end", 3));
    memcpy(bytes + 5, "patched", 7);
    OK(ctx, file_commit(ctx, &w));
    file_abandon(ctx, &w);
    struct file_view v;
    struct str s = { 0 };
    OK(ctx, file_map(ctx, test_path("x.bin"), &v));
    EXPECT(v.n == n + 3 && memcmp(v.at, bytes, v.n) == 0);
    file_unmap(&v);
    file_unmap(&v);
    OK(ctx, str_text(ctx, &s, "before "));
    OK(ctx, file_read(ctx, test_path("x.bin"), BYTES, &s));
    EXPECT((size_t)s.n == 7 + n + 3 && memcmp(s.at, "before ", 7) == 0 && memcmp(s.at + 7, bytes, n + 3) == 0 && s.at[s.n] == '\0');
    str_free(ctx, &s);
    EXPECT_INT(names_in(ctx, test_temporary()), 1);
    free(bytes);
}

TEST(an_abandoned_writer_leaves_the_old_file)
{
    rk_ctx *ctx = test_ctx();
    struct file_writer w;
    test_write_text("a", "old");
    OK(ctx, file_create(ctx, &w, test_path("a")));
    OK(ctx, file_write(ctx, &w, "new", 3));
    expect_text(ctx, test_path("a"), "old");
    file_abandon(ctx, &w);
    file_abandon(ctx, &w);
    expect_text(ctx, test_path("a"), "old");
    EXPECT_INT(names_in(ctx, test_temporary()), 1);
    FAILS(ctx, file_write(ctx, &w, "x", 1), RK_E_BUG, "closed");
    FAILS(ctx, file_commit(ctx, &w), RK_E_BUG, "closed");
}

/* A child killed in the middle of writing: the old file is whole, and its left-over is taken by who comes next to that name. */
TEST(a_killed_writer_leaves_the_old_file)
{
    rk_ctx *ctx = test_ctx();
    test_write_text("a", "old");
    pid_t child = fork();
    if (child == 0) {
        struct file_writer w;
        if (file_create(ctx, &w, test_path("a")) != RK_OK || file_write_at(ctx, &w, 0, "half", 4) != RK_OK) _exit(1);
        (void)raise(SIGKILL);
    }
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    expect_text(ctx, test_path("a"), "old");
    EXPECT_INT(names_in(ctx, test_temporary()), 2);
    char left[600], mine[600];
    (void)snprintf(left, sizeof left, "%s.tmp.%ld", test_path("a"), (long)child);
    (void)snprintf(mine, sizeof mine, "%s.tmp.%ld", test_path("a"), (long)getpid());
    REQUIRE(rename(left, mine) == 0);                                   /* as if process numbers had come round */
    struct file_writer w;
    OK(ctx, file_create(ctx, &w, test_path("a")));
    OK(ctx, file_write(ctx, &w, "new", 3));
    OK(ctx, file_commit(ctx, &w));
    expect_text(ctx, test_path("a"), "new");
    EXPECT_INT(names_in(ctx, test_temporary()), 1);
}

TEST(two_writers_of_one_file_do_not_mix)
{
    rk_ctx *ctx = test_ctx();
    struct file_writer a, b;
    OK(ctx, file_create(ctx, &a, test_path("x")));
    OK(ctx, file_create(ctx, &b, test_path("x")));
    OK(ctx, file_write(ctx, &a, "first", 5));
    OK(ctx, file_write(ctx, &b, "second", 6));
    OK(ctx, file_commit(ctx, &a));
    expect_text(ctx, test_path("x"), "first");
    OK(ctx, file_commit(ctx, &b));
    expect_text(ctx, test_path("x"), "second");
    EXPECT_INT(names_in(ctx, test_temporary()), 1);
}

/* The disk is full: a limit on file size stands in for it, in a child so that nothing else suffers. */
static int write_until_full(const char *path)
{
    rk_ctx *ctx;
    struct file_writer w;
    char block[4096] = { 0 };
    rk_status status = RK_OK;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 19, 1 << 19 }) != 0 || rk_ctx_open(NULL, &ctx) != RK_OK || file_create(ctx, &w, path) != RK_OK) return 1;
    for (int i = 0; i < 1000 && status == RK_OK; i++) status = file_write(ctx, &w, block, sizeof block);
    if (status != RK_E_IO || strstr(rk_error_message(ctx), path) == NULL || strstr(rk_error_message(ctx), "byte") == NULL) return 2;
    if (rk_error_hint(ctx)[0] == '\0') return 3;
    if (file_commit(ctx, &w) == RK_OK) return 4;
    if (rk_ctx_bytes(ctx) != 0) return 5;
    rk_ctx_close(ctx);
    return 0;
}

TEST(a_full_disk_costs_no_data)
{
    rk_ctx *ctx = test_ctx();
    test_write_text("a", "old");
    pid_t child = fork();
    if (child == 0) _exit(write_until_full(test_path("a")));
    int status = 0;
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), 0);
    expect_text(ctx, test_path("a"), "old");
    EXPECT_INT(names_in(ctx, test_temporary()), 1);
}

TEST(a_target_that_is_no_file_is_refused)
{
    rk_ctx *ctx = test_ctx();
    struct file_writer w;
    FAILS(ctx, file_create(ctx, &w, "/dev/null"), RK_E_IO, "not a regular file");
    struct stat s;
    EXPECT(stat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode));
    FAILS(ctx, file_create(ctx, &w, test_temporary()), RK_E_IO, "directory");
    FAILS(ctx, file_create(ctx, &w, test_path("none/x")), RK_E_MISSING, "none/x");
    FAILS(ctx, file_create(ctx, &w, ""), RK_E_ARG, "empty");
    FAILS(ctx, file_write_at(ctx, &w, 0, "x", 1), RK_E_BUG, "closed");
    EXPECT(rk_ctx_bytes(ctx) == 0 && names_in(ctx, test_temporary()) == 0);
    OK(ctx, file_create(ctx, &w, test_path("x")));
    FAILS(ctx, file_write_at(ctx, &w, UINT64_MAX, "x", 1), RK_E_LIMIT, "beyond");
    file_abandon(ctx, &w);
}

TEST(a_link_stays_a_link_and_a_private_file_private)
{
    rk_ctx *ctx = test_ctx();
    struct file_writer w;
    struct stat s;
    test_write_text("real", "old");
    REQUIRE(symlink("real", test_path("link")) == 0 && chmod(test_path("real"), 0600) == 0);
    OK(ctx, file_create(ctx, &w, test_path("link")));
    OK(ctx, file_write(ctx, &w, "new", 3));
    OK(ctx, file_commit(ctx, &w));
    expect_text(ctx, test_path("real"), "new");
    EXPECT(lstat(test_path("link"), &s) == 0 && S_ISLNK(s.st_mode));
    EXPECT(stat(test_path("real"), &s) == 0 && (s.st_mode & 0777) == 0600);
}

TEST(empty_missing_and_folder_are_told_apart)
{
    rk_ctx *ctx = test_ctx();
    struct file_view v;
    struct str s = { 0 };
    test_write_text("empty", "");
    OK(ctx, file_map(ctx, test_path("empty"), &v));
    EXPECT(v.at == NULL && v.n == 0);
    file_unmap(&v);
    expect_text(ctx, test_path("empty"), "");
    FAILS(ctx, file_map(ctx, test_path("none"), &v), RK_E_MISSING, "none");
    EXPECT(v.at == NULL && rk_error_hint(ctx)[0] != '\0');
    FAILS(ctx, file_map(ctx, test_temporary(), &v), RK_E_IO, "directory");
    FAILS(ctx, file_map(ctx, test_path("empty/x"), &v), RK_E_IO, "empty/x");
    FAILS(ctx, file_map(ctx, "/dev/null", &v), RK_E_IO, "not a regular file");
    FAILS(ctx, file_read(ctx, test_path("none"), 10, &s), RK_E_MISSING, "none");
    FAILS(ctx, file_read(ctx, test_temporary(), 10, &s), RK_E_IO, "directory");
    str_free(ctx, &s);
    REQUIRE(mkfifo(test_path("pipe"), 0600) == 0);
    FAILS(ctx, file_map(ctx, test_path("pipe"), &v), RK_E_IO, "not a regular file");      /* and does not wait for a writer */
}

TEST(unreadable_files_say_so)
{
    rk_ctx *ctx = test_ctx();
    struct file_view v;
    bool yes;
    if (geteuid() == 0) SKIP("root may read everything");
    test_write_text("closed", "x");
    REQUIRE(chmod(test_path("closed"), 0) == 0);
    FAILS(ctx, file_map(ctx, test_path("closed"), &v), RK_E_IO, "ermission");
    REQUIRE(mkdir(test_path("shut"), 0) == 0);
    FAILS(ctx, file_exists(ctx, test_path("shut/x"), &yes), RK_E_IO, "shut/x");
}

TEST(a_file_longer_than_the_bound_is_refused)
{
    rk_ctx *ctx = test_ctx();
    struct str s = { 0 };
    test_write_text("ten", "0123456789");
    OK(ctx, file_read(ctx, test_path("ten"), 10, &s));
    FAILS(ctx, file_read(ctx, test_path("ten"), 9, &s), RK_E_LIMIT, "9 bytes");
    EXPECT_TEXT(str_c(&s), "0123456789");                               /* what was there before is still there */
    FAILS(ctx, file_read(ctx, "/dev/zero", 100000, &s), RK_E_LIMIT, "100000 bytes");
    EXPECT_TEXT(str_c(&s), "0123456789");
    str_free(ctx, &s);
    OK(ctx, file_read(ctx, "/proc/self/status", 1 << 20, &s));           /* says it has 0 bytes, and has more */
    EXPECT(strstr(str_c(&s), "Pid:") != NULL);
    str_free(ctx, &s);
}

TEST(standard_input_and_pipes_are_read_to_the_end)
{
    rk_ctx *ctx = test_ctx();
    int ends[2], kept = dup(STDIN_FILENO);
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 300; i++) if (write(ends[1], "0123456789abcdef", 16) != 16) _exit(1);
        _exit(0);
    }
    (void)close(ends[1]);
    REQUIRE(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    (void)close(ends[0]);
    struct str s = { 0 };
    OK(ctx, file_read(ctx, "-", 1 << 20, &s));
    EXPECT_INT(s.n, 4800);
    str_free(ctx, &s);
    if (kept >= 0) (void)dup2(kept, STDIN_FILENO), (void)close(kept);
    (void)waitpid(child, NULL, 0);
}

TEST(folders_are_made_with_parents_and_listed_in_order)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names;
    bool yes;
    OK(ctx, file_make_folder(ctx, test_path("a/b//c/")));
    OK(ctx, file_make_folder(ctx, test_path("a/b/c")));
    OK(ctx, file_make_folder(ctx, "/"));
    EXPECT(file_is_folder(test_path("a/b/c")) && !file_is_folder(test_path("a/x")));
    test_write_text("a/b/10", "x");
    test_write_text("a/b/2", "x");
    test_write_text("a/b/.hidden", "x");
    OK(ctx, file_list(ctx, test_path("a/b"), &names));
    REQUIRE(names.n == 4);
    EXPECT_TEXT(names.at[0], ".hidden");
    EXPECT_TEXT(names.at[1], "10");
    EXPECT_TEXT(names.at[2], "2");
    EXPECT_TEXT(names.at[3], "c");
    file_names_free(ctx, &names);
    FAILS(ctx, file_make_folder(ctx, test_path("a/b/2/d")), RK_E_IO, "a/b/2");
    FAILS(ctx, file_make_folder(ctx, ""), RK_E_ARG, "empty");
    FAILS(ctx, file_list(ctx, test_path("none"), &names), RK_E_MISSING, "none");
    EXPECT(names.n == 0);
    OK(ctx, file_exists(ctx, test_path("a/b/2"), &yes));
    EXPECT(yes);
    OK(ctx, file_exists(ctx, test_path("a/b/3"), &yes));
    EXPECT(!yes);
    OK(ctx, file_exists(ctx, test_path("a/b/2/x"), &yes));
    EXPECT(!yes);
}

TEST(paths_join)
{
    rk_ctx *ctx = test_ctx();
    struct str s = { 0 };
    OK(ctx, file_join(ctx, &s, "a", "b"));
    EXPECT_TEXT(str_c(&s), "a/b");
    OK(ctx, file_join(ctx, &s, str_c(&s), "c"));
    EXPECT_TEXT(str_c(&s), "a/b/c");
    OK(ctx, file_join(ctx, &s, "a/", "b"));
    EXPECT_TEXT(str_c(&s), "a/b");
    OK(ctx, file_join(ctx, &s, "", "b"));
    EXPECT_TEXT(str_c(&s), "b");
    OK(ctx, file_join(ctx, &s, "/", "b"));
    EXPECT_TEXT(str_c(&s), "/b");
    str_free(ctx, &s);
}
