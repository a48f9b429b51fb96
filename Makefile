# Two commands matter: `make deploy` and `make test`. Both prepare what is missing first.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -c pytest.ini
# Tests whose assertions are rewritten anew each time take twice as long to collect.
unexport PYTHONDONTWRITEBYTECODE
# Further words for pytest, such as: make deploy ARGS="-k FR-003 --deploy-port=8080"
ARGS ?=
EXAMPLES = notes guestbook tickets bookmarks units

.PHONY: help deploy plan test examples fast lint docs spec report compare prepare check mutants seeded bench lock clean distclean

help: ## show this
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

deploy: prepare ## prepare what is missing, deploy the application, accept it
	$(PYTEST) -m deploy $(ARGS)

plan: .venv/synced ## show what `make deploy` would do and change, and do none of it
	@$(PYTEST) -m deploy --deploy-plan $(ARGS)

test: prepare ## prepare what is missing, test the harness, then deploy and accept, long scenarios too
	$(PYTEST) tests features --deploy-extended=yes $(ARGS)

examples: prepare ## accept every example, each on a cluster of its own
	$(PYTEST) tests/test_examples_live.py $(ARGS)

fast: .venv/synced ## the harness's own tests alone: no engine, no cluster
	$(PYTEST) tests -m "not deploy and not engine" $(ARGS)

lint: .venv/synced ## ruff, mypy, the workflow, and that each requirement has its scenario, each sentence its step
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/zizmor --offline --no-progress --quiet .github/workflows
	$(PYTEST) --collect-only -qq --deploy-trace=yes features

spec: .venv/synced ## the page of the specification alone, before any run: .deploy/spec.html
	@$(PYTEST) --collect-only -qq --deploy-report=.deploy/spec.html features

report: .venv/synced ## make the page of the last record again, also of a run that was ended by force
	@$(PYTHON) -m harness.report $(ARGS)

compare: .venv/synced ## what changed from the run before to the last one; ARGS="3 last", or --list
	@$(PYTHON) -m harness.history $(ARGS)

docs: .venv/synced ## build the documentation's site into site/; a warning is an error
	$(PYTHON) -m reference
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict

prepare: .venv/synced ## install, start or build what a run needs and this machine lacks
	@$(PYTHON) -m harness.supply --run $(ARGS)

check: .venv/synced ## say what is missing, change nothing
	@$(PYTHON) -m harness.supply --check --run $(ARGS)

mutants: prepare ## make single defects, see that each is noticed, with its cause
	$(PYTHON) -m mutants $(ARGS)

seeded: prepare ## see that the examples' copies with a defect name it as the Todo app does
	$(PYTHON) -m mutants $(EXAMPLES:%=--project examples/%) --page mutants/EXAMPLES.md $(ARGS)

bench: prepare ## measure, report to benchmarks/RESULTS.md
	$(PYTHON) -m benchmarks $(ARGS)

lock: .venv/synced ## resolve the Python packages anew
	.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-annotate \
	  --custom-compile-command 'make lock' --group dev pyproject.toml -o requirements.lock

clean: .venv/synced ## remove what runs made: clusters, containers, networks, images
	@$(PYTHON) -m harness.supply --clean

distclean: clean ## and what was prepared: caches, base images, the Python environment
	@$(PYTHON) -m harness.supply --distclean
	rm -rf .venv .deploy

.venv/synced: requirements.lock supply/python-environment
	@sh supply/python-environment
