# Everything a person or CI does here. On a bare machine: `make run`, `make test`.

PYTHON ?= python3
PORT ?= 5001
WORKERS ?= 1
SECONDS ?= 180
VENV := .venv
BIN := $(VENV)/bin
REFERENCE := .venv-reference
EXAMPLE := examples/digits
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL := $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends

.PHONY: run test lint format soak bench clean help

help:
	@echo "make run      serve the example on port $(PORT) (PORT=, WORKERS=)"
	@echo "make test     the whole default test suite"
	@echo "make lint     ruff and mypy"
	@echo "make format   let ruff format the code"
	@echo "make soak     minutes of mixed load and random faults (SECONDS=)"
	@echo "make bench    speed beside the reference and a bare floor"
	@echo "make clean    remove the virtual environments and what was built"

run: $(EXAMPLE)/model/sklearn_digits_model.pkl
	@echo
	@echo "Serving $(EXAMPLE)/score.py. In another terminal:"
	@echo
	@echo "  curl -H 'Content-Type: application/json' -d @$(EXAMPLE)/sample_request.json http://localhost:$(PORT)/score"
	@echo
	@exec $(BIN)/scoreserve serve --entry-script $(EXAMPLE)/score.py --model-dir $(EXAMPLE)/model \
	  --port $(PORT) --workers $(WORKERS)

test: $(BIN)/.dev $(REFERENCE)/.installed $(EXAMPLE)/model/sklearn_digits_model.pkl
	@command -v chromedriver >/dev/null || $(APT_INSTALL) chromium chromium-driver
	$(BIN)/pytest $(ARGS)
	SCORESERVE_SHORT_ROAD=false $(BIN)/pytest tests/contract  # the long road must make no difference

lint: $(BIN)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=benchmarks $(BIN)/mypy benchmarks examples/digits/train.py examples/digits/client.py

format: $(BIN)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

soak: $(BIN)/.dev
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(ARGS)

bench: $(BIN)/.dev $(REFERENCE)/.bench $(EXAMPLE)/model/sklearn_digits_model.pkl
	@command -v wrk >/dev/null || $(APT_INSTALL) wrk
	$(BIN)/python benchmarks/quick.py $(ARGS)

clean:
	rm -rf $(VENV) $(REFERENCE) $(EXAMPLE)/model dist

$(EXAMPLE)/model/sklearn_digits_model.pkl: $(EXAMPLE)/train.py $(BIN)/.example
	$(BIN)/python $<
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp a set of packages; each is installed anew when the packages asked for change.
$(BIN)/.example: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[example]'
	@touch $@

$(BIN)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,example]'
	@touch $@ $(BIN)/.example

.venv-reference: $(REFERENCE)/.installed

# What the example's script needs, in the very versions that it has beside our server.
$(REFERENCE)/.bench: $(REFERENCE)/.installed $(BIN)/.dev
	$(REFERENCE)/bin/pip install --quiet --disable-pip-version-check \
	  $$($(BIN)/pip freeze | grep -iE '^(scikit-learn|joblib)==')
	@touch $@

$(REFERENCE)/.installed: tests/contract/requirements-reference.txt
	$(PYTHON) -m venv $(REFERENCE)
	$(REFERENCE)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@
