/* bytelevel.h: how GPT-2's files spell bytes: every byte is one printable character.
 *
 * 0x21..0x7e, 0xa1..0xac and 0xae..0xff stand for themselves as code points; the other 68, in order, for U+0100 on. So a
 * space is U+0120, a line feed U+010A. Source: openai/gpt-2 encoder.py, bytes_to_unicode. */
#ifndef TOK_BYTELEVEL_H
#define TOK_BYTELEVEL_H
#include "base/str.h"

uint32_t bytelevel_code(unsigned char byte);
int      bytelevel_byte(uint32_t code);                               /* -1: no byte is spelled so */
RK_CHECK rk_status bytelevel_write(rk_ctx *ctx, struct str *to, const char *bytes, size_t n);    /* appends the spelling */
/* Bytes of a spelling, into out[n] at most; false when a character spells no byte. */
bool bytelevel_read(const char *spelling, size_t n, char *out, size_t *n_out);

/* The same as bytelevel_write, into room for BYTELEVEL_MOST bytes for each: the length. */
enum { BYTELEVEL_MOST = 2 };
size_t bytelevel_spell(const char *bytes, size_t n, char *out);

#endif
