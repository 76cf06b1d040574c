/* reckon tok convert: a tokenizer from one format into others. */
#include "command.h"
#include "out.h"
#include "reckon/tok.h"
#include <string.h>
#include <sys/stat.h>

static const struct option options[] = {
    { "pattern",   'p', OPT_TEXT, "gpt2|cl100k|o200k|REGEX", "(by the name of the file)", "a .tiktoken: what cuts text into words; must be there where the name is none of r50k, p50k, cl100k, o200k" },
    { "lowercase", 0,   OPT_FLAG, NULL, NULL, "a vocab.txt: lower-case the text, and drop accents" },
    { 0 }
};

static void tell(struct cli *c, const rk_tok *tok)
{
    struct json j;
    bool ranks = text_ends_in(c->args[1], ".tiktoken");
    if (ranks) cli_note(c, "a .tiktoken holds tokens and their ranks alone: pattern, normalizer and what is special about a token are not in it");
    if (!c->json) {
        (void)fprintf(c->out, "%s: %s tokens, %s merges", c->args[1], say_count(rk_tok_size(tok)).at, say_count(rk_tok_merges(tok)).at);
        if (!ranks) (void)fprintf(c->out, ", %s special or added", say_count(rk_tok_specials(tok)).at);
        (void)fputc('\n', c->out);
        return;
    }
    json_begin(&j, c->out);
    json_object(&j, NULL);
    json_text(&j, "schema", "reckon.tok.convert/1");
    json_text(&j, "output", c->args[1]);
    json_uint(&j, "vocab_size", rk_tok_size(tok));
    json_uint(&j, "merges", rk_tok_merges(tok));
    json_uint(&j, "specials", ranks ? 0 : rk_tok_specials(tok));
    json_end(&j);
}

static int run(struct cli *c)
{
    struct stat there;
    rk_tok *tok = NULL;
    rk_tok_opening how = { .pattern = cli_given(c, "pattern") ? cli_text(c, "pattern") : NULL, .lowercase = cli_flag(c, "lowercase") };
    bool file = text_ends_in(c->args[1], ".json") || text_ends_in(c->args[1], ".txt");
    if (file && stat(c->args[1], &there) != 0) return cli_usage(c, "OUTPUT is a folder, or ends in .tiktoken: \"%s\" looks like one of the files that a folder gets", c->args[1]);
    CLI_TRY(c, rk_tok_open_as(c->ctx, c->args[0], &how, &tok));
    int code = cli_try(c, rk_tok_save(c->ctx, tok, c->args[1]));
    if (code == CLI_OK) tell(c, tok);
    rk_tok_close(c->ctx, tok);
    return code;
}

static const struct example examples[] = {
    { "tok convert tok tok.tiktoken",  "the tokens and ranks alone", NULL },
    { "tok convert tok.tiktoken tok-again --pattern gpt2", "and back, cut by a pattern that the file does not say; special tokens are lost", NULL },
    { 0 }
};

const struct command cmd_tok_convert = {
    .name = "convert", .arguments = "TOKENIZER OUTPUT", .purpose = "a tokenizer in other formats", .options = options, .examples = examples, .json = true, .run = run,
    .notes = "TOKENIZER is a folder, a tokenizer.json, a vocab.json with a merges.txt beside it, a vocab.txt or a .tiktoken. OUTPUT is a folder, which "
             "gets tokenizer.json and the files of its kind (vocab.json and merges.txt, or vocab.txt), or a file that ends in .tiktoken.",
};
