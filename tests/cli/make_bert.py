"""A tiny BERT in a folder: config.json, vocab.txt, model.safetensors with weights by a formula. python3 make_bert.py FOLDER"""
import json, os, struct, sys

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
words = "[PAD] [UNK] [CLS] [SEP] [MASK] . , the a an cat dog sat ran on under mat tree in sun ##s is of capital france paris it".split()
V, D, F, P, L = len(words), 16, 24, 24, 2
config = dict(model_type="bert", architectures=["BertForPreTraining"], vocab_size=V, hidden_size=D, num_hidden_layers=L, num_attention_heads=2,
              intermediate_size=F, max_position_embeddings=P)
shapes = {"bert.embeddings.word_embeddings.weight": [V, D], "bert.embeddings.position_embeddings.weight": [P, D],
          "bert.embeddings.token_type_embeddings.weight": [2, D], "bert.embeddings.LayerNorm.gamma": [D], "bert.embeddings.LayerNorm.beta": [D],
          "bert.embeddings.position_ids": [1, P]}


def dense(name, out, width):
    shapes[name + ".weight"] = [out, width]
    shapes[name + ".bias"] = [out]


def norm(name):
    shapes[name + ".LayerNorm.gamma"] = [D]
    shapes[name + ".LayerNorm.beta"] = [D]


for i in range(L):
    at = f"bert.encoder.layer.{i}."
    for part in "query", "key", "value":
        dense(at + "attention.self." + part, D, D)
    dense(at + "attention.output.dense", D, D)
    norm(at + "attention.output")
    dense(at + "intermediate.dense", F, D)
    dense(at + "output.dense", D, F)
    norm(at + "output")
dense("bert.pooler.dense", D, D)
dense("cls.predictions.transform.dense", D, D)
norm("cls.predictions.transform")
shapes["cls.predictions.bias"] = [V]
shapes["cls.seq_relationship.weight"] = [2, D]
shapes["cls.seq_relationship.bias"] = [2]

header, data, state = {}, b"", 1
for name, shape in shapes.items():
    n = 1
    for size in shape:
        n *= size
    if name.endswith("position_ids"):
        dtype, body = "I64", struct.pack(f"<{n}q", *range(n))
    else:
        values = []
        for _ in range(n):
            state = (state * 1103515245 + 12345) % 2**31
            values.append((1.0 if name.endswith("gamma") else 0.0) + (state / 2**31 - 0.5) * 0.8)
        dtype, body = "F32", struct.pack(f"<{n}f", *values)
    header[name] = dict(dtype=dtype, shape=shape, data_offsets=[len(data), len(data) + len(body)])
    data += body
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(folder + "/model.safetensors", "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
with open(folder + "/config.json", "w") as f:
    json.dump(config, f)
with open(folder + "/vocab.txt", "w") as f:
    f.write("\n".join(words) + "\n")
with open(folder + "/tokenizer_config.json", "w") as f:
    json.dump(dict(do_lower_case=True), f)
