/* Golden: what PyTorch and transformers computed, held against the reference back end and the CPU's by rk_verify itself. */
#include "backend/ref/ref.h"
#include "base/file.h"
#include "test.h"
#include "verify/verify.h"
#include <stdlib.h>

static bool print_row(void *user, const rk_verify_row *row)
{
    const char *what = user;
    if (row->verdict == RK_VERDICT_BEYOND) test_fail(__FILE__, __LINE__, "%s: %s is off by %g, allowed are %g; %s", what, row->name, row->error, row->tolerance, row->note);
    else if (getenv("VERBOSE")) printf("%s %s %g %g %d %s\n", what, row->name, row->error, row->tolerance, row->verdict, row->note);
    return true;
}

TEST(ref_all)
{
    rk_ctx *ctx = test_ctx();
    struct file_names names = { 0 };
    struct str path = { 0 }, folder = { 0 };
    if (test_shared() == NULL) SKIP("no reference data");
    OK(ctx, str_format(ctx, &path, "%s/golden/models", test_shared()));
    OK(ctx, file_list(ctx, str_c(&path), &names));
    for (int i = 0; i < names.n; i++) {
        rk_verified r;
        if (strncmp(names.at[i], "gpt2", 4) != 0 && strncmp(names.at[i], "cs336", 5) != 0) continue;
        OK(ctx, file_join(ctx, &folder, str_c(&path), names.at[i]));
        OK(ctx, verify_run(ctx, str_c(&folder), NULL, backend_ref(), 1, print_row, names.at[i], &r));
        printf("%s: checked %d beyond %d ties %d not checked %d\n", names.at[i], r.checked, r.beyond, r.ties, r.not_checked);
    }
    file_names_free(ctx, &names);
    str_free(ctx, &path);
    str_free(ctx, &folder);
}
