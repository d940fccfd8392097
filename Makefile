# Two commands for everybody: `make run` and `make test`. Python 3.11+ and make are all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test setup setup-dev check format bench lock clean

run: setup
	$(BIN)/python -m bot serve

setup: $(VENV)/.installed
	@$(BIN)/python -m bot prepare

test: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: setup-dev
	$(BIN)/python -m tests.benchmarks

check: setup
	$(BIN)/python -m bot check

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup-dev: $(VENV)/.installed-dev
	@$(BIN)/python -m bot prepare

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(VENV)/bin/python
	@echo "正在安装 requirements.lock 里的软件包……"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(VENV)/bin/python
	@echo "正在安装 requirements-dev.lock 里的软件包……"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.installed

# New pins from pyproject.toml; needs uv on the path, which leaves addresses out unless told otherwise.
lock:
	uv pip compile pyproject.toml --universal --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra postgres --universal --generate-hashes --no-header -q -o requirements-postgres.lock
	uv pip compile pyproject.toml --extra ocr --universal --generate-hashes --no-header -q -o requirements-ocr.lock
	uv pip compile pyproject.toml --extra stamp --universal --generate-hashes --no-header -q -o requirements-stamp.lock
	uv pip compile pyproject.toml --extra postgres --extra ocr --extra stamp --group dev --universal --generate-hashes --no-header -q -o requirements-dev.lock

clean:
	rm -rf $(VENV) var
