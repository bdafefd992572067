# Everything happens in .venv; `make install` needs only python3 (3.11 or newer), make and git.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PLUGINS := $(patsubst %/pyproject.toml,%,$(sort $(wildcard plugins/*/pyproject.toml)))
SOURCES := mesofuse $(wildcard plugins/*/src/*)

.PHONY: install demo test test-slow lint schemas clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' $(PLUGINS:%=-e ./%)
	touch $@

demo: install
	$(BIN)/mesofuse demo --out demo-run --overwrite

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

test: lint
	$(BIN)/mesofuse schema --out schemas --check
	$(BIN)/python -m pytest -n auto --cov --cov-report=term:skip-covered --cov-fail-under=85

test-slow: install
	$(BIN)/python -m pytest -m slow

schemas: install
	$(BIN)/mesofuse schema --out schemas

clean:
	rm -rf .venv build dist demo-run .coverage htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
