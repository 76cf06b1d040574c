# reckon train of BERT and of encoders and decoders, from the outside: what they learn from, what is left out or cut, what is wrong.
. tests/cli/check.sh

cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '[PAD]' --special '[UNK]' --special '[CLS]' --special '[SEP]' --special '[MASK]' --output tok --quiet >/dev/null
reckon tok encode --tokenizer tok text --end '[SEP]' --output text.bin --quiet >/dev/null
bert=hidden_size=16,num_hidden_layers=1,num_attention_heads=2,intermediate_size=24,max_position_embeddings=32
towers=d_model=16,num_encoder_layers=1,num_decoder_layers=1,nhead=2,dim_feedforward=24
train() { reckon train "$@" --tokenizer tok --batch 4 --threads 1 --warmup 2 --blas own; }
same() { cmp -s "$1/model.safetensors" "$2/model.safetensors" && pass || fail "$1 and $2 have other weights"; }

# BERT, both heads: of texts and of tokens the same; cut and resumed; the bill holds
for head in mlm pretraining; do
    ends 0 train text.bin --model bert-tiny+$head:$bert --steps 4 --output $head --receipt $head.json
    prints "what it will cost"; prints "vocab=300,pad=0"; warns "validation loss"; warns ", saved"
    ends 0 train text --end '[SEP]' --model bert-tiny+$head:$bert --steps 4 --output $head-text --quiet;   same $head $head-text
    ends 0 train text.bin --model bert-tiny+$head:$bert --steps 2 --cycle 4 --output $head-cut --quiet
    ends 0 train text.bin --resume --steps 4 --cycle 4 --output $head-cut;                     same $head $head-cut; warns "resumed from"
    ends 0 reckon count $head --check $head.json
    ends 0 reckon check $head
    holds $head.json '"family": "bert"'; holds $head.json '"bigram_loss": null'
done
ends 1 train text.bin --resume --steps 6 --mask-rate 0.4 --output mlm;  warns "another mask-rate"
ends 3 reckon generate mlm --ids 1 --blas own;                                    warns "does not continue a text"

# pairs: every way of giving them is the same
awk 'BEGIN { for (i = 11; i <= 70; i++) printf "the %d old foxes\tfoxes old %d the\n", i, i }' >pairs.tsv
cut -f1 pairs.tsv >sources; cut -f2 pairs.tsv >targets
sed 's/\(.*\)	\(.*\)/{"en": "\1", "de": "\2"}/' pairs.tsv >pairs.jsonl
model=transformer-base:$towers
ends 0 train pairs.tsv --model $model --steps 4 --output pairs --receipt pairs.json
prints "S 13"; prints "pairs by AdamW"; prints "start=2"; warns "60 pairs"; warns ", saved"
holds pairs.json '"source_seq": 13'
ends 0 train sources targets --model $model --steps 4 --output lines --quiet;                                               same pairs lines
ends 0 train pairs.jsonl --source-field en --target-field de --model $model --steps 4 --output objects --quiet;              same pairs objects

ends 0 train pairs.tsv --model $model --steps 2 --cycle 4 --output pairs-cut --quiet
ends 0 train pairs.tsv --resume --steps 4 --cycle 4 --output pairs-cut --quiet;                                             same pairs pairs-cut
ends 0 reckon count pairs --check pairs.json
ends 2 reckon count pairs --check pairs.json --source-seq 9;                                    warns "had 13"
ends 0 reckon generate pairs --source "1" --greedy --max-new-tokens 4 --quiet --blas own
ends 2 reckon generate pairs --source 1 --source-ids 1;                                         warns "one of"
ends 0 train pairs.tsv --model opus-mt-en-de:d_model=16,encoder_layers=1,decoder_layers=1,encoder_attention_heads=2,decoder_attention_heads=2,encoder_ffn_dim=24,decoder_ffn_dim=24 --steps 1 --quiet
ends 0 train pairs.tsv --model annotated-copy:d_model=16,N=1,h=2,d_ff=24 --steps 1 --quiet

# two files of tokens: documents go together
for side in sources targets; do
    while IFS= read -r line; do printf '%s\n%%\n' "$line"; done <$side >$side.txt
    ends 0 reckon tok encode --tokenizer tok $side.txt --separator % --end '[SEP]' --output $side.bin --quiet
done
ends 0 train sources.bin targets.bin --model $model --steps 2 --quiet
head -c 200 targets.bin >fewer.bin
ends 2 train sources.bin fewer.bin --model $model --steps 2;                                    warns "60 sources, but"

# what is left out, and what is cut
{ cat pairs.tsv; printf '\n\t\n lonely\t\n\n'; } >gaps.tsv
ends 0 train gaps.tsv --model $model --steps 1;                                                 warns "60 pairs; 4 left out"
ends 0 train pairs.tsv --model $model --steps 1 --seq 5 --source-seq 4;                         warns "of 60 pairs are longer than a source of 4 and a target of 5"

# what is wrong
ends 2 train text.bin --model bert-tiny:$bert --mask-ends;                                      warns "--mask-ends is for models of the next token; this is BERT"
ends 2 train text.bin --model cs336-17m --mask-rate 0.2;                                        warns "--mask-rate is for models that learn what is hidden"
ends 2 train text.bin --model cs336-17m --source-seq 9;                                         warns "--source-seq is for models with an encoder"
ends 3 train text --model $model;                                                              warns "text, line 1: there is no tab"
{ head -2 pairs.jsonl; echo '{"en": "1"}'; } >missing.jsonl
ends 3 train missing.jsonl --source-field en --target-field de --model $model;                  warns "missing.jsonl"; warns "de"
head -59 targets >short
ends 3 train sources short --model $model;                                                     warns "line 60 is missing"
ends 2 train text.bin --model $model;                                                          warns "learns from pairs"
ends 2 train sources targets.bin --model $model;                                               warns "not one of each"
ends 2 train sources targets short --model $model;                                             warns "in one file, or in two"
printf '\n\n' >empty.tsv
ends 3 train empty.tsv --model $model;                                                         warns "no pairs in it"
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output plain --quiet >/dev/null
ends 3 reckon train text --tokenizer plain --blas own --model bert-tiny:$bert;                             warns "neither a token [MASK]"
ends 2 reckon train pairs.tsv --tokenizer plain --end '' --model $model;                         warns "give --end"
ends 2 reckon train pairs.tsv --tokenizer plain --blas own --model $model,bos_token_id=900;                warns "begins a target with the token 900"
ends 2 reckon train text.bin --model bert-tiny:$bert,vocab_size=300;                            warns "--tokenizer"
ends 3 train text.bin --model bert-tiny+model:$bert;                                            warns "has no loss"; warns "NAME+mlm"

finish
