/* out.h: what a person or a program gets to read: numbers as text, tables, JSON, the progress line. */
#ifndef CLI_OUT_H
#define CLI_OUT_H
#include "command.h"

/* Numbers as text. The result lives until the end of the full expression: printf("%s\n", say_count(n).at). */
struct say { char at[48]; };
struct say say_count(uint64_t n);                           /* 124,439,808 */
struct say say_bytes(uint64_t bytes);                       /* 474.7 MiB; below 1 KiB: 512 bytes */
struct say say_bytes_si(uint64_t bytes);                    /* 497.8 MB */
struct say say_si(double x, const char *unit);              /* 291.6 GFLOP; four digits, one prefix per factor of 1000 */
struct say say_seconds(double seconds);                     /* 12.5 ms, 5.2 s, 2 min 5 s, 1 h 3 min, 2 d 4 h */
struct say say_percent(double ratio);                       /* 0.523 -> 52.3 % */
struct say say_real(double x);                              /* the shortest text that reads back as the same double */

/* Text on a screen. Width counts code points. Control characters are shown as ?, so that a hostile name stays a name.
 * text_wrap begins where the cursor is, at `column`, and goes on there. Each line of the text is a paragraph; one that
 * begins with a blank stays as it is. */
int  text_width(const char *text, int bytes);
void text_put(FILE *to, const char *text, int bytes);
void text_wrap(FILE *to, const char *text, int column, int width);
bool text_ends_in(const char *text, const char *end);

/* A table: heads apart by |, one letter per column: l left, r right, w left and wrapped into what is left of the width.
 * Cells fill rows from left to right. Printing frees the table. */
struct table;
struct table *table_new(struct cli *c, const char *heads, const char *align);       /* heads NULL: none */
void table_cell(struct table *t, const char *format, ...) RK_PRINTF(2, 3);
void table_rule(struct table *t);                           /* a line below the last full row */
void table_print(struct table *t);

/* JSON, written as it comes: 64-bit integers exact, doubles shortest (whole ones in digits), NaN and infinity null, invalid UTF-8 as U+FFFD.
 * key is NULL in an array and at the top. */
enum { JSON_DEPTH = 32 };
struct json { FILE *out; bool one_line; int depth; struct { char kind; bool some, broken; } level[JSON_DEPTH]; };
void json_begin(struct json *j, FILE *out);                  /* one_line may be set afterwards: events, one per line */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j);                              /* of the innermost object or array */
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);
void json_number(struct json *j, const char *key, const char *digits);      /* of any size, as it stands */
void json_bool(struct json *j, const char *key, bool value);
void json_text(struct json *j, const char *key, const char *value);         /* NULL: null */
void json_bytes(struct json *j, const char *key, const void *bytes, size_t n);

double cli_seconds(void);                                    /* of a clock that only goes forward */
/* The progress of long work: one live line on a terminal, otherwise a plain line every few seconds; nothing with --quiet.
 * `fields` is printf's, may be "" and follows the rate and the time left. */
struct progress { struct cli *c; const char *what, *unit; uint64_t total; double began, shown; bool stale; char line[512]; };
void progress_begin(struct progress *p, struct cli *c, const char *what, const char *unit, uint64_t total);   /* total 0: not known */
void progress_step(struct progress *p, uint64_t done, const char *fields, ...) RK_PRINTF(3, 4);
void progress_end(struct progress *p);                      /* leaves the last line */
void progress_hide(struct cli *c);                          /* before another line goes to err: no live line is in its way */

#endif
