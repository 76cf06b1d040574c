/* html.h: a bill as a page: one file, made to be looked at, that asks nobody for anything.
 *
 *   html_page.c      the page, its table of numbers     html_bars.c      what falls to which module
 *   html_write.c     text made safe, marks, axes        html_tree.c      the modules within each other
 *   html.css         how it looks                       html_time.c      memory over the steps of the program
 *   html.js          what pointing and keys tell        html_context.c   over lengths of context
 *                                                       html_roof.c      arithmetic against bandwidth
 *
 * Pictures are SVG with widths in percent and heights in pixels, so that they fit a page of any width while their letters keep
 * their size. Each mark carries what it says as its <title>; the script shows that to a pointer and to the keyboard. Whatever
 * comes from outside (names of models) passes through html_text or html_say. */
#ifndef CLI_HTML_H
#define CLI_HTML_H
#include "count.h"

extern const unsigned char html_style[], html_script[];     /* made of html.css and html.js */

void html(FILE *f, const char *format, ...) RK_PRINTF(2, 3);            /* as it stands: our own words and numbers */
void html_text(FILE *f, const char *text);                              /* made safe, for text and for attributes */
void html_say(FILE *f, const char *format, ...) RK_PRINTF(2, 3);        /* formatted, then made safe */
void html_json(FILE *f, const char *json);                              /* safe within <script>; integers beyond 2^53 as strings */

/* A mark: <g> with its title. The words may have several lines; what stands in the mark is written in between. The first mark
 * of a picture is where the tab key arrives, arrows go on from there. */
void mark_open(FILE *f, const char *classes, bool first, const char *format, ...) RK_PRINTF(4, 5);
void mark_close(FILE *f);

void html_parts(FILE *f);                                               /* the legend of the parts */
void figure_open(FILE *f, const char *head, const char *about);         /* <figure>, its caption */
void figure_close(FILE *f);
void svg_open(FILE *f, int high, const char *title, const char *about);
void svg_close(FILE *f);
void numbers_open(FILE *f, const char *heads);                          /* a table to unfold; heads apart by |, right-aligned but the first */
void numbers_close(FILE *f);

/* A scale from a value to percent of the width or pixels from the top, linear or by the logarithm. */
struct scale { double from, to, low, high; bool log; };                 /* from .. to become low .. high */
double scale_at(const struct scale *s, double value);
struct say without_zeros(struct say number);                                     /* without zeros behind the point: "5 GFLOP" */
double step_of(double most);                                            /* between lines of a scale from 0: 1, 2 or 5 times a power of ten */

const char *short_name(const char *module);                             /* the last name of the path, or "model" */

void html_bars(struct counting *k, FILE *f);
void html_tree(struct counting *k, struct counted *x, FILE *f);
void html_time(struct counting *k, struct counted *x, FILE *f);
void html_context(struct counting *k, struct counted *x, FILE *f);
void html_roof(struct counting *k, struct counted *x, FILE *f);

#endif
