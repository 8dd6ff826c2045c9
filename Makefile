# Everything that a contributor or CI runs. `make demo` needs nothing but this clone, Rust and Terraform.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: help deps tools build demo test soak lint fuzz bench dist docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

deps: ## the Debian packages that the sandbox runs, installed without starting their services
	@scripts/deps

tools: deps ## the clients that the tests try the project with, below target/tools
	@scripts/tools

build: ## target/release/terraform-provider-redis and target/release/redis-ha-sandbox
	$(CARGO) build --release --workspace --bins

demo: tools build ## create, fail over, drift, repair and destroy a cluster on this machine
	@scripts/demo

test: tools ## the whole suite, real Terraform against the sandbox included
	$(CARGO) build --workspace --bins --examples
	$(CARGO) test --workspace

soak: tools ## SOAK_PLANS plans over a healthy cluster with failovers: none of them may show a change
	$(CARGO) build --workspace --bins
	SOAK_PLANS=$${SOAK_PLANS:-300} $(CARGO) test --test sandbox -- --nocapture plans_over_a_healthy_cluster

lint: ## rustfmt, clippy with our lints, cargo-deny where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: skipped"; fi

fuzz: ## the chart engine on mutated templates, archives and values: FUZZ_ROUNDS of each target, from FUZZ_SEED
	FUZZ_ROUNDS=$${FUZZ_ROUNDS:-50000} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} $(CARGO) test -p helm --test fuzz -- --nocapture

bench: tools build ## counts and whole-process figures beside their aims and a peer
	$(CARGO) build --release --example release
	$(CARGO) build --release -p helm --example template --example measure
	@scripts/bench

dist: build ## target/dist: what a registry takes for a release, signed by the key of GPG_FINGERPRINT
	@scripts/dist

docs: ## the registry's pages, written from the schema
	$(CARGO) run --quiet --example docs

clean: ## what the build and the tools left
	$(CARGO) clean
