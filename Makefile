# What a person types. Every target makes what it needs; nothing is installed outside .venv and .venv-bench.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=  # else each of the thousand starts of syncd in the tests compiles all of it

.PHONY: demo test nightly check bench lock clean

demo: .venv/.installed  ## one real sync against the built-in sandbox, then the table of objectives
	@$(BIN)/syncd demo

test: .venv/.installed-dev check  ## every test, with the coverage gate
	$(BIN)/pytest

nightly: .venv/.installed-dev  ## 200 kills, and a longer search for a story that breaks a promise
	SYNCD_KILLS=200 HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n0 --no-cov tests/system/test_kill.py tests/system/test_stateful.py

check: .venv/.installed-dev  ## format, lint, types and the walls between packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed .venv-bench/.installed  ## speed and memory beside other ways, into docs/benchmarks.md
	@$(BIN)/python tests/benchmarks/bench.py

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("syncd needs Python 3.11 or newer; run: make PYTHON=python3.12 " + "$(MAKECMDGOALS)") if sys.version_info < (3, 11) else None'
	@echo "Installing syncd into .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	@echo "Installing the test tools into .venv (once) ..."
	@$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

.venv-bench/.installed: requirements-bench.lock
	@echo "Installing what the benchmark compares with into .venv-bench (once) ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/pip install --quiet --require-hashes -r requirements-bench.lock
	@touch $@

lock:  ## resolve the dependencies again; the locks name versions and hashes, never an index
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header --group bench -o requirements-bench.lock

clean:
	rm -rf .venv .venv-bench
