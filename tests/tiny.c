/* tiny.c: see tiny.h. */
#include "tiny.h"
#include <stdio.h>
#include <string.h>

static const struct { const char *preset, *sizes; } models[] = {
    { "gpt2",       "hidden=24,head=3" },
    { "gpt2",       "hidden=8,head=1,ff=20,bias=false,act=gelu_10" },
    { "gpt2",       "hidden=8,head=2,tied=false,by_layer=true" },
    { "cs336-17m",  "hidden=32,head=4,ff=40" },
    { "cs336-17m",  "hidden=16,head=2,ff=24,tied=true,ffn=silu,post=true" },
    { "cs336-17m",  "hidden=20,head=5,ff=40,edition=2024,no_norm=true" },
    { "gpt-j-6b",   "hidden=24,head=3,ff=40,rotary=4" },
    { "gpt-j-6b",   "hidden=16,head=1,rotary=null,tied=true,act=gelu" },
    { "pythia-14m", "hidden=24,head=3,ff=40" },
    { "pythia-14m", "hidden=20,head=2,ff=24,rotary=0.3,parallel=false,attn_bias=false,tied=true" },     /* 3 of 10: 4 turn */
    { "nanogpt",    "hidden=24,head=3" },
    { "nanogpt",    "hidden=8,head=2,bias=true,scale=false" },
    { "bert-tiny",  "hidden=24,head=3,ff=40" },
    { "bert-tiny+pretraining", "hidden=8,head=2,ff=20,types=3,act=gelu_new,tied=false,pad=3" },
    { "transformer-base", "hidden=24,head=3,ff=40,source_layer=1" },
    { "transformer-base", "hidden=16,head=2,ff=24,source_layer=1,source_head=4,source_ff=20,pre_norm=true,final_norm=true,bias=false,places=none,share=false,tied=false" },
    { "opus-mt-en-de", "hidden=24,head=3,ff=40,source_layer=1,source_head=2,source_ff=20,pad=3" },
    { "opus-mt-en-de", "hidden=16,head=2,ff=24,source_layer=1,source_head=2,source_ff=24,act=relu,scaled=false,tied=false,share=false" },
    { "annotated-copy", "hidden=24,head=3,ff=40,source_layer=1" },
    { "annotated-copy", "hidden=8,head=2,ff=12,source_layer=1,source_head=4,source_ff=9,eps=0.001" },
};
_Static_assert(sizeof models / sizeof *models == TINY_MODELS, "the number of rows");

const char *tiny_model(int i, int64_t vocab, int64_t position, char room[TINY_ROOM])
{
    int n = snprintf(room, TINY_ROOM, "%s:layer=2,vocab=%lld,position=%lld,%s", models[i].preset, (long long)vocab, (long long)position, models[i].sizes);
    if (strstr(models[i].sizes, "source_layer") != NULL) (void)snprintf(room + n, (size_t)(TINY_ROOM - n), ",source_vocab=%lld", (long long)vocab);
    return room;
}
