PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.PHONY: up down demo test check bench clean

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/.checked: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	touch $@

up: $(VENV)/.installed
	$(BIN)/python cli.py up

down: $(VENV)/.installed
	$(BIN)/python cli.py down

demo: $(VENV)/.installed
	$(BIN)/python cli.py demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

check: $(VENV)/.checked
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .sfn build *.egg-info
