# Every target but help, clean and distclean brings the environment up to date first; `make setup` alone does only that.
PYTHON3 := $(firstword $(foreach name,python3 python3.11 python3.12 python3.10 python,$(shell command -v $(name))))
PYTHON := .venv/bin/python
BROWNIE := .venv/bin/brownie
SOLIDITY := 'contracts/*.sol' 'contracts/{base,libraries,periphery}/*.sol' 'interfaces/**/*.sol' 'examples/contracts/*.sol'

SENDER = $(if $(ACCOUNT),--account $(ACCOUNT)) $(if $(YES),--yes)
needed = $(or $($(1)),$(error $(1) is missing: make $@ $(1)=sepolia))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit histories fuzz mutate bench-gas bench-lane bench-fuzz bench-keeper lint prove coverage deploy check govern pause
.PHONY: rehearse rehearse-kill keeper soak clean distclean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

setup: ## install everything into this folder and compile the contracts (nothing is done when it is up to date)
	@$(if $(PYTHON3),$(PYTHON3) -m plimsoll.toolchain.setup,echo "Python 3.10, 3.11 or 3.12 is needed: install one and run make again." >&2; exit 1)

demo: setup ## March 2020 on the real contracts; leaves reports/black_thursday/index.html
	@$(PYTHON) -m plimsoll scenario run black_thursday

test: setup ## all tests (set-up compiles what has changed)
	@$(BROWNIE) test -n 2

test-unit: setup ## the contracts' unit tests
	@$(BROWNIE) test tests/unit -n 2

histories: setup ## 10,000 random histories of an attacker who is trader, keeper, taker and LP, and 300 lives of the whole house
	@PLIMSOLL_HISTORIES=10000 PLIMSOLL_LIVES=300 $(PYTHON) -m pytest -q -p no:pytest-brownie -n 2 tests/stateful

fuzz: setup ## ten minutes of random lives and accounts at a line, contracts beside the specification, on every core
	@$(PYTHON) -m plimsoll fuzz

mutate: setup ## mutation testing of the contracts: judges what tests/mutation/mutants.tsv does not know yet
	@$(PYTHON) -m tests.mutation

bench-gas: setup ## gas of each verb beside its budget and the best peer; wide accounts, growth, sizes
	@$(PYTHON) benchmarks/gas.py

bench-lane: setup ## transactions a second: mined, and in the fast lane
	@$(PYTHON) benchmarks/lane.py

bench-fuzz: setup ## properties beside native forge: cases and transactions a second, hits at the line
	@$(PYTHON) benchmarks/fuzz.py

bench-keeper: setup ## the keeper: a hundred thousand accounts judged at once, time, memory and growth
	@$(PYTHON) benchmarks/keeper.py

lint: setup ## likely mistakes, types and style: ruff, mypy, solhint, slither
	@.venv/bin/ruff check
	@.venv/bin/mypy
	@node_modules/.bin/solhint --disc --noPoster --max-warnings 0 -c plimsoll/toolchain/solhint.js $(SOLIDITY)
	@$(PYTHON) -m plimsoll.toolchain.slither

prove: setup ## rounding by solc's model checker; escrow, authority and the line by halmos: minutes
	@$(PYTHON) -m plimsoll.toolchain.prove

coverage: setup ## lines and branches of the contracts that the unit and integration tests run: many minutes
	@$(PYTHON) -m pytest -q -n 2 -p no:pytest-brownie -p tests.coverage.plugin tests/unit tests/integration

deploy: setup ## NETWORK=sepolia ACCOUNT=my-keystore: deploy to a testnet, or go on deploying (docs/deploy.md)
	@$(PYTHON) -m plimsoll deploy $(call needed,NETWORK) $(SENDER)

check: setup ## NETWORK=sepolia: read a deployment back from the chain, expected and found
	@$(PYTHON) -m plimsoll check $(call needed,NETWORK)

govern: setup ## NETWORK=sepolia ACCOUNT=…: parameters as the network file has them, through the timelock
	@$(PYTHON) -m plimsoll govern $(call needed,NETWORK) $(SENDER)

pause: setup ## NETWORK=sepolia ACCOUNT=… INSTRUMENTS="ETH BTC": the guardian makes them reduce-only (all where none is named)
	@$(PYTHON) -m plimsoll pause $(call needed,NETWORK) $(INSTRUMENTS) $(SENDER)

rehearse: setup ## the whole way to a testnet and after, on a chain of our own that plays it
	@$(PYTHON) -m plimsoll rehearse $(NETWORK)

rehearse-kill: setup ## the same deployment, killed after every step
	@$(PYTHON) -m plimsoll rehearse $(NETWORK) --kill

keeper: setup ## NETWORK=sepolia ACCOUNT=… ARGS="--dry-run --metrics 9100": watch every account, liquidate what sinks (docs/keeper.md)
	@$(PYTHON) -m plimsoll keeper run $(call needed,NETWORK) $(if $(ACCOUNT),--account $(ACCOUNT)) $(ARGS)

soak: setup ## three keepers on a chain with many bad days: ten minutes (MINUTES=1)
	@$(PYTHON) -m plimsoll keeper soak --minutes $(or $(MINUTES),10)

clean: ## remove what was made by compiling and running
	@rm -rf build reports .hypothesis .mypy_cache .pytest_cache .ruff_cache .solc/cache
	@find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -not -path './.tools/*' -prune -exec rm -rf {} +

distclean: clean ## also remove what `make setup` installed
	@rm -rf .venv node_modules .solc .tools .setup.lock .setup.log
