# Two commands set everything up on a machine with Python 3.11, git and make:
#   make demo   one battery's life, from the factory to the recycler, verified offline
#   make test   linters, type checks, room contracts and tests
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Processes that run tests side by side; one core may have two as well, since many tests wait.
WORKERS ?= 2

.PHONY: demo test test-long bench lint docs clean

.venv/server: requirements/server.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes --no-deps -r requirements/server.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

.venv/dev: .venv/server requirements/dev.txt requirements/merkletools.txt
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	$(PIP) install --require-hashes --no-deps --no-build-isolation -r requirements/merkletools.txt
	touch $@

demo: .venv/server
	$(BIN)/cellbook demo

test: .venv/dev lint
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist worksteal

test-long: .venv/dev
	$(BIN)/python -m pytest -m slow --timeout 1800

bench: .venv/dev
	$(BIN)/python -m tests.bench

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/dev
	$(BIN)/python -m tests.documents

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
