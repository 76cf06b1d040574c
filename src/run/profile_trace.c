/* profile_trace.c: a profile as a file of trace events, an event a line.
 *
 * Source: "Trace Event Format" (Google, 2016): complete events, "ph": "X", with times in microseconds. */
#include "base/file.h"
#include "run/profile.h"
#include <string.h>

static rk_status put_name(rk_ctx *ctx, struct str *line, const char *key, const char *text)
{
    TRY(str_format(ctx, line, "\"%s\":", key));
    return str_json(ctx, line, text, strlen(text));
}

static rk_status put_event(rk_ctx *ctx, const struct rk_profile *p, const struct profile_event *e, struct str *line)
{
    const rk_profile_row *row = e->step < 0 ? NULL : &p->steps.at[e->step].row;
    TRY(str_text(ctx, line, ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,"));
    TRY(put_name(ctx, line, "name", row == NULL ? "run" : row->op));
    TRY(str_format(ctx, line, ",\"cat\":\"%s\",\"ts\":%.3f,\"dur\":%.3f", row == NULL ? "run" : "step", (e->begin - p->began) * 1e6, e->seconds * 1e6));
    if (row == NULL) return str_text(ctx, line, "}");
    TRY(str_text(ctx, line, ",\"args\":{"));
    TRY(put_name(ctx, line, "kernel", row->kernel));
    TRY(str_text(ctx, line, ","));
    TRY(put_name(ctx, line, "module", row->module));
    TRY(str_text(ctx, line, ","));
    TRY(put_name(ctx, line, "text", row->text));
    return str_format(ctx, line, ",\"program\":%d,\"flops\":%llu,\"bytes\":%llu}}", p->steps.at[e->step].program, (unsigned long long)e->flops, (unsigned long long)e->bytes);
}

static rk_status write_all(rk_ctx *ctx, const struct rk_profile *p, struct file_writer *w, struct str *line)
{
    TRY(str_format(ctx, line, "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"schema\":\"reckon.trace/1\",\"lost\":%llu},\"traceEvents\":[\n", (unsigned long long)p->lost));
    TRY(str_text(ctx, line, "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"reckon\"}}"));
    for (int i = 0; i < p->events.n; i++) {
        TRY(put_event(ctx, p, &p->events.at[i], line));
        if (line->n < 1 << 16) continue;
        TRY(file_write(ctx, w, str_c(line), (size_t)line->n));
        line->n = 0;
    }
    TRY(str_text(ctx, line, "\n]}\n"));
    return file_write(ctx, w, str_c(line), (size_t)line->n);
}

rk_status rk_profile_trace(rk_profile *p, const char *path)
{
    rk_ctx *ctx = p->ctx;
    struct file_writer w = { .fd = -1 };
    struct str line = { 0 };
    rk_status status;
    if (!p->trace) return FAIL(RK_E_ARG, "writing %s: the profile was opened without a trace", path);
    GO(file_create(ctx, &w, path));
    GO(write_all(ctx, p, &w, &line));
    GO(file_commit(ctx, &w));
out:
    file_abandon(ctx, &w);
    str_free(ctx, &line);
    return status;
}
