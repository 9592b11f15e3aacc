# The one door: `make help` lists what is behind it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check format bench proof ui-update texts clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## open the menu, with the whole bench behind it
	@$(BIN)/headunit run $(ARGS)

test: $(VENV)/.dev ## install what the tests use, system packages included, and run them all
	@sh tools/system_packages.sh mosquitto mosquitto-clients:mosquitto_sub gcc:cc libc6-dev:cc postgresql:initdb
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/.dev ## format, lint, types and import contracts, as CI does
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## put the code in shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure, as ratios within one run (PROTOTYPES=DIR runs those beside ours)
	@sh tools/system_packages.sh mosquitto postgresql:initdb
	@$(BIN)/python -m benchmarks $(if $(PROTOTYPES),--prototypes $(PROTOTYPES)) $(ARGS)

proof: $(VENV)/.dev ## a long proof, resumable: make proof NAME=…; without a name, list them
	@sh tools/system_packages.sh mosquitto gcc:cc libc6-dev:cc postgresql:initdb
	@$(BIN)/python -m proofs $(NAME) $(ARGS)

ui-update: $(VENV)/.dev ## accept the screens of the view as they are now
	@$(BIN)/python -m pytest -q tests/headunit/ui --snapshot-update

texts: $(VENV)/.dev ## compile the catalogues of the menu's texts
	@for language in de zh; do $(BIN)/pybabel compile --locale $$language \
		--input-file headunit/locale/$$language/LC_MESSAGES/headunit.po \
		--output-file headunit/locale/$$language/LC_MESSAGES/headunit.mo; done

clean: ## remove what the other targets made
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp per kind of installation: nothing is installed again until what it depends on changes.
$(VENV)/.run: pyproject.toml constraints.txt
	@sh tools/virtual_environment.sh $(PYTHON) $(VENV) .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@sh tools/virtual_environment.sh $(PYTHON) $(VENV) '.[dev]'
	@touch $(VENV)/.run $@
