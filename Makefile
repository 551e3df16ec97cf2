# The two commands that a newcomer needs are `make demo` and `make test`; both create what they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
LOCK := requirements.lock
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check lint types fixtures golden screenshots shape bench realism pyz lock clean

demo: $(STAMP)
	$(BIN)/sosmlx demo demo

test: $(STAMP)
	$(BIN)/python -m pytest -q --numprocesses auto

check: lint types test

lint: $(STAMP)
	$(BIN)/ruff check sosmlx tests benchmarks release
	$(BIN)/ruff format --check sosmlx tests benchmarks release
	$(BIN)/vermin --quiet --no-tips --eval-annotations --backport typing -t=3.9- --violations \
	  $$($(BIN)/python -m tests.layers --host-half)

types: $(STAMP)
	$(BIN)/mypy

# Regenerate every expected file of fixtures/text from its input; read the diff before committing it.
fixtures: $(STAMP)
	$(BIN)/python -m tests.fixtures
	$(BIN)/python -m tests.registers
	git diff --stat -- fixtures

# Draw the reference pages again; read the diff before committing it.
golden: $(STAMP)
	$(BIN)/python -m tests.golden
	git diff --stat -- fixtures/golden

# A gallery of the reference pages, to be looked at: light, dark, narrow, printed.
screenshots: $(STAMP)
	$(BIN)/python -m tests.screenshots

shape: $(STAMP)
	$(BIN)/python -m tests.shape

# The collector as one file, for hosts without pip: the same bytes from the same tree.
pyz: $(STAMP)
	$(BIN)/python -m release.pyz dist

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# Every package is pinned by its hashes: what was read and tested is what is installed.
# Collect through the character devices of a stock kernel, in QEMU; skipped, with the reason, where that cannot be had.
realism: $(STAMP)
	$(BIN)/python -m tests.realism

$(STAMP): pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r $(LOCK)
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

# Raise what is pinned to the newest releases that pyproject.toml allows; read the diff before committing it.
lock: $(STAMP)
	CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --extra dev --extra zstd --all-build-deps \
	  --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host \
	  --no-emit-find-links --no-emit-options --output-file $(LOCK) pyproject.toml

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
