# Two commands: `make run` starts the product, `make test` proves it. Both work on a fresh clone that has git, make and
# Python 3.11 or newer with venv; everything else is installed into .venv and node_modules. Stamps (.venv/.run and so on)
# remember what is installed, so a second call installs nothing.

SHELL  := /bin/sh
PYTHON ?=
UV     := 0.13.9
BIN    := .venv/bin
NODE   := frontend/with-node.sh
DIST   := expo_crm/static/dist/manifest.json
PO     := $(wildcard expo_crm/translations/*/LC_MESSAGES/*.po expo_crm/*/translations/*/LC_MESSAGES/*.po)
ARGS   ?=
JOBS   ?= 2

export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help run demo test lint format types bench faults build translate lock clean
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run $(DIST) .venv/.translations ## Start the product on 127.0.0.1:5000 (PORT=8000 for another port)
	@$(BIN)/flask serve $(ARGS)

demo: .venv/.run $(DIST) .venv/.translations ## Make the demonstration show in the configured database
	@$(BIN)/flask demo $(ARGS)

test: .venv/.dev $(DIST) .venv/.translations lint ## Run every check and test (ARGS="-k gate" for some, JOBS=1 for one after the other)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/.dev node_modules/.package-lock.json types ## Check style, the import contracts, types and templates
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/python node_modules/htmx.org/dist/scripts/upgrade-check.py --no-color templates frontend >.venv/htmx.log || { cat .venv/htmx.log; exit 1; }

format: .venv/.dev ## Format the Python code (FILES="expo_crm/onsite" for some) and repair what can be repaired
	$(BIN)/ruff format $(or $(FILES),.)
	$(BIN)/ruff check --fix $(or $(FILES),.)

types: .venv/.dev ## Check types and the markup of templates
	$(BIN)/mypy
	$(BIN)/djlint templates --lint --quiet

bench: .venv/.dev $(DIST) .venv/.translations ## Measure the paths that must be fast
	$(BIN)/python -m tests.bench $(ARGS)

faults: .venv/.dev $(DIST) .venv/.translations ## Break it on purpose, prove that nothing is lost (ARGS="F1 F4" for some, --write for docs/faults.md)
	$(BIN)/python -m tests.faults $(ARGS)

build: .venv/.run $(DIST) .venv/.translations ## Install and build everything that `make run` needs

translate: .venv/.dev ## Bring the catalogues up to date and name the texts without Chinese
	$(BIN)/flask translate extract
	$(BIN)/flask translate missing

lock: .venv/bin/uv ## Lock the Python packages of the .in files again
	$(BIN)/uv pip compile -q requirements.in -o requirements.txt --generate-hashes --python-version 3.11 --custom-compile-command "make lock"
	$(BIN)/uv pip compile -q requirements-dev.in -o requirements-dev.txt --generate-hashes --python-version 3.11 --custom-compile-command "make lock"

clean: ## Remove what was installed and built; data in instance/ stays
	rm -rf .venv node_modules expo_crm/static/dist .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find expo_crm tests migrations -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	find expo_crm -name '*.mo' -delete 2>/dev/null || true

# --- what the targets above need -----------------------------------------------------------------------------------------

.venv/bin/uv:
	@found=; \
	for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "expo-crm needs Python 3.11 or newer with the venv module (on Debian and Ubuntu: apt install python3-venv)." >&2; \
	    echo "Found: $$($(or $(PYTHON),python3) --version 2>&1). Name another one with: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	echo "Creating .venv with $$($$found --version)"; \
	$$found -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV)

.venv/.run: requirements.txt | .venv/bin/uv
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

# No package of the lock needs its install script, so none is run.
node_modules/.package-lock.json: package-lock.json .npmrc | .venv/bin/uv
	$(NODE) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(DIST): node_modules/.package-lock.json $(shell find frontend -type f)
	$(NODE) node frontend/build.mjs

.venv/.translations: $(PO) | .venv/.run
	$(BIN)/flask translate compile
	@touch $@
