/* source.c: see source.h. Pages of a mapped file that were taken are given back, so that a file larger than memory stays in bounds. */
#include "base/source.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PACKED = 1 << 18, LEAST = 1 << 18, MAGIC = 4 };

/* ---- bytes of the file as it is ---- */

static rk_status read_some(rk_ctx *ctx, struct source *s, unsigned char *to, size_t n, size_t *got)
{
    ssize_t did;
    do {
        if (s->stop.asks != NULL && s->stop.asks(s->stop.user)) return FAIL(RK_E_CANCELLED, "stopped while reading %s, after %llu bytes", s->name, (unsigned long long)s->read);
        did = read(s->fd, to, n < (size_t)1 << 30 ? n : (size_t)1 << 30);
    } while (did < 0 && errno == EINTR);
    if (did < 0) return FAIL_OS(errno, "read", s->name);
    *got = (size_t)did;
    s->read += *got;
    return RK_OK;
}

/* A few bytes more of what is packed; *ended when there are none. */
static rk_status more_packed(rk_ctx *ctx, struct source *s, bool *ended)
{
    size_t got;
    *ended = s->fd < 0;                                               /* mapped: all there */
    if (s->fd < 0) return RK_OK;
    if (s->packed_at > 0) memmove(s->packed, s->packed + s->packed_at, s->packed_n - s->packed_at);
    s->packed_n -= s->packed_at;
    s->packed_at = 0;
    TRY(read_some(ctx, s, s->packed + s->packed_n, PACKED - s->packed_n, &got));
    s->packed_n += got;
    *ended = got == 0;
    return RK_OK;
}

static const unsigned char *packed_bytes(const struct source *s) { return s->fd < 0 ? s->view.at : s->packed; }

/* ---- the window ---- */

static rk_status make_room(rk_ctx *ctx, struct source *s, size_t most)
{
    if (s->begin > 0) {
        memmove(s->text, s->text + s->begin, s->n);
        s->begin = 0;
    }
    size_t room = s->room == 0 ? LEAST : s->room;
    if (s->n == s->room && s->room > 0) room = s->room * 2;
    if (s->n >= most) return FAIL(RK_E_LIMIT, "%s: more than %zu bytes that cannot be looked at in parts", s->name, most);
    if (room > s->room) TRY(GROW(s->text, s->room, room));
    s->room = room;
    return RK_OK;
}

static rk_status unpack_more(rk_ctx *ctx, struct source *s)
{
    size_t used, made;
    TRY(unpack_some(ctx, s->unpacker, packed_bytes(s) + s->packed_at, s->packed_n - s->packed_at, &used, s->text + s->n, s->room - s->n, &made));
    s->n += made;
    s->packed_at += used;
    if (s->fd < 0) s->read = s->packed_at;
    if (made == 0 && used == 0) TRY(more_packed(ctx, s, &s->ended));
    if (!s->ended) return RK_OK;
    TRY(unpack_end(ctx, s->unpacker));
    unpack_close(ctx, s->unpacker);                                   /* and its memory, which may be more than the window's */
    s->unpacker = NULL;
    return RK_OK;
}

static rk_status read_more(rk_ctx *ctx, struct source *s)
{
    size_t got;
    TRY(read_some(ctx, s, s->text + s->n, s->room - s->n, &got));
    s->ended = got == 0;
    s->n += got;
    return RK_OK;
}

/* The window is filled before it grows, and grows by doubling: who looks at all of it each time looks at each byte twice or so. */
rk_status source_more(rk_ctx *ctx, struct source *s, size_t most)
{
    if (s->ended) return RK_OK;
    TRY(make_room(ctx, s, most));
    s->at = s->text;
    while (!s->ended && s->n < s->room) TRY(s->unpacker != NULL ? unpack_more(ctx, s) : read_more(ctx, s));
    return RK_OK;
}

void source_take(struct source *s, size_t n)
{
    if (n == 0) return;
    s->n -= n;
    if (s->text != NULL) {
        s->begin += n;
        s->at = s->text + s->begin;
        return;
    }
    file_pass(&s->view, s->at, n);
    s->at += n;
    s->read += n;
}

/* ---- opening ---- */

static rk_status begin_unpacking(rk_ctx *ctx, struct source *s, const unsigned char *first, size_t n)
{
    enum packing packing = packing_of(first, n);
    return packing == PACKED_NOT ? RK_OK : unpack_open(ctx, packing, s->name, &s->unpacker);
}

static rk_status open_mapped(rk_ctx *ctx, const char *path, struct source *s)
{
    TRY(file_map(ctx, path, &s->view));
    s->size = s->view.n;
    TRY(begin_unpacking(ctx, s, s->view.at, s->view.n));
    if (s->unpacker != NULL) {
        s->packed_n = s->view.n;
        return RK_OK;
    }
    s->at = s->view.at;
    s->n = s->view.n;
    s->ended = true;
    return RK_OK;
}

/* The first bytes say whether it is packed; if not, they begin the window. */
static rk_status open_stream(rk_ctx *ctx, const char *path, struct source *s)
{
    bool ended = false, standard = strcmp(path, "-") == 0;
    s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) return FAIL_OS(errno, "open", path);
    TRY(NEW(s->packed, PACKED));
    while (!ended && s->packed_n < MAGIC) TRY(more_packed(ctx, s, &ended));
    TRY(begin_unpacking(ctx, s, s->packed, s->packed_n));
    if (s->unpacker != NULL) return RK_OK;
    TRY(NEW(s->text, PACKED * 2));
    s->room = PACKED * 2;
    memcpy(s->text, s->packed, s->packed_n);
    s->at = s->text;
    s->n = s->packed_n;
    s->ended = ended;
    return RK_OK;
}

rk_status source_open(rk_ctx *ctx, const char *path, struct source_stop stop, struct source *s)
{
    struct stat about;
    *s = (struct source){ .fd = -1, .stop = stop, .name = strcmp(path, "-") == 0 ? "standard input" : path };
    bool regular = strcmp(path, "-") != 0 && stat(path, &about) == 0 && ((S_ISREG(about.st_mode) && about.st_size > 0) || S_ISDIR(about.st_mode));
    rk_status status = regular ? open_mapped(ctx, path, s) : open_stream(ctx, path, s);
    if (status != RK_OK) source_close(ctx, s);
    return status;
}

void source_close(rk_ctx *ctx, struct source *s)
{
    unpack_close(ctx, s->unpacker);
    file_unmap(&s->view);
    if (s->fd > STDIN_FILENO) (void)close(s->fd);
    if (s->packed != NULL) FREE(s->packed, PACKED);
    FREE(s->text, s->room);
    *s = (struct source){ .fd = -1 };
}
