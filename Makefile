PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.PHONY: up down demo test check bench crash soak tools prove docs clean

PIP := $(BIN)/pip install --quiet --disable-pip-version-check --editable
# Twice the processors: tests spend a third of their time waiting for a killed server or a page.
WORKERS ?= 4
BROWSER := { command -v chromium && command -v chromedriver; } >/dev/null
NPM := npm ci --silent --ignore-scripts --no-audit --no-fund --fetch-retries=1 --prefix

TOOLS := .venv-tools
SAM := test -x $(TOOLS)/bin/sam || ($(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet aws-sam-cli)
CDK := test -x $(TOOLS)/node_modules/.bin/cdk || npm install --prefix $(TOOLS) --silent --no-audit --no-fund \
	aws-cdk@2 aws-cdk-lib@2 constructs@10 serverless@3 serverless-step-functions@3 serverless-localstack@1

$(VENV)/.run: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12" * (sys.version_info < (3, 11)) or None)'
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) '.[saga]' && touch $@

$(VENV)/.test: $(VENV)/.run tests/clients/node/package-lock.json tests/query/jsonata/node/package-lock.json
	$(PIP) '.[saga,test]' && touch $@
	command -v npm >/dev/null && $(NPM) tests/clients/node && $(NPM) tests/query/jsonata/node \
		|| echo "without npm or its registry neither the JavaScript SDK nor JSONata's reference is tried"

$(VENV)/.check: $(VENV)/.test
	$(PIP) '.[saga,test,check]' && touch $@

$(VENV)/.docs: $(VENV)/.run
	$(PIP) '.[saga,docs]' && touch $@

up: $(VENV)/.run
	$(BIN)/python cli.py up

down: $(VENV)/.run
	$(BIN)/python cli.py down

demo: $(VENV)/.run
	$(BIN)/python cli.py demo

test: $(VENV)/.test
	@$(BROWSER) || echo "without chromium and chromedriver no page is tried in a browser"
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(VENV)/.check
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

crash: $(VENV)/.test
	$(BIN)/python -m tests.crash --kills 300 --saga 60 --neighbours 100 --features 100

soak: $(VENV)/.test
	$(BIN)/python -m benchmarks.soak --minutes 10

tools: $(VENV)/.test
	@$(SAM) || echo "without PyPI's aws-sam-cli SAM is not tried"
	@$(CDK) || echo "without npm or its registry CDK and Serverless are not tried"
	SFN_TOOLS=$(CURDIR)/$(TOOLS) $(BIN)/python -m pytest -q -n 2 --dist loadfile tests/tools

prove: $(VENV)/.run
	$(BIN)/python cli.py prove

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -q -W --keep-going -E -b html -c docs/site docs build/docs

clean:
	rm -rf $(VENV) $(TOOLS) .sfn build *.egg-info tests/clients/node/node_modules tests/query/jsonata/node/node_modules
