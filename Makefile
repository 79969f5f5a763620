# Two commands matter: `make start` and `make test`. `make help` lists the rest.

PYTHON ?= python3
DIR ?= workspace
LANGUAGE_FLAG := $(if $(COURSE_LANG),--lang $(COURSE_LANG))
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help start test lint types unit browser build bench lock clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

start: .venv/run ## set everything up and open the course (COURSE_LANG=zh-TW or en, DIR=folder)
	@.venv/bin/lambdalab start $(DIR) $(LANGUAGE_FLAG)

test: .venv/dev chromium lint types unit browser ## set everything up and check everything

lint: .venv/dev ## formatting, lint, notebooks up to date
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	.venv/bin/lambdalab build --check

types: .venv/dev ## static types
	$(PY) -m mypy
	@for file in lambdalab/course/content/*/checks.py solutions/hidden/*.py; do \
	  $(PY) -m mypy --no-error-summary "$$file" || exit 1; done

unit: .venv/dev ## all tests but those in a browser
	$(PY) -m pytest -n $(WORKERS) -m "not browser"

browser: .venv/dev chromium ## lessons, labs and widgets in JupyterLab and Chromium
	$(PY) -m pytest -n $(WORKERS) -m browser

build: .venv/dev ## build the notebooks from their sources
	.venv/bin/lambdalab build

bench: .venv/dev ## measure the sandbox beside its peers, and write the tables
	$(PY) -m benchmarks --install-peers --write-docs

lock: .venv/dev ## choose the versions of all dependencies anew
	$(PY) -m uv pip compile --upgrade $(LOCK) --group dev -o requirements-dev.lock
	$(PY) -m uv pip compile $(LOCK) --group build -c requirements-dev.lock -o requirements.lock
LOCK := --universal --generate-hashes --no-emit-index-url --no-annotate --quiet \
  --python-version 3.11 --custom-compile-command "make lock" pyproject.toml

clean: ## remove what was set up and made (never a workspace)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build tests/artefacts

.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or later, or name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: name a newer one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@# Debian keeps ensurepip in a package of its own.
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh .ci/apt "Python's venv module" python3-venv
	@$(PYTHON) -m venv .venv

.venv/run: .venv/bin/pip requirements.lock pyproject.toml
	@echo "Installing lambdalab into .venv (a few minutes the first time)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/bin/pip requirements-dev.lock pyproject.toml
	@echo "Installing lambdalab and its development tools into .venv (a few minutes the first time)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run

.PHONY: chromium
chromium:
	@for name in "$$LAMBDALAB_CHROMIUM" chromium chromium-browser google-chrome; do \
	  command -v "$$name" >/dev/null && exit 0; done; \
	  sh .ci/apt "Chromium (or set LAMBDALAB_CHROMIUM to its path)" chromium
	@fc-list :lang=zh-tw 2>/dev/null | grep -q . || sh .ci/apt "a font with Chinese characters" fonts-noto-cjk fontconfig
