# One command each; `make test` or `make demo` may be the first on a fresh clone.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# Bytecode is kept even where the environment says not to: else each worker and process compiles all anew.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n 2

.PHONY: setup demo docs check test test-pacs test-all test-browser mutation wheel images lock clean

setup: ## .venv with the locked versions, every hash checked
	@if [ -z "$(PYTHON)" ]; then \
		echo "make setup: needs Python 3.11 or newer and finds none; name one: make setup PYTHON=/path/to/python3" >&2; \
		exit 3; fi
	@$(PYTHON) tools/setup.py

demo: setup ## the main job on a real scan, and a report to look at
	@$(BIN)/medddim demo -o demo_out

docs: setup ## the documentation, in site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check: setup docs ## format, lint, types, layers, documentation
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary medddim
	@$(BIN)/lint-imports --no-logo

test: setup ## the tests of every day, in one process: docs/decisions/0187
	@$(PYTEST) -n 0 -m "not slow and not pacs and not browser"

test-pacs: setup ## into a DICOM archive and back; skipped where Orthanc is not installed
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rs -m pacs tests/pacs

test-browser: setup ## the report in headless Chromium; skipped where there is none; screenshots in build/screenshots
	@$(BIN)/python -m pytest -q -rs tests/browser

test-all: setup ## every test
	@$(PYTEST)

mutation: setup ## how many planted faults the tests of three folders find; a sample, long
	@OMP_NUM_THREADS=1 $(BIN)/python tools/mutation.py

wheel: setup ## dist/medddim-*.whl, tried in an empty environment without a network
	@$(BIN)/python tools/wheel.py

images: setup ## the images of containers/, built and tried by whichever builder is installed
	@$(BIN)/python tools/images.py

lock: setup ## constraints.txt anew from pyproject.toml; UPGRADE=1 moves to newer versions
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean: ## all that can be made again
	rm -rf .venv .setup.lock build demo_out dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
