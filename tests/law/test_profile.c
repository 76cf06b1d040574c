/* Laws of profiles: they change no number; what they count is what was issued; every way of putting rows together has the same
 * sums; the trace has every step. */
#include "base/rng.h"
#include "infer/session.h"
#include "io/json.h"
#include "reckon/profile.h"
#include "run/device.h"
#include "test.h"
#include "tiny.h"
#include <stdlib.h>

enum { VOCAB = 60, CONTEXT = 24, FED = 11 };

struct played { rk_model *m; rk_device *device; rk_weights w; rk_session *s; };

static rk_status random_weights(rk_ctx *ctx, const char *spec, const char *device, struct played *p)
{
    struct built built = { 0 };
    rk_status status;
    GO(rk_model_open(ctx, spec, &p->m));
    GO(rk_device_open(ctx, device, strcmp(device, "cpu") == 0 ? &(rk_device_options){ .blas = "own" } : NULL, &p->device));
    p->w = (rk_weights){ .ctx = ctx, .model = p->m, .backend = device_backend(p->device) };
    GO(model_build(ctx, p->m, &(struct build_options){ .purpose = FOR_LOGITS, .seq = 1 }, &built));
    GO(store_open(ctx, p->w.backend, &p->w.store));
    GO(store_declare(ctx, p->w.store, built.g));
    GO(store_allocate(ctx, p->w.store));
    for (int e = 0; e < p->w.store->entries.n; e++) {
        int64_t n = p->w.store->entries.at[e].elements;
        double *values;
        GO(NEW(values, n));
        for (int64_t i = 0; i < n; i++) values[i] = 0.2 * rng_normal(7, (uint64_t)e, (uint64_t)i);
        status = store_write(ctx, p->w.store, e, values, RK_f64);
        FREE(values, n);
        GO(status);
    }
    GO(rk_session_open(&p->w, &(rk_session_options){ .chunk = 4 }, &p->s));
out:
    built_close(&built);
    return status;
}

static void end(struct played *p)
{
    rk_session_close(p->s);
    store_close(p->w.store);
    rk_device_close(p->device);
    rk_model_close(p->m);
}

static rk_status feed(rk_ctx *ctx, struct played *p, float *logits)
{
    uint32_t ids[FED];
    for (uint32_t i = 0; i < FED; i++) ids[i] = i * i % VOCAB;
    TRY(rk_session_feed(p->s, ids, FED - 2, logits));
    TRY(rk_session_feed(p->s, ids + FED - 2, 1, logits));
    return rk_session_feed(p->s, ids + FED - 1, 1, logits);
}

struct sums { uint64_t rows, calls, products, elementwise, bytes; double seconds; };

static bool add(void *user, const rk_profile_row *r)
{
    struct sums *s = user;
    s->rows++;
    s->calls += r->calls;
    s->products += r->product_flops;
    s->elementwise += r->elementwise_flops;
    s->bytes += r->bytes;
    s->seconds += r->seconds;
    EXPECT(r->calls > 0 && r->seconds >= 0);
    return true;
}

static void check_sums(rk_ctx *ctx, rk_profile *p, const struct played *played)
{
    rk_profiled all;
    uint64_t issued = 0;
    rk_profile_total(p, &all);
    for (int i = 0; i < played->s->plan->n_steps; i++) issued += played->s->run->issued[i];
    EXPECT_INT(all.runs, 5);                            /* 9 tokens in chunks of 4, and two more */
    EXPECT_INT(all.calls, 5 * played->s->plan->n_steps);
    EXPECT_INT(all.product_flops, issued);
    EXPECT(all.seconds > 0 && all.span >= all.seconds);
    for (int by = RK_PROFILE_BY_OP; by <= RK_PROFILE_BY_STEP; by++) {
        struct sums s = { 0 };
        OK(ctx, rk_profile_rows(p, (rk_profile_by)by, add, &s));
        EXPECT_INT(s.calls, all.calls);
        EXPECT_INT(s.products, all.product_flops);
        EXPECT_INT(s.elementwise, all.elementwise_flops);
        EXPECT_INT(s.bytes, all.bytes);
        EXPECT_NEAR(s.seconds, all.seconds, 1e-9 * all.seconds);
        if (by == RK_PROFILE_BY_STEP) EXPECT_INT(s.rows, played->s->plan->n_steps);
        else EXPECT(s.rows > 3 && s.rows < (uint64_t)played->s->plan->n_steps);
    }
}

TEST(profiles_count_what_is_issued_and_change_nothing)
{
    static const int models[] = { 0, 3, 6, 9 };
    rk_ctx *ctx = test_ctx();
    char spec[TINY_ROOM];
    float with[VOCAB], without[VOCAB];
    for (int i = 0; i < 4; i++) {
        struct played p = { 0 };
        rk_profile *profile;
        OK(ctx, rk_profile_open(ctx, NULL, &profile));
        OK(ctx, random_weights(ctx, tiny_model(models[i], VOCAB, CONTEXT, spec), "cpu", &p));
        OK(ctx, feed(ctx, &p, with));
        check_sums(ctx, profile, &p);
        rk_profile_close(profile);
        OK(ctx, rk_session_rewind(p.s, 0));             /* a session goes on when its profile is gone */
        OK(ctx, feed(ctx, &p, without));
        EXPECT(memcmp(with, without, sizeof with) == 0);
        end(&p);
    }
}

/* A table of which few rows are read, a cache into which few are written: only those count. */
static bool bytes_of(void *user, const rk_profile_row *r)
{
    uint64_t *bytes = user;
    if (strcmp(r->op, "append") == 0) bytes[0] += r->bytes;
    if (strcmp(r->op, "gather") == 0 && strcmp(r->module, "embed") == 0) bytes[1] += r->bytes;
    return true;
}

TEST(rows_that_are_touched)
{
    rk_ctx *ctx = test_ctx();
    char spec[TINY_ROOM];
    float logits[VOCAB];
    struct played p = { 0 };
    rk_profile *profile;
    uint64_t bytes[2] = { 0 };
    OK(ctx, rk_profile_open(ctx, NULL, &profile));
    OK(ctx, random_weights(ctx, tiny_model(0, VOCAB, CONTEXT, spec), "cpu", &p));
    OK(ctx, feed(ctx, &p, logits));
    OK(ctx, rk_profile_rows(profile, RK_PROFILE_BY_STEP, bytes_of, bytes));
    EXPECT_INT(bytes[0], 2 * 2 * 2 * FED * 24 * 4);     /* k and v of two layers, read and written */
    EXPECT_INT(bytes[1], FED * (2 * 24 + 1) * 4);       /* a row read and written, and its id */
    rk_profile_close(profile);
    end(&p);
}

TEST(places_of_rows_are_read_too)
{
    rk_ctx *ctx = test_ctx();
    char spec[TINY_ROOM];
    float logits[VOCAB];
    struct played p = { 0 };
    rk_profile *profile;
    uint64_t bytes[2] = { 0 };
    OK(ctx, random_weights(ctx, tiny_model(0, VOCAB, CONTEXT, spec), "cpu", &p));
    rk_session_close(p.s);
    OK(ctx, rk_profile_open(ctx, NULL, &profile));
    OK(ctx, rk_session_open(&p.w, &(rk_session_options){ .chunk = 4, .ragged = true }, &p.s));
    OK(ctx, feed(ctx, &p, logits));
    OK(ctx, rk_profile_rows(profile, RK_PROFILE_BY_STEP, bytes_of, bytes));
    EXPECT_INT(bytes[0], 2 * 2 * 2 * FED * 24 * 4 + 2 * 2 * 5 * 4);         /* one place, in each of 5 runs */
    rk_profile_close(profile);
    end(&p);
}

static bool stop(void *user, const rk_profile_row *r)
{
    (void)user, (void)r;
    return false;
}

TEST(a_trace_has_every_step)
{
    rk_ctx *ctx = test_ctx();
    char spec[TINY_ROOM], path[4096];
    float logits[VOCAB];
    (void)snprintf(path, sizeof path, "%s/trace.json", test_temporary());
    for (int64_t most = 0; most <= 20; most += 20) {
        struct played p = { 0 };
        rk_profile *profile, *second;
        rk_profiled all;
        struct json_doc doc = { 0 };
        const struct json *events;
        OK(ctx, rk_profile_open(ctx, &(rk_profile_options){ .trace = true, .most_events = most }, &profile));
        FAILS(ctx, rk_profile_open(ctx, NULL, &second), RK_E_ARG, "a profile already");
        OK(ctx, random_weights(ctx, tiny_model(0, VOCAB, CONTEXT, spec), "cpu", &p));
        OK(ctx, feed(ctx, &p, logits));
        rk_profile_total(profile, &all);
        EXPECT_INT(all.events + all.lost, all.calls + all.runs);
        if (most > 0) EXPECT_INT(all.events, most);
        OK(ctx, rk_profile_trace(profile, path));
        OK(ctx, json_load(ctx, &doc, path, 0));
        OK(ctx, json_get_array(ctx, doc.root, "traceEvents", &events));
        EXPECT_INT(events->n, all.events + 1);
        for (uint32_t i = 1; i < events->n; i++) {
            double at, duration;
            OK(ctx, json_get_double(ctx, &events->at[i], "ts", &at));
            OK(ctx, json_get_double(ctx, &events->at[i], "dur", &duration));
            EXPECT(at >= 0 && duration >= 0);
        }
        json_clear(ctx, &doc);
        FAILS(ctx, rk_profile_rows(profile, RK_PROFILE_BY_OP, stop, NULL), RK_E_CANCELLED, "stopped");
        FAILS(ctx, rk_profile_trace(profile, "/nowhere/trace.json"), RK_E_MISSING, "/nowhere");
        rk_profile_close(profile);
        end(&p);
    }
    rk_profile *plain;
    OK(ctx, rk_profile_open(ctx, NULL, &plain));
    FAILS(ctx, rk_profile_trace(plain, path), RK_E_ARG, "without a trace");
    rk_profile_close(plain);
}

/* --- without memory --- */

static rk_status profiled(rk_ctx *ctx)
{
    char spec[TINY_ROOM], path[4096];
    float logits[VOCAB];
    struct played p = { 0 };
    rk_profile *profile = NULL;
    struct sums sums = { 0 };
    rk_status status;
    (void)snprintf(path, sizeof path, "%s/trace.json", test_temporary());
    GO(rk_profile_open(ctx, &(rk_profile_options){ .trace = true }, &profile));
    GO(random_weights(ctx, tiny_model(1, VOCAB, CONTEXT, spec), "ref", &p));
    GO(feed(ctx, &p, logits));
    GO(rk_profile_rows(profile, RK_PROFILE_BY_MODULE, add, &sums));
    GO(rk_profile_trace(profile, path));
out:
    rk_profile_close(profile);
    end(&p);
    return status;
}

/* The allocations of a profile come last or lie between the session's: every 7th is enough to meet all kinds. */
TEST(profiles_without_memory)
{
    int64_t step = TEST_SANITIZED ? 97 : 13;
    for (int64_t n = 0;; n += step) {
        rk_ctx *ctx = test_fault_ctx(n);
        rk_status status = profiled(ctx);
        bool failed = test_fault_close(ctx);
        EXPECT(failed ? status == RK_E_NOMEM : status == RK_OK);
        if (!failed) break;
    }
}
