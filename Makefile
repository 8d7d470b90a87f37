# What a person types. Every target makes what it needs; nothing is installed outside .venv, .venv-bench and .venv-lock.
PYTHON ?= python3
BIN := .venv/bin
UV := .venv-lock/bin/uv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=  # else each of the thousand starts of syncd in the tests compiles all of it

.PHONY: demo test collected measured coverage nightly check types style walls texts screenshots bench lock licences audit attacks clean help

demo: .venv/.installed  ## one real sync against the built-in sandbox, then the table of objectives
	@$(BIN)/syncd demo

STARTED := $(shell date +%s)
PYTEST := SYNCD_STARTED=$(STARTED) $(BIN)/pytest
COVERED := --cov-report=term:skip-covered --cov-fail-under=94
MEASURED := tests/unit/okr tests/unit/config $(patsubst %,tests/docs/test_%.py,cookbook api_recipes lint_docs)

test: .venv/.installed-dev  ## the gate: the checks, and every test that a change must pass
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types measured style walls collected
	$(PYTEST) $(MEASURED:%=--ignore=%)

collected: .venv/.installed-dev  ## compiles each test once, for the processes that run them; they report what is wrong with one
	-@$(BIN)/pytest -n0 --collect-only -qq > /dev/null

measured: .venv/.installed-dev  ## fast suites, and what they cover of okr and config; beside the types, which need one core
	$(BIN)/pytest -n2 --cov=syncd.okr --cov=syncd.config $(COVERED) $(MEASURED)

coverage: .venv/.installed-dev  ## the same tests, and what they cover of everything
	$(PYTEST) --cov $(COVERED)

nightly: .venv/.installed-dev check  ## every test there is: 200 kills, an hour's soak, longer searches, whole tables
	SYNCD_KILLS=200 SYNCD_SOAK=3600 HYPOTHESIS_PROFILE=nightly $(PYTEST) -m "nightly or not nightly"

check: .venv/.installed-dev  ## format, lint, types and the walls between packages
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types style walls

types: .venv/.installed-dev  ## the types alone
	$(BIN)/mypy

style: .venv/.installed-dev  ## format and lint alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

walls: .venv/.installed-dev  ## the walls alone
	$(BIN)/lint-imports

texts: .venv/.installed-dev  ## gather the texts of the pages into messages.pot, and bring the translations up to date
	@$(BIN)/python docs/texts.py

screenshots: .venv/.installed-dev  ## take the pictures of README and docs from the demo, into docs/pictures
	@$(BIN)/python tests/web/screenshots.py

bench: .venv/.installed-dev .venv-bench/.installed  ## speed and memory beside other ways, into docs/benchmarks.md
	@$(BIN)/python tests/benchmarks/bench.py

# Nothing that is published later changes an environment: locks are complete, so nothing is resolved, and a build takes
# its tools from a lock too. `pip check` names what a lock lacks. A module is compiled when it is first imported: most of
# what the locks bring never is. uv takes seconds where pip takes a minute. Where uv fails or is missing, for example
# behind an index that only pip's configuration names, pip installs.
INSTALL_FLAGS := --quiet --no-deps --no-build-isolation
install = UV_HTTP_TIMEOUT=10 UV_HTTP_RETRIES=0 $(UV) pip install --python $(1)/bin/python $(INSTALL_FLAGS) $(2) 2> /dev/null \
	|| $(1)/bin/pip install --no-compile $(INSTALL_FLAGS) $(2)

# Any new lock starts .venv afresh: what an older lock brought must not stay.
.venv/.locked: requirements.lock requirements-build.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit("syncd needs Python 3.11 or newer; run: make PYTHON=python3.12 " + "$(MAKECMDGOALS)") if sys.version_info < (3, 11) else None'
	@echo "Installing syncd into .venv (once) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(MAKE) --silent .venv-lock/.installed 2> /dev/null || true
	@$(call install,.venv,--require-hashes -r requirements.lock -r requirements-build.lock)
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml
	@$(call install,.venv,--editable .)
	@$(BIN)/pip check
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "Installing the test tools into .venv (once) ..."
	@$(call install,.venv,--require-hashes -r requirements-dev.lock)
	@$(BIN)/pip check
	@touch $@

.venv-bench/.installed: requirements-bench.lock
	@echo "Installing what the benchmark compares with into .venv-bench (once) ..."
	@$(PYTHON) -m venv --clear .venv-bench
	@$(call install,.venv-bench,--require-hashes -r requirements-bench.lock)
	@.venv-bench/bin/pip check
	@touch $@

# Later locks keep to the versions of earlier ones, for they are installed into the same environment. pip is in none of
# them: it comes with Python, and would have to replace itself while it installs.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-package pip --generate-hashes --no-header $(UPGRADE)
lock: .venv-lock/.installed  ## resolve the dependencies again, keeping versions that still fit; UPGRADE=--upgrade takes the newest
	$(COMPILE) pyproject.toml --extra mcp -o requirements.lock
	$(COMPILE) --group build -c requirements.lock -o requirements-build.lock
	$(COMPILE) pyproject.toml --extra mcp --group dev -c requirements.lock -c requirements-build.lock -o requirements-dev.lock
	$(COMPILE) --group bench -o requirements-bench.lock
	$(COMPILE) --group lock -o requirements-uv.lock

licences: .venv/.installed-dev  ## note the licences that locked packages declare, for the bill of materials in the wheel
	@$(BIN)/python -m supply_chain.licences

audit: .venv/.installed-dev  ## look up every locked package in a database of known weaknesses; needs the network
	@$(BIN)/python -m supply_chain.audit

attacks: .venv/.installed-dev  ## try every attack of docs/security.md, and write there how many cases held
	@$(BIN)/python tests/attacks.py

.venv-lock/.installed: requirements-uv.lock
	@$(PYTHON) -m venv --clear .venv-lock
	@.venv-lock/bin/pip install $(INSTALL_FLAGS) --require-hashes -r requirements-uv.lock
	@touch $@

clean:  ## remove the environments; the next target makes them again
	rm -rf .venv .venv-bench .venv-lock

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
