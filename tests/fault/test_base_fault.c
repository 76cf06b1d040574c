/* The n-th allocation fails, for every n: the call says so, and everything is given back. */
#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "test.h"

static rk_status text_work(rk_ctx *ctx)
{
    struct str s = { 0 };
    rk_status status = RK_OK;
    for (int i = 0; i < 50; i++) {
        GO(str_format(ctx, &s, "%d ", i));
        GO(str_json(ctx, &s, "a\"\xff\n\x01", 5));
        GO(str_text(ctx, &s, "words"));
    }
out:
    EXPECT(s.at == NULL || s.at[s.n] == '\0');
    str_free(ctx, &s);
    return status;
}
TEST(texts_survive_a_lack_of_memory) { FOR_EVERY_FAILED_ALLOCATION(text_work); }

static rk_status map_work(rk_ctx *ctx)
{
    static char keys[300][4];
    struct map m = { 0 };
    rk_status status = RK_OK;
    int done = 0, value;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%d", i);
        GO(map_put(ctx, &m, keys[i], strlen(keys[i]), i));
        done++;
    }
out:
    for (int i = 0; i < done; i++) EXPECT(map_get(&m, keys[i], strlen(keys[i]), &value) && value == i);
    map_free(ctx, &m);
    return status;
}
TEST(maps_survive_a_lack_of_memory) { FOR_EVERY_FAILED_ALLOCATION(map_work); }

static rk_status vec_work(rk_ctx *ctx)
{
    VEC(int) v = { 0 };
    rk_status status = RK_OK;
    for (int i = 0; i < 2000; i++) {
        GO(VEC_ROOM(&v, 1));
        v.at[v.n++] = i;
    }
out:
    for (int i = 0; i < v.n; i++) EXPECT(v.at[i] == i);
    VEC_FREE(&v);
    return status;
}
TEST(vectors_survive_a_lack_of_memory) { FOR_EVERY_FAILED_ALLOCATION(vec_work); }

static rk_status arena_work(rk_ctx *ctx)
{
    struct arena a = { 0 };
    rk_status status = RK_OK;
    const char *text = "";
    for (int i = 0; i < 200; i++) {
        double *numbers;
        GO(TAKE(&a, numbers, i));
        GO(arena_text(ctx, &a, "name", 4, &text));
        EXPECT_TEXT(text, "name");
    }
out:
    arena_clear(ctx, &a);
    return status;
}
TEST(arenas_survive_a_lack_of_memory) { FOR_EVERY_FAILED_ALLOCATION(arena_work); }

static rk_status read_back(rk_ctx *ctx, const char *path, const char *folder)
{
    struct file_view view;
    struct file_names names = { 0 };
    struct str text = { 0 };
    rk_status status = RK_OK;
    GO(file_read(ctx, path, 1 << 20, &text));
    GO(file_map(ctx, path, &view));
    EXPECT((size_t)text.n == view.n && memcmp(text.at, view.at, view.n) == 0);
    file_unmap(&view);
    GO(file_list(ctx, folder, &names));
out:
    str_free(ctx, &text);
    file_names_free(ctx, &names);
    return status;
}

/* Whatever fails, the file holds 1,000 bytes of the old or of the new, and nothing lies beside it. */
static rk_status file_work(rk_ctx *ctx)
{
    struct str folder = { 0 }, path = { 0 };
    struct file_writer w = { .fd = -1 };
    char bytes[1000];
    rk_status status = RK_OK;
    memset(bytes, 'n', sizeof bytes);
    GO(file_join(ctx, &folder, test_temporary(), "folder"));
    GO(file_make_folder(ctx, str_c(&folder)));
    GO(file_join(ctx, &path, str_c(&folder), "file"));
    GO(file_create(ctx, &w, str_c(&path)));
    GO(file_write(ctx, &w, bytes, sizeof bytes));
    GO(file_commit(ctx, &w));
    GO(read_back(ctx, str_c(&path), str_c(&folder)));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &folder);
    str_free(ctx, &path);
    return status;
}

TEST(files_survive_a_lack_of_memory)
{
    FOR_EVERY_FAILED_ALLOCATION(file_work);
    rk_ctx *ctx = test_ctx();
    struct file_names names;
    char folder[512];
    (void)snprintf(folder, sizeof folder, "%s/folder", test_temporary());
    OK(ctx, file_list(ctx, folder, &names));
    EXPECT_INT(names.n, 1);
    if (names.n > 0) EXPECT_TEXT(names.at[0], "file");
    file_names_free(ctx, &names);
}
