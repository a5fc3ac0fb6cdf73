# Each thing a person does here is one target. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

# What README shows: the descent explorer, as a learner sees it with a rate that is a little too large.
define README_PICTURE
import pathlib
from support.explore import descent
pathlib.Path(".github/picture.png").write_bytes(descent.frame(rate=0.18, steps=20).png)
endef
export README_PICTURE

.DEFAULT_GOAL := help
.PHONY: help lab run test notebooks faults quiet bench lint lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

lab: $(INSTALLED)  ## open the curriculum in JupyterLab
	$(BIN)/jupyter lab $(ROOT_FLAG) --ServerApp.jpserver_extensions=support.warm_kernel=True notebooks/00_start_here.ipynb

run: $(INSTALLED)  ## run every notebook; executed copies, HTML pages and an index go to build/
	$(BIN)/python -m support.execute notebooks --output build

test: $(INSTALLED)  ## prove everything: style, unit tests, listings, every notebook's stored outputs
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/pytest

notebooks: $(INSTALLED)  ## run every notebook and store its outputs in it
	$(BIN)/python -m support.execute notebooks --output build --in-place
	@$(BIN)/python -c "$$README_PICTURE"

faults: $(INSTALLED)  ## plant over a hundred faults, one by one, and report which the tests catch
	$(BIN)/python -m tests.net.faults

quiet: $(INSTALLED)  ## run the tests of the notebooks N=20 times under changing circumstances; none may fail
	$(BIN)/python -m tests.net.quiet $(or $(N),20)

bench: $(INSTALLED)  ## measure kernels, runs, exercises and explorers; this takes an hour
	$(BIN)/python -m tests.benchmark

lint: $(INSTALLED)  ## format and check the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

lock: $(INSTALLED)  ## write requirements.txt anew, from the newest releases that pyproject.toml allows
	echo '-e .[lab,execute,cluster,maintain]' | $(BIN)/uv pip compile - --quiet --upgrade --universal --fork-strategy fewest \
		--python-version 3.11 --no-annotate --custom-compile-command 'make lock' --output-file requirements.txt

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("These versions of TensorFlow and NumPy exist for Python 3.11, 3.12 and 3.13; %s is Python %d.%d. Name another one: make PYTHON=python3.12 lab" % ((sys.executable,) + v))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing TensorFlow, JupyterLab and the rest into $(VENV); this takes a few minutes, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile --requirement requirements.txt
	@$(BIN)/python -c 'import matplotlib.font_manager'  # builds Matplotlib's list of fonts, which would log a line later
	@touch $@
