/* reckon tok convert: a tokenizer from one format into others. */
#include "command.h"
#include "out.h"
#include "reckon/tok.h"

static const struct option options[] = {
    { "pattern",   'p', OPT_TEXT, "gpt2|cl100k|o200k|REGEX", "(by the name of the file)", "a .tiktoken: what cuts text into words" },
    { "lowercase", 0,   OPT_FLAG, NULL, NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { 0 }
};

static int run(struct cli *c)
{
    rk_tok *tok = NULL;
    rk_tok_opening how = { .pattern = cli_given(c, "pattern") ? cli_text(c, "pattern") : NULL, .lowercase = cli_flag(c, "lowercase") };
    CLI_TRY(c, rk_tok_open_as(c->ctx, c->args[0], &how, &tok));
    int code = cli_try(c, rk_tok_save(c->ctx, tok, c->args[1]));
    if (code == CLI_OK)
        (void)fprintf(c->out, "%s: %s tokens, %s merges, %s special or added\n", c->args[1], say_count(rk_tok_size(tok)).at, say_count(rk_tok_merges(tok)).at,
                      say_count(rk_tok_specials(tok)).at);
    rk_tok_close(c->ctx, tok);
    return code;
}

static const struct example examples[] = {
    { "tok convert tok tok.tiktoken",  "the tokens and ranks alone", NULL },
    { "tok convert tok.tiktoken tok-again", "and back; special tokens are lost", NULL },
    { 0 }
};

const struct command cmd_tok_convert = {
    .name = "convert", .arguments = "TOKENIZER OUTPUT", .purpose = "a tokenizer in other formats", .options = options, .examples = examples, .run = run,
    .notes = "TOKENIZER is a folder, a tokenizer.json, a vocab.json with a merges.txt beside it, a vocab.txt or a .tiktoken. OUTPUT is a folder, which "
             "gets tokenizer.json and the files of its kind (vocab.json and merges.txt, or vocab.txt), or a file that ends in .tiktoken.",
};
