# tools/verify-hub: which models have published outputs, and that it tells the same from others. The weights are nobody's here: a
# command that says what is published stands in for them, and one that says something else.
. tests/cli/check.sh

published='373, 1043, 287, 257, 2214, 1474, 262, 16246, 286, 2688, 290, 2688, 27262, 13, 198, 198, 464, 3290'
mkdir hub other
echo '{"model_type": "gpt2", "n_embd": 768, "n_layer": 12}' >hub/config.json
echo '{"model_type": "gpt2", "n_embd": 24, "n_layer": 3}' >other/config.json
stand_in() { printf '#!/bin/sh\necho '\''{ "prompt": [464, 3290], "samples": [ { "ids": [%s] } ] }'\''\n' "$2" >"$1"; chmod +x "$1"; }
stand_in right "$published"
stand_in wrong "374${published#373}"

ends 0 env RECKON="$PWD/right" "$source_folder/tools/verify-hub" "$PWD/hub"; prints "the same: 373 1043"; prints "what is published"
ends 1 env RECKON="$PWD/wrong" "$source_folder/tools/verify-hub" "$PWD/hub"; prints "here:      374 1043"; prints "NOT what is published"
ends 3 env RECKON="$PWD/right" "$source_folder/tools/verify-hub" "$PWD/other"; prints "width 24"
ends 3 "$source_folder/tools/verify-hub" "$PWD/nowhere"; warns "config.json"
ends 2 "$source_folder/tools/verify-hub"; warns "usage"

finish
