# Copyright (c) 2026, Strata contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make demo` and `make test` do all of their own set-up; `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := $(CURDIR)/.build/venv
PYTHON := $(VENV)/bin/python
export PATH := $(VENV)/bin:$(PATH):/usr/sbin:/sbin
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.build
export ANSIBLE_HOME := $(CURDIR)/.build/ansible-home
export PYTHONPATH := $(CURDIR)/.build
export PYTHONDONTWRITEBYTECODE := 1

TREE := .build/ansible_collections/strata/containers
PYTEST := $(PYTHON) -m pytest -q
# Further arguments for pytest: make test-unit ARGS='-k digest'.
ARGS ?=
# The image of the demo; empty: a distribution root file system that it makes and serves itself.
IMAGE ?=

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

# --- Set-up ---

.PHONY: setup
setup: ## Install what is missing (distribution packages, virtual environment in .build/)
	@tools/bootstrap

.PHONY: tree
tree: setup ## Refresh the copy of the collection in .build/ that Ansible's tools accept
	@tools/tree
# Tests start thousands of modules, and none of these processes may write: each would compile all that it imports.
	@$(PYTHON) -m compileall -q $(TREE)/plugins

# --- Demo ---

.PHONY: demo
demo: tree ## Pull, list, create, mount, write, unmount, delete on a scratch store; IMAGE=NAME for one of the internet
	@$(PYTHON) tools/demo.py $(if $(IMAGE),--image '$(IMAGE)')

# --- Tests ---

ANSIBLE_TEST := $(PYTHON) tools/ansible_test.py
UNITS_ON_THE_OLDEST_PYTHON = oldest=$$($(ANSIBLE_TEST) pythons | cut -d ' ' -f 1); printf '== Python %s\n' "$$oldest"; \
	$(ANSIBLE_TEST) units --venv --python "$$oldest" --requirements --num-workers 2

# ansible-test spends most of its time installing packages, so its two pieces run beside the others, in a copy of the tree of
# their own. The others run one after the other, cheap ones first, and a failing one stops the run.
PIECES := lint types test-law test-unit test-security test-interop test-integration

.PHONY: test
test: tree ## Everything, a seeded sample of the long suites; under 15 minutes on two cores
	@{ $(ANSIBLE_TEST) sanity --local && { $(UNITS_ON_THE_OLDEST_PYTHON); }; } >.build/ansible-test.log 2>&1 & lane=$$!; \
	trap 'kill $$lane 2>/dev/null || true' EXIT; \
	for piece in $(PIECES); do \
		printf '\n== make %s\n' "$$piece"; \
		begin=$$SECONDS; \
		$(MAKE) --no-print-directory "$$piece"; \
		printf '== %s: %d s\n' "$$piece" "$$((SECONDS - begin))"; \
	done; \
	printf '\n== make sanity test-pythons\n'; \
	wait "$$lane" || { cat .build/ansible-test.log; exit 1; }; \
	tail -n 12 .build/ansible-test.log; \
	printf '== all: %d s\n' "$$SECONDS"

.PHONY: test-long
test-long: tree ## The long suites whole, hours; nothing may refresh the tree meanwhile
	STRATA_TEST_LONG=1 HYPOTHESIS_PROFILE=long $(MAKE) --no-print-directory test

.PHONY: test-unit
test-unit: tree ## Unit tests: no network, no root, no Ansible needed
	@$(PYTEST) -n 2 tests/unit $(ARGS)

.PHONY: test-law
test-law: tree ## The laws of the house: who may import, open and lock what
	@$(PYTEST) tests/law $(ARGS)

# One after the other: the unpacker must be started before the first thread of its process, and pytest-xdist has some.
.PHONY: test-security
test-security: tree ## Hostile layers, and code planted inside the unpack child
	@$(PYTEST) tests/security $(ARGS)

# Three for two cores: many of these tests wait for a silent server or for a disk.
.PHONY: test-interop
test-interop: tree ## podman, buildah, skopeo and docker-registry as judges
	@$(PYTEST) -n 3 --dist loadfile tests/interop $(ARGS)

.PHONY: test-integration
test-integration: tree ## Modules and roles through ansible-playbook
	@$(PYTEST) -n 3 --dist loadfile tests/integration $(ARGS)

# Not part of `make test`: some minutes on two cores.
.PHONY: mutants
mutants: tree ## Do the unit tests run every branch of _trust, and notice every small change to it?
	@$(PYTHON) tools/mutants.py $(ARGS)

.PHONY: test-pythons
test-pythons: tree ## Unit tests under ansible-test, on the oldest Python of targets that is installed here
	@$(UNITS_ON_THE_OLDEST_PYTHON)

# --- Benchmarks ---

.PHONY: bench
bench: tree ## Pulls and containers beside podman, skopeo and C programs, ~15 minutes; ARGS='--rounds 3 --images mixed base'; results in .build/bench
	@$(PYTHON) benchmarks/pull.py --output .build/bench $(ARGS)

.PHONY: bench-rootless
bench-rootless: tree ## Pulls by a user without root rights beside podman's, ~2 minutes; ARGS='--rounds 3 --images base'
	@$(PYTHON) benchmarks/rootless.py --output .build/bench $(ARGS)

# --- Linters ---

.PHONY: lint
lint: tree ## ruff, yamllint, ansible-lint, antsibull-docs, antsibull-changelog
	ruff check .
	ruff format --check .
	yamllint --strict .
	cd $(TREE) && ansible-lint --offline --profile production
	cd $(TREE) && antsibull-docs lint-collection-docs . --plugin-docs --validate-collection-refs all
	cd $(TREE) && antsibull-changelog lint

.PHONY: types
types: tree ## mypy --strict over plugins/
	cd .build && mypy --config-file ../mypy.ini --cache-dir mypy-cache ansible_collections/strata/containers/plugins

.PHONY: sanity
sanity: tree ## ansible-test sanity, on every Python that is installed here
	@$(PYTHON) tools/ansible_test.py sanity --local

.PHONY: format
format: setup ## Let ruff format the sources
	ruff format .
	ruff check --fix .

.PHONY: clean
clean: ## Remove what was made, except the demo's and the tests' stores
	rm -rf .build/ansible_collections .build/venv .build/home .build/ansible-home .build/mypy-cache .build/dist

# --- Release ---

.PHONY: dist
dist: tree ## Build the collection's archive into .build/dist
	ansible-galaxy collection build --force --output-path .build/dist $(TREE)
