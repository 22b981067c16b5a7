# Two commands are enough: `make demo` shows the main job, `make test` proves the project.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_WORKERS ?= 4
# Tests start hundreds of short processes: each module is compiled once, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=
ENGINE ?= $(shell command -v podman || command -v docker)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types servers unit fuzz bench docs reference image lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# One stamp per set of pinned requirements: a second run installs nothing.
$(VENV)/.run: requirements.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

# The wheels a user's machine would fetch, kept for the test that installs bqnctl in an empty environment.
$(VENV)/wheelhouse: requirements.txt | $(BIN)/python
	rm -rf $@
	$(PIP) download --require-hashes --requirement requirements.txt --dest $@

# The language server that editors use, from npm by its lock; node and npm come with the development requirements.
$(VENV)/.editor: tests/editor/package-lock.json | $(VENV)/.dev
	mkdir -p $(VENV)/editor && cp tests/editor/package.json tests/editor/package-lock.json $(VENV)/editor
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --prefix $(VENV)/editor --no-audit --no-fund --silent
	@touch $@

$(VENV)/.bench: requirements-bench.txt | $(VENV)/.dev
	$(PIP) install --require-hashes --requirement requirements-bench.txt
	@touch $@

demo: $(VENV)/.run ## billing → desired state → plan → apply, on loopback emulators
	@$(BIN)/python -m generator demo
	@echo
	@echo "From this checkout, bqnctl is: $(BIN)/python -m generator"

test: lint types unit ## everything that must pass

lint: $(VENV)/.dev ## ruff, check and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

# MariaDB, PostgreSQL, OpenSSH, radclient, Chromium, git and shells, which tests start: installed where that may be.
servers: | $(BIN)/python ## the servers and programs that the tests need
	@$(BIN)/python tests/tools/servers.py

unit: $(VENV)/.dev $(VENV)/wheelhouse $(VENV)/.editor servers ## the test suite
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

# Longer than `make test` does; what a target finds is left in build/fuzz, and docs/testing.md says what to do with it.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= yaml plan radius rates
fuzz: $(VENV)/.dev ## coverage-guided fuzzing, FUZZ_SECONDS for each target
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p build/fuzz/$$target; \
	  $(BIN)/python -m tests.fuzz.run $$target build/fuzz/$$target tests/fuzz/corpus/$$target \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=build/fuzz/ || exit 1; \
	done

bench: $(VENV)/.bench ## speed and memory as ratios measured in one run
	$(BIN)/python tests/bench/run.py

# The smoke test is the service's own life: a read-only root, no rights, and an inventory that is not there yet.
image: ## the container image, where podman or docker is at hand
	@test -n "$(ENGINE)" || { echo "podman or docker is needed" >&2; exit 1; }
	$(ENGINE) build --file Containerfile --tag bqnctl .
	$(ENGINE) run --rm --read-only --tmpfs /tmp --cap-drop ALL bqnctl --version

docs: $(VENV)/.dev ## the documentation as a site, in build/site
	$(BIN)/mkdocs build --strict --quiet

reference: $(VENV)/.dev ## docs/reference, from the commands and the schemas
	$(BIN)/python tests/tools/reference.py

lock: $(VENV)/.dev ## pin every dependency again, with hashes and no index named
	$(PIP) install uv
	$(BIN)/python tests/tools/lock.py

clean: ## remove what make made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
