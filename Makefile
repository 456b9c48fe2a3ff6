# Everything that a person does here. The first target makes .venv; from then on nothing needs the network.
.DEFAULT_GOAL := help
.PHONY: help demo test slow check lint bench figures docs regold broker browser clean
SHELL := bash
unexport PYTHONPATH
unexport VIRTUAL_ENV

BIN := .venv/bin
PINS := $(wildcard requirements/*.txt)
# Two workers share the cores already: more threads in each would wait for one another by spinning. One that dies ends
# the run: after it, xdist may wait for ever. Files come in the order of `tests/conftest.py`; xdist would put those with
# the fewest tests last, which take longest.
# Most of the time is compilation: code that is neither optimised nor fused by MLIR is compiled in a third of it, and computes
# the same to rounding; in one piece it takes a fifth less than in pieces for many threads.
TEST := OMP_NUM_THREADS=1 \
	XLA_FLAGS="--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1" \
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: .venv/ready  ## set everything up and run the 1,000-home study; ARGS="..." adds options
	$(BIN)/wattflock demo $(ARGS)

test: .venv/ready-dev  ## all tests but those of `make slow`
	$(TEST) -m "not slow" $(ARGS)

slow: .venv/ready-dev  ## the tests that take longest: tutorials, examples, small studies, training to the optimum
	$(TEST) -m slow $(ARGS)

check: lint  ## format, lint, types, layers and the fast tests: before every commit
	$(TEST) -m "not slow and not study" $(ARGS)

lint: .venv/ready-dev  ## format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python
	$(BIN)/lint-imports

regold: .venv/ready-dev  ## show how the golden run has changed; ARGS=--write keeps it
	$(BIN)/python tests/study/regold.py $(ARGS)

bench: .venv/ready-dev  ## measure: every file of benchmarks/, beside the peers it can find
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/bench.txt
	set -e; for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

figures: .venv/ready  ## the demo's newest table and pictures, and every measured figure where README and docs show it
	$(BIN)/python benchmarks/demo.py
	$(BIN)/python docs/fill.py

docs: .venv/ready  ## the pages of docs/ as a site: build/docs/index.html opens by double click
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/docs.txt
	$(BIN)/python -m sphinx -q -W --keep-going -c docs/site -b html . build/docs
	cp docs/site/first.html build/docs/index.html
	@echo "build/docs/index.html"

broker:  ## install the broker that trials of boxes start (Debian, as root); tests without it are skipped
	command -v mosquitto >/dev/null || { apt-get update -qq && apt-get install -y -qq mosquitto openssl; }

browser:  ## install Chromium (Debian, as root) and axe-core (npm), which open and check pages; tests without them are skipped
	command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	npm install --silent --no-save --no-package-lock axe-core@4.14.1

clean:  ## remove .venv and caches; runs/ stays
	rm -rf .venv build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the pins, or the environment is brought up to date; what is met already needs no network.
.venv/ready: pyproject.toml $(PINS)
	@python=; for try in "$${PYTHON:-python3}" python3.13 python3.12 python3.11; do \
		if "$$try" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$try; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Wattflock needs Python 3.11 or newer; found: $$(python3 --version 2>&1). Set PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/core.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/python -m pip install -q --disable-pip-version-check \
		-r requirements/dev.txt -r requirements/opendss.txt -r requirements/gym.txt -r requirements/examples.txt \
		-r requirements/mcp.txt -r requirements/edge.txt -r requirements/web.txt
	@touch $@
