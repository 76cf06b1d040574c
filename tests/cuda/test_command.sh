# the command on a CUDA device: a run of training gives the losses of the processor, and goes on from its checkpoint.
. tests/cli/check.sh

cat "$source_folder/CONTRIBUTING.md" >text
reckon tok train text --vocab-size 300 --special '<|endoftext|>' --output tok --quiet >/dev/null
sizes=cs336-17m:d_model=16,num_layers=1,num_heads=2,d_ff=24,context_length=16
train() { reckon train text --tokenizer tok --model $sizes --batch 2 --threads 1 --warmup 2 --cycle 4 --quiet "$@"; }

if ! train --steps 1 --device cuda >said 2>&1 && grep -qE 'no CUDA device|no CUDA back end|is not here' said; then cat said; exit 77; fi

losses() { sed -n 's/.*"event": "step".*"loss": \([0-9.e+-]*\).*/\1/p' "$1"; }
ends 0 train --steps 4 --json --device cpu;  losses "$out" >cpu
ends 0 train --steps 4 --json --device cuda; losses "$out" >cuda
is "steps" "$(wc -l <cuda | tr -d ' ')" 4
is "losses that differ" "$(paste cpu cuda | awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-4 * $1) n++ } END { print n + 0 }')" 0

ends 0 train --steps 4 --device cuda --output whole
ends 0 train --steps 2 --device cuda --output cut
ends 0 reckon train text --resume --output cut --steps 4 --cycle 4 --threads 1 --device cuda --quiet
cmp -s whole/model.safetensors cut/model.safetensors && pass || fail "a run in two parts ends with other weights"

# Beams move the sequences of a batch about, which lie in the device's memory.
ends 0 reckon generate whole "The " --beams 3 --max-new-tokens 12 --device cpu --quiet;  cp "$out" cpu
ends 0 reckon generate whole "The " --beams 3 --max-new-tokens 12 --device cuda --quiet; cp "$out" cuda
cmp -s cpu cuda && pass || fail "beams end elsewhere on the device"
finish
