# What a person types here; `make` alone lists it. Nothing needs typing before any of these: each target first makes
# .venv ready, for which python3 is enough. ARGS=... is handed to the command, PYTHON=/path/to/python3 chooses another.
.DEFAULT_GOAL := help
# File by file, in their order: the many small ones of the sandbox come last, so that both halves end together.
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder
.PHONY: help setup demo test check bench crash storm mutants search reference lock clean setup-dev

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup:  ## make .venv with what ragops needs to run, and ragops itself from this checkout
	@scripts/setup runtime

setup-dev:
	@scripts/setup dev

demo: setup  ## play with the bot in a terminal, without Slack or a cluster (ARGS=--help)
	@.venv/bin/ragops demo $(ARGS)

test: setup-dev  ## run the tests that need nothing but this machine (ARGS="-k approval")
	.venv/bin/python -m pytest tests -rs --ignore=tests/cluster --ignore=tests/bench $(TWO_AT_A_TIME) $(ARGS)

check: setup-dev  ## lint, format, types and who may import whom
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python scripts/reference.py --check

bench: setup-dev  ## measure speed and memory (ARGS=--help)
	.venv/bin/python -m tests.bench.run $(ARGS)

search: setup-dev  ## run the properties on examples that no run had before (ARGS="--hypothesis-seed=7")
	.venv/bin/python -m pytest tests -m hypothesis --hypothesis-profile=search --ignore=tests/cluster -n 2 $(ARGS)

crash: setup-dev  ## kill workers at random moments, three thousand rounds (ARGS="--rounds 100 --approvals 100 --slots 100")
	.venv/bin/python -m tests.crash.run $(ARGS)

storm: setup-dev  ## ten thousand alerts of fifty causes, while Slack asks to wait
	RAGOPS_TEST_ALERTS=10000 .venv/bin/python -m pytest tests/bot/watching/test_storm.py -s $(ARGS)

mutants: setup-dev  ## take each guard of changes away and see that a test notices (ARGS="--guard fence")
	.venv/bin/python -m tests.mutation.run $(ARGS)

reference: setup-dev  ## write the reference pages anew from the code
	.venv/bin/python scripts/reference.py

lock:  ## write both lock files anew from pyproject.toml (ARGS=--upgrade takes newer versions)
	@scripts/lock $(ARGS)

clean:  ## remove .venv, caches and build leftovers (never .env or the bot's data)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
