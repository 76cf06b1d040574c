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
ends 1 env RECKON="$PWD/wrong" "$source_folder/tools/verify-hub" "$PWD/hub"; prints "here:      374 1043"; prints "token 1 of those that follow: 373 is published, here it is 374"; prints "NOT what is published"
stand_in short "${published%, 198, 464, 3290}"
ends 1 env RECKON="$PWD/short" "$source_folder/tools/verify-hub" "$PWD/hub"; prints "token 16 of those that follow: 198 is published, here it is none"

# of text: GPT-J's rows, of which the first is of ids
mkdir gptj && echo '{"model_type": "gptj", "n_embd": 4096, "n_layer": 28}' >gptj/config.json
cat >speaks <<'END'
#!/bin/sh
case "$*" in
*--ids*) echo '{ "ids": [318, 257, 582, 338, 1266, 1545, 13, 632, 318, 257, 9112, 15185, 11, 290, 340, 318, 257, 1545] }' ;;
*Hello*) echo ' over a year old and has been diagnosed with a heart murmur. We' ;;
*) echo "’m going to talk about ${LAST:-the most important thing in the world}" ;;
esac
END
chmod +x speaks
ends 0 env RECKON="$PWD/speaks" "$source_folder/tools/verify-hub" "$PWD/gptj"; prints "heart murmur"; prints "what is published"
ends 1 env LAST='the weather' RECKON="$PWD/speaks" "$source_folder/tools/verify-hub" "$PWD/gptj"; prints "the same for 29 bytes of 56"; prints "NOT what"

# a folder that cannot be run is an error, no other model
echo '{"model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12}' >hub/config.json
ends 3 env RECKON="$reckon_command" "$source_folder/tools/verify-hub" "$PWD/hub"; warns "without weights"
ends 3 env RECKON="$PWD/right" "$source_folder/tools/verify-hub" "$PWD/other"; prints "width 24"
ends 3 "$source_folder/tools/verify-hub" "$PWD/nowhere"; warns "config.json"
ends 2 "$source_folder/tools/verify-hub"; warns "usage"

finish
