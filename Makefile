# What a developer types. Everything real is in CMake (CMakePresets.json lists the builds) and in tools/.
#
# Variables: USE_OPENMP=0|1 USE_TBB=0|1 (threads)  BLAS=NAME (openblas, blis, mkl, onednn, own)  CUDA=1  CC=...  PREFIX=...  ARGS=...
# Without a target: this list; with a choice (make USE_TBB=1 BLAS=mkl): the build.
choices := USE_OPENMP USE_TBB BLAS CUDA
.DEFAULT_GOAL := $(if $(strip $(foreach name,$(choices),$(findstring command,$(origin $(name))))),build,help)
.PHONY: help build test fast info libraries bench bench-peers bench-gpu verify-hub verify-generate fuzz torture device-check install clean

PREFIX ?= /usr/local
N ?= 1000
FUZZ ?= 60
PYTHON ?= python3
CASES ?= 30
ARGS ?=
options := $(foreach name,$(choices),$(if $(filter-out undefined,$(origin $(name))),-D$(name)=$($(name))))
ifneq ($(origin CC),default)
options += -DCMAKE_C_COMPILER=$(CC)
endif

help:           ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | awk -F '\t' '{ printf "make %-16s %s\n", $$1, $$2 }'
	@sed -n 's/^# Variables: /\n/p' Makefile

build:          ## the command, at build/reckon, and both libraries
	@tools/setup
	@tools/build release all $(options)

test:           ## everything: release, sanitizers, threads (as ./test)
	@./test $(ARGS)

fast:           ## the tests of the release build alone
	@./test fast $(ARGS)

info: build     ## what was found here: compilers, BLAS, cores, ISA, and what that enables
	@tools/info

libraries: build ## the laws with every body of the threads and every BLAS library that is installed
	@tools/libraries

bench: build    ## the benches that need no words: each checks, then times, against the machine's limit (build/bench/NAME --help)
	@tools/build release benches $(options)
	@set -e; for bench in count gemm ops step; do echo "== bench_$$bench"; "build/bench/bench_$$bench"; done

bench-peers: build ## training steps beside PyTorch's; ARGS='tok TOKENIZER TEXT...', 'tok-train VOCAB TEXT...', 'infer': beside others
	@tools/build release bench_step bench_tok bench_tok_train bench_infer $(options)
	@tools/bench-peers $(ARGS)

bench-gpu: build ## training and decoding beside PyTorch, llm.c (tools/bench-gpu llm.c builds it), transformers on an NVIDIA device
	@PYTHON=$(PYTHON) tools/bench-gpu $(ARGS)

verify-hub: build ## DIR=FOLDER: greedy outputs published for GPT-2, GPT-J and Pythia, from their downloaded weights
	@tools/verify-hub "$(DIR)"

verify-generate: build ## what transformers generates with CASES=30 tiny models of a family, by many settings; PYTHON has transformers
	@tools/verify-generate "$(PYTHON)" $(CASES)

fuzz:           ## every parser on libFuzzer with both sanitizers, FUZZ=60 seconds each
	@tools/setup --dev
	@tools/fuzz $(FUZZ)

device-check:   ## the CUDA back end on the device that is here: CUDA=1 and its tests; ARGS='build MODELS' verifies a folder of models too
	@tools/build release command cuda $(options) -DRECKON_CUDA=1
	@tools/device-check $(ARGS)

torture: build  ## kill -9 at N=1000 random moments of a run that must end with the same bits
	@tools/torture $(N)

install: build  ## into PREFIX=/usr/local: command, libraries, headers, man pages, completion
	@cmake --install build --prefix $(PREFIX)

clean:          ## removes every build folder
	@rm -rf build build-*
