# Each thing a person does here is one target. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
MAINTAINED := $(VENV)/maintained

# Runs a command where there is no network, if this system has namespaces.
OFFLINE := $(shell unshare --map-root-user --net ip link set lo up 2>/dev/null && \
	echo 'unshare --map-root-user --net sh -c "ip link set lo up && exec \"\$$@\"" sh')

# What README shows: the descent explorer, as a learner sees it with a rate that is a little too large.
define README_PICTURE
import pathlib
from support.explore import descent
pathlib.Path(".github/picture.png").write_bytes(descent.frame(rate=0.18, steps=20).png)
endef
export README_PICTURE

.DEFAULT_GOAL := help
.PHONY: help lab run check test elsewhere test-floor notebooks links faults quiet bench lint lock audit clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-10s %s\n", $$1, $$2 }'

lab: $(INSTALLED)  ## open the curriculum in JupyterLab, in a working copy; FOLDER=notebooks opens the originals
	@$(BIN)/python -m support.lab $(FOLDER)

run: $(INSTALLED)  ## run every notebook; executed copies, HTML pages and an index go to build/
	$(BIN)/python -m support.execute notebooks --output build

check: $(MAINTAINED)  ## run what has changed since it was last green, and what depends on it; a minute instead of all
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/python -m tests.check

test: $(MAINTAINED)  ## prove everything: style, unit tests, listings, every notebook's stored outputs
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy --no-error-summary
	$(OFFLINE) $(BIN)/pytest

elsewhere: $(addprefix $(VENV)-,$(addsuffix /installed,colab binder jax))  ## make what Colab and Binder have, 4 GB, and an environment with JAX; `make test` then runs notebooks there, too

test-floor: $(VENV)-floor/installed  ## run all notebooks, and the tests of what they say, with the oldest versions that pyproject.toml allows
	$(VENV)-floor/bin/python -m pytest tests/notebooks $(addprefix tests/test_,$(addsuffix .py,$(FLOOR_TESTS)))

FLOOR_TESTS = listings datasets plots gradients runtime exercises exercise_engine explore

notebooks: $(INSTALLED)  ## run every notebook, or that of ONLY=02_tensors, and store its outputs in it
	$(BIN)/python -m support.execute $(if $(ONLY),notebooks/$(ONLY).ipynb,notebooks) --output build --in-place
	@$(BIN)/python -c "$$README_PICTURE"

links: $(MAINTAINED)  ## point every link at REPO=owner/name, and BRANCH=main; for a fork
	@$(BIN)/python -m tests.links -- "$(REPO)" "$(or $(BRANCH),main)"

faults: $(MAINTAINED)  ## plant over a hundred faults, one by one, and report which the tests catch
	$(BIN)/python -m tests.proofs.faults

quiet: $(MAINTAINED)  ## run the tests of the notebooks N=20 times under changing circumstances; none may fail
	$(BIN)/python -m tests.proofs.quiet $(or $(N),20)

bench: $(MAINTAINED)  ## measure kernels, runs, exercises and explorers; this takes an hour
	$(BIN)/python -m tests.benchmark

lint: $(MAINTAINED)  ## format and check the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy

COMPILE = $(BIN)/uv pip compile --quiet --python-version 3.11 --no-annotate --custom-compile-command 'make lock'

lock: $(MAINTAINED)  ## pin the newest releases that pyproject.toml allows, for learners, for the tests, for Binder, Colab and the floor
	echo '-e .[lab,execute,litert,cluster,maintain]' | $(COMPILE) - --upgrade --universal --fork-strategy fewest -o build/all.txt
	grep -v '^-e' build/all.txt > build/pins.txt
	echo '-e .[lab,execute,litert]' | $(COMPILE) - --universal --fork-strategy fewest --constraint build/pins.txt -o requirements.txt
	(sed -n '/^#/p' requirements.txt; echo '-r ../requirements.txt'; grep -vxFf requirements.txt build/pins.txt) > tests/requirements.txt
	$(COMPILE) pyproject.toml --resolution lowest-direct --no-header -o build/floor.txt
	echo '-e .[lab,execute,cluster,maintain]' | $(COMPILE) - --upgrade --constraint build/floor.txt -o tests/elsewhere/floor.txt
	echo '-e .[jax]' | $(COMPILE) - --upgrade --constraint build/pins.txt -o tests/elsewhere/jax.txt
	$(COMPILE) tests/elsewhere/colab.in --upgrade --universal -o tests/elsewhere/colab.txt
	echo 'tensorflow ; python_version < "3"' > build/no-tensorflow.txt  # it is tensorflow-cpu there; and the image's notebook fits another lab
	(echo '.[lab,litert]'; echo notebook; sed -n 's/^tensorflow==/tensorflow-cpu==/p' build/pins.txt) | $(COMPILE) - --constraint build/pins.txt \
		--override build/no-tensorflow.txt --no-emit-package keras-tensorflow-curriculum -o binder/requirements.txt

audit: $(MAINTAINED)  ## list known vulnerabilities of what is pinned, if their database can be reached
	@$(BIN)/python -m tests.audit

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) $(VENV)-* build dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

INSTALL = $(BIN)/uv pip install --quiet --python $(VENV) --compile-bytecode --requirement

$(INSTALLED): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("These versions of TensorFlow and NumPy exist for Python 3.11, 3.12 and 3.13; %s is Python %d.%d. Name another one: make PYTHON=python3.12 lab" % ((sys.executable,) + v))'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing TensorFlow, JupyterLab and the rest into $(VENV); this takes a few minutes, once."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' tests/requirements.txt)"
	@$(INSTALL) requirements.txt
	@$(BIN)/python -c 'import matplotlib.font_manager'  # builds Matplotlib's list of fonts, which would log a line later
	@touch $@

$(MAINTAINED): tests/requirements.txt $(INSTALLED)
	@echo "Installing what the tests need."
	@$(INSTALL) tests/requirements.txt
	@touch $@

$(VENV)-%/installed: tests/elsewhere/%.txt $(MAINTAINED)
	@echo "Installing other versions into $(@D)."
	@$(BIN)/uv venv --quiet --clear --seed --python $(BIN)/python $(@D)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(@D) --requirement $<
	@touch $@

$(VENV)-colab/installed: tests/elsewhere/colab.txt $(MAINTAINED)
	@echo "Installing Colab's versions into $(@D)."
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	@$(BIN)/uv pip install --quiet --python $(@D) --requirement $<
	@$(@D)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --dest $(@D)/wheels flit_core anywidget psygnal
	@$(@D)/bin/python -c 'import matplotlib.font_manager'
	@touch $@

$(VENV)-binder/installed: $(wildcard binder/*) $(MAINTAINED)
	@$(BIN)/python -m tests.elsewhere.binder
	@touch $@
