/* reckon tok: text that becomes numbers, and back. Its commands are in cmd_tok_train.c, cmd_tok_encode.c and so on. */
#include "command.h"

extern const struct command cmd_tok_train, cmd_tok_count, cmd_tok_encode, cmd_tok_decode, cmd_tok_split, cmd_tok_view, cmd_tok_convert, cmd_tok_diff, cmd_tok_stats;

static const struct command *const commands[] = { &cmd_tok_train, &cmd_tok_count, &cmd_tok_encode, &cmd_tok_decode, &cmd_tok_split, &cmd_tok_view, &cmd_tok_convert, &cmd_tok_diff, &cmd_tok_stats, NULL };

const struct command cmd_tok = {
    .name = "tok", .purpose = "train a tokenizer, encode text, decode tokens", .commands = commands,
    .notes = "A tokenizer is a folder with tokenizer.json, or with vocab.json and merges.txt, as Hugging Face keeps it. Text is bytes: "
             "whatever they are, encoding and decoding gives them back.",
};
