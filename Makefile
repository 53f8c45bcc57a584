# `make` alone lists what can be made. Everything runs on a bare Python 3.11 or newer.
PYTHON ?= python3
SUITE ?=
TESTS := $(PYTHON) tools/run_tests.py
TEST_BIN := .venv-test/bin
LOCK := $(TEST_BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links pyproject.toml --extra postgres

.DEFAULT_GOAL := help
.PHONY: help check test conformance bench serve docs lock format

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

check: ## Read the code without running it: ruff, mypy, import contracts, reference pages
	@$(TESTS) check

test: ## Run every suite, or one: make test SUITE=unit
	@$(TESTS) $(SUITE)

conformance: ## Run the judges: standards clause by clause, recorded providers, third-party testers
	@$(TESTS) conformance

bench: ## Measure Rolecall and a peer on this machine, idle, and write the page; OPTIONS=--full for large sizes
	@$(TESTS) --prepare
	@$(TEST_BIN)/python -m tools.run_bench $(OPTIONS)

serve: .venv/bin/rolecall ## Install into .venv and serve on http://127.0.0.1:8080
	@.venv/bin/rolecall serve

docs: ## Write the reference pages from the declarations in the code
	@$(TESTS) --prepare
	@$(TEST_BIN)/python -m tools.make_reference

lock: ## Write the lock files from pyproject.toml; UPGRADE=1 takes the newest versions that fit
	@$(TESTS) --prepare
	@$(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra test --constraint requirements.lock --output-file requirements-test.lock

format: ## Bring the code into shape
	@$(TESTS) --prepare
	@$(TEST_BIN)/ruff check --fix-only --quiet
	@$(TEST_BIN)/ruff format

.venv/bin/rolecall: pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --constraint requirements.lock --editable '.[postgres]'
	@touch $@
