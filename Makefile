# Everything here needs Python 3.11 or newer, git and make alone; `make tools` also needs Go.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := $(CURDIR)/demo
JOBS ?= 2
# Images of containers set it. Then each of some thousand Pythons that are started here compiles all of fmc anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(READY) ## Make .venv with everything that is pinned in requirements.lock
$(READY): requirements.lock pyproject.toml hatch_build.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The demo's remotes are bare repositories on this disk, under the address that examples/ha.yaml names: git is told to go
# to the folder instead, for these commands alone.
DEMO_ENV = GIT_CONFIG_COUNT=1 \
	GIT_CONFIG_KEY_0=url.file://$(DEMO)/remotes/.insteadOf \
	GIT_CONFIG_VALUE_0=https://git.example.com/home/ \
	FMC_IDENTITY=$(DEMO)/identity.txt

.PHONY: demo
demo: $(READY) ## Make three repositories from examples/ha.yaml and push them to bare repositories in demo/
	@for part in infra argocd apps; do \
	  test -d $(DEMO)/remotes/$$part.git || git init --quiet --bare --initial-branch=main $(DEMO)/remotes/$$part.git; \
	done
	@$(DEMO_ENV) $(BIN)/fmc new --answers examples/ha.yaml --push --yes --workspace demo/workspace \
	  --author-name 'fmc demo' --author-email demo@example.com

.PHONY: demo-everyday
demo-everyday: ## A demo of a week: work in its repositories, change answers, use a second machine
	@$(MAKE) --no-print-directory demo-clean demo
	@cd $(DEMO) && $(DEMO_ENV) PATH=$(CURDIR)/$(BIN):$$PATH $(CURDIR)/examples/everyday.sh

.PHONY: demo-clean
demo-clean: ## Remove demo/
	rm -rf $(DEMO)

.PHONY: test
test: $(READY) ## Run every check and test of this repository; what needs a missing program is listed at the end
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	for hook in codespell yamllint shellcheck; do $(BIN)/pre-commit run --all-files $$hook; done
	@# In a new clone mypy takes 40 seconds of one core, so it works beside the tests.
	$(BIN)/mypy & types=$$!; \
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal; \
	wait $$types

.PHONY: tools
tools: $(READY) ## Build the real programs that tests compare with (needs Go); once, into ~/.cache/fmc/tools
	$(BIN)/python -m tests.toolchain.build

.PHONY: charts
charts: tools ## Render the real charts (FMC_CHARTS=DIR, else those inside of Go modules) with the product's values
	$(BIN)/python -m tests.real_charts

.PHONY: charts-record
charts-record: tools ## The same, and write down what was found: lib/images.json and docs/charts.md
	$(BIN)/python -m tests.real_charts --record --write

.PHONY: alert-tools
alert-tools: tools ## Build promtool and amtool, which judge alerts (needs Go; some minutes, once)
	$(BIN)/python -m tests.toolchain.build --group alerts

.PHONY: pipeline-tools
pipeline-tools: tools ## Build what reads a Jenkinsfile and a Dockerfile as Jenkins and BuildKit do (needs Go, a JDK and Maven)
	$(BIN)/python -m tests.toolchain.build --group pipelines

.PHONY: forge-tools
forge-tools: tools ## Build Gitea, a Git server with an API (needs Go and a C compiler; some minutes, once)
	$(BIN)/python -m tests.toolchain.build --group forge

.PHONY: lab-tools
lab-tools: tools ## Build what the lab runs besides (needs Go and root; some minutes, once)
	$(BIN)/python -m tests.toolchain.build --group lab

.PHONY: lab
lab: lab-tools ## Run the rendered Ansible and Terraform on real hosts, in networks of their own (as root; SESSIONS= for some)
	$(BIN)/python -m tests.lab $(SESSIONS)

.PHONY: e2e-tools
e2e-tools: tools ## Build what the end-to-end tests run besides (needs Go; some minutes, once)
	$(BIN)/python -m tests.toolchain.build --group e2e

.PHONY: e2e
e2e: e2e-tools ## Roll examples/ha.yaml out on a real Argo CD, in a network of its own, and look closely (as root)
	$(BIN)/python -m tests.e2e test

.PHONY: e2e-scale
e2e-scale: e2e-tools ## The same bed with 200 applications: how long, how much memory
	FMC_E2E_APPLICATIONS=200 $(BIN)/python -m tests.e2e test tests/e2e/test_8_scale.py

.PHONY: e2e-up e2e-status e2e-shell e2e-down
e2e-up: e2e-tools ## The bed for you: start it and leave it running
e2e-status: $(READY) ## What runs on it, and how each Application is
e2e-shell: $(READY) ## A shell inside, with kubectl and the repositories
e2e-down: $(READY) ## End it
e2e-up e2e-status e2e-shell e2e-down: e2e-%:
	@$(BIN)/python -m tests.e2e $*

.PHONY: bench
bench: $(READY) ## Compare with peers, print a table, write bench/results.json
	$(BIN)/python -m bench
	$(BIN)/python -m bench.writers

.PHONY: lint
lint: $(READY) ## Format and lint what is changed here
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: docs
docs: $(READY) ## Write docs/commands/ from what `fmc --help` says, and docs/rules.md from the rules
	$(BIN)/python -m docs.generate

.PHONY: lock
lock: ## Renew requirements.lock (needs uv)
	uv pip compile --universal --python-version=3.11 --generate-hashes --group=dev pyproject.toml --output-file=requirements.lock

.PHONY: release
release: $(READY) ## Commit, tag and build VERSION=x.y.z here, after the tests with GATE=1; nothing is pushed
	@$(BIN)/python -m release $(if $(GATE),--gate) -- '$(VERSION)'
