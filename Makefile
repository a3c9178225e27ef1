# Souk: every command of the project. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
PY := $(VENV)/bin/python
PIP := $(VENV)/bin/pip
STAGE ?= dev
# Stray bytecode would be packed into the Lambda zip.
export PYTHONDONTWRITEBYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

STAMP := $(VENV)/.installed
CODE := $(wildcard app.py chalicelib local infra tools bench tests)
SHIPPED := $(wildcard app.py chalicelib)

.PHONY: help gallery run demo test check bench package deploy map openapi coverage clean requirements install

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

install: $(STAMP)

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Souk needs Python 3.11 or newer as '$(PYTHON)'; try: make PYTHON=python3.11"; exit 1; }
	@test -x $(PY) || { echo "creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing pinned requirements into $(VENV) (once)"
	@$(PIP) install --quiet -r requirements.txt
	@$(PIP) install --quiet -r requirements-dev.txt
	@touch $@

run: $(STAMP) ## start the whole shop on this machine (Ctrl-C stops it)
	@$(PY) -m local up

demo: $(STAMP) ## play the buyer journey against the running shop
	@$(PY) -m local demo

test: $(STAMP) ## run every test tier, two at a time
	@$(PY) -m tools.test_tiers

coverage: $(STAMP) ## measure branch coverage and hold it to its floors
	@$(PY) -m tools.coverage_gate

check: $(STAMP) ## format, lint, types, import contracts, dependencies, spelling, template
	@$(PY) -m tools.check $(CODE)

map: $(STAMP) ## write docs/system_map.md (and the SDK endpoint list) from the live app
	@$(PY) -m tools.system_map docs/system_map.md
	@$(PY) -m tools.sdk_data

openapi: $(STAMP) ## write docs/api/openapi.json from the live app
	@$(PY) -m tools.openapi

gallery: $(STAMP) ## write every mail and message into dist/gallery
	@$(PY) -m tools.gallery

bench: $(STAMP) ## measure every performance budget
	@$(PY) -m bench

package: $(STAMP) ## make the deployable template and zip in dist/ (STAGE=dev)
	@$(PY) -m infra package --stage $(STAGE)

deploy: $(STAMP) ## deploy dist/ to AWS with your credentials (STAGE=dev BUCKET=...)
	@$(PY) -m infra deploy --stage $(STAGE) --bucket $(BUCKET)

clean: ## forget the local stack and everything generated
	@if [ -x $(PY) ] && [ -d local ]; then $(PY) -m local clean; fi
	@rm -rf dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov

requirements: $(STAMP) ## pin requirements*.in again
	@$(PY) -m tools.requirements
	@$(PIP) install --quiet -r requirements.txt
	@$(PIP) install --quiet -r requirements-dev.txt
	@$(PY) -m tools.sdk_data
