#!/usr/bin/env python3
"""What transformers generates with tiny random models, by many settings: expectations for `reckon verify`.

    python make_generate.py OUT [SEED [CASES]]       torch, transformers and safetensors must be there

Writes OUT/<family>-<i>/{config.json,model.safetensors,io.safetensors}; docs/formats.md tells what generate.* are. Weights are
N(0, 0.3), so that distributions are neither flat nor certain; prompts of a batch have lengths of their own, which transformers
pads in front. Its n-grams see that padding as tokens, so with no_repeat_ngram_size each row is generated alone. Nothing here is compared with anything: `for d in OUT/*; do reckon verify $d; done` does.
A norm over two values leaves so few that beams of a model of width 2 may tie in f32, and then be taken the other way: look at their scores (seed 502 has one).
"""
import json, os, sys, warnings
import torch, transformers as tf
from safetensors.torch import save_file

out, seed, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1, int(sys.argv[3]) if len(sys.argv) > 3 else 8
torch.set_num_threads(1)
warnings.filterwarnings("ignore")
tf.logging.set_verbosity_error()
g = torch.Generator().manual_seed(seed)
draw = lambda low, high: int(torch.randint(low, high + 1, (1,), generator=g))
pick = lambda *a: a[draw(0, len(a) - 1)]
none = dict(bos_token_id=1, eos_token_id=2)

def gpt2():
    h = draw(1, 4)
    return tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=draw(20, 90), n_positions=48, n_embd=h * draw(2, 8), n_layer=draw(1, 3), n_head=h, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **none))

def gptj():
    h, k = draw(1, 4), 4 * draw(1, 3)
    return tf.GPTJForCausalLM(tf.GPTJConfig(vocab_size=draw(20, 90), n_positions=48, n_embd=h * k, n_layer=draw(1, 3), n_head=h, rotary_dim=2 * draw(1, k // 2),
                                            resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, tie_word_embeddings=False, **none))

def neox():
    h = draw(1, 4)
    return tf.GPTNeoXForCausalLM(tf.GPTNeoXConfig(vocab_size=draw(20, 90), hidden_size=h * 8, num_hidden_layers=draw(1, 3), num_attention_heads=h, intermediate_size=draw(8, 60),
                                                  max_position_embeddings=48, use_parallel_residual=bool(draw(0, 1)), attention_dropout=0., hidden_dropout=0., tie_word_embeddings=False,
                                                  rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": .5}, **none))

def marian():
    v, h = draw(20, 90), draw(1, 3)
    return tf.MarianMTModel(tf.MarianConfig(vocab_size=v, decoder_vocab_size=v, d_model=8 * h, encoder_layers=draw(1, 2), decoder_layers=draw(1, 3), encoder_attention_heads=h, decoder_attention_heads=h,
                                            encoder_ffn_dim=draw(8, 50), decoder_ffn_dim=draw(8, 50), max_position_embeddings=48, activation_function=pick("swish", "relu", "gelu"), scale_embedding=True,
                                            dropout=0., attention_dropout=0., activation_dropout=0., pad_token_id=v - 1, eos_token_id=2, bos_token_id=1, decoder_start_token_id=v - 1, forced_eos_token_id=None))

def fill(m):
    for n, p in m.named_parameters():
        if "embed_positions" in n: continue                         # sinusoids stay what they are
        p.data = torch.randn(p.shape, generator=g) * .3
        if p.dim() == 1 and n.endswith("weight"): p.data += 1.
    m.tie_weights()

def settings(v, encoder):
    """Some settings, each asked for or not."""
    s = {"max_new_tokens": draw(1, 16)}
    if draw(0, 2): s.update(num_beams=draw(2, 5), length_penalty=pick(1., .6, 2., 0., -1.), early_stopping=pick(False, True, "never"))
    if draw(0, 2): s["eos_token_id"] = pick(draw(0, v - 1), [draw(0, v - 1), draw(0, v - 1)])
    if isinstance(s.get("eos_token_id"), list) and len(set(s["eos_token_id"])) < 2: s["eos_token_id"] = s["eos_token_id"][0]
    if not draw(0, 2): s["repetition_penalty"] = pick(1.3, .7, 2.)
    if not draw(0, 2): s["no_repeat_ngram_size"] = draw(1, 3)
    if not draw(0, 3): s["bad_words_ids"] = [[draw(0, v - 1) for _ in range(draw(1, 2))] for _ in range(draw(1, 4))]
    if not draw(0, 3): s["suppress_tokens"] = [draw(0, v - 1) for _ in range(draw(1, 5))]
    if "eos_token_id" in s and not draw(0, 2): s["min_new_tokens"] = draw(1, 6)
    if "eos_token_id" in s and not draw(0, 3): s["forced_eos_token_id"] = s["eos_token_id"] if isinstance(s["eos_token_id"], int) else s["eos_token_id"][0]
    if encoder and not draw(0, 4): s["forced_bos_token_id"] = draw(0, v - 1)
    if "eos_token_id" in s and not draw(0, 4): s["min_length"] = draw(1, 12)
    if not draw(0, 3): s["renormalize_logits"] = True
    if s.get("num_beams", 1) > 1 and draw(0, 1): s["num_return_sequences"] = draw(1, s["num_beams"])
    return s

def generate(m, s, ids, lengths, encoder):
    """Rows of new tokens, -1 behind the end, and what beams are worth."""
    if not encoder and len(set(lengths)) > 1 and ("no_repeat_ngram_size" in s or "min_length" in s):
        parts = [generate(m, s, ids[i:i + 1, :n], [n], encoder) for i, n in enumerate(lengths)]
        width = max(rows.shape[1] for rows, _ in parts)
        rows = torch.cat([torch.nn.functional.pad(rows, (0, width - rows.shape[1]), value=-1) for rows, _ in parts])
        return rows, torch.cat([worth for _, worth in parts]) if parts[0][1] is not None else None
    b, t = ids.shape
    pad = ids.clone(); mask = torch.zeros_like(ids)
    for i, n in enumerate(lengths):
        pad[i] = 0
        if encoder: pad[i, :n] = ids[i, :n]; mask[i, :n] = 1
        else: pad[i, t - n:] = ids[i, :n]; mask[i, t - n:] = 1
    gc = m.generation_config
    gc.eos_token_id = gc.forced_eos_token_id = gc.bad_words_ids = None
    with torch.no_grad():
        o = m.generate(input_ids=pad, attention_mask=mask, do_sample=False, return_dict_in_generate=True, output_scores=True, pad_token_id=0, **{"eos_token_id": None, **s})
    new = o.sequences[:, 1 if encoder else t:]
    ends = s.get("eos_token_id", []); ends = ends if isinstance(ends, list) else [ends]
    rows = torch.full_like(new, -1)
    for r in range(new.shape[0]):
        for i, x in enumerate(new[r].tolist()):
            rows[r, i] = x
            if x in ends: break
    return rows, o.sequences_scores.double() if s.get("num_beams", 1) > 1 else None

for family in (gpt2, gptj, neox, marian):
    for case in range(cases):
        m = family(); fill(m); m.eval()
        v = m.config.vocab_size; encoder = family is marian
        b, t = draw(1, 4), draw(1, 12)
        ids = torch.randint(3, v - 1, (b, t), generator=g); lengths = [t] + [draw(1, t) for _ in range(b - 1)]
        io = {"input_ids": ids, "generate.lengths": torch.tensor(lengths)}
        if encoder:
            io["decoder_input_ids"] = torch.full((b, 1), m.config.decoder_start_token_id)
        notes = {"made_with": f"torch {torch.__version__}, transformers {tf.__version__}", "seed": str(seed)}
        for k in range(6):
            s = settings(v, encoder)
            try: rows, worth = generate(m, s, ids, lengths, encoder)
            except (IndexError, RuntimeError, ValueError) as e:                                 # rules that leave no token, or fewer than beams want
                print(f"{family.__name__}-{case}: left out {s}: {e}", file=sys.stderr); continue
            if worth is not None and worth.min() < -1e8: continue                   # a search that found fewer sequences than it was asked for
            io[f"generate.{k}"] = rows; notes[f"generate.{k}"] = json.dumps(s)
            if worth is not None: io[f"generate.{k}.scores"] = worth
        d = os.path.join(out, f"{family.__name__}-{case}"); os.makedirs(d, exist_ok=True)
        with open(d + "/config.json", "w") as f: f.write(m.config.to_json_string())
        seen, state = set(), {}
        for n, x in m.state_dict().items():
            if x.data_ptr() not in seen: state[n] = x.clone().contiguous()
            seen.add(x.data_ptr())
        save_file(state, d + "/model.safetensors", metadata={"format": "pt"})
        save_file({n: x.contiguous() for n, x in io.items()}, d + "/io.safetensors", metadata=notes)
