# The two commands of the README, and the longer tiers. CMake presets do the building.
JOBS ?= $(shell nproc)
SHOP = playbooks/shop/shop
RELEASE = build/release
PROGRAMS = gameday shop-front shop-gateway shop-queue shop-worker shop-store shop-watch \
  shop-call

.PHONY: demo test test-systems test-samples test-composed bench bench-load check-long picture \
  configure mutants lint format clean \
  system-up system-down

demo: ## A whole drill on the sample shop
	@.ci/install demo
	@cmake --preset release $(if $(wildcard $(RELEASE)/CMakeCache.txt),,-DGAMEDAY_TESTS=OFF) >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target $(PROGRAMS)
	@$(SHOP) reset >/dev/null 2>&1 || true
	@$(RELEASE)/gameday run playbooks/shop/store-lost-and-restored.yaml --out demo

test: ## Every test but the long ones
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
	@ctest --test-dir $(RELEASE) -j $$(($(JOBS) + 1)) --output-on-failure \
	  -LE "systems|composed|netem|playbooks" $(CTEST_FLAGS)
	@ctest --test-dir $(RELEASE) -j $(JOBS) --output-on-failure -L playbooks $(CTEST_FLAGS)

test-systems: ## Real systems: Docker, PostgreSQL, RabbitMQ, Redis, S3, ssh, and whole drills on the composed one
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
	@ctest --test-dir $(RELEASE) -j $$(($(JOBS) + 2)) -L systems -LE "criteria|crash" \
	  --output-on-failure $(CTEST_FLAGS)

test-samples: ## A sample of the crash campaign on real systems, and each criterion of the score on the shop
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
	@ctest --test-dir $(RELEASE) -j $$(($(JOBS) + 2)) -L crash --output-on-failure $(CTEST_FLAGS)
	@ctest --test-dir $(RELEASE) -j $$(($(JOBS) + 1)) -L criteria --output-on-failure $(CTEST_FLAGS)

test-composed: ## The composed system brought up, whole drills on it, and taken down again
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS)
	@ctest --test-dir $(RELEASE) -L composed --output-on-failure $(CTEST_FLAGS)

system-up: ## The composed system: PostgreSQL, RabbitMQ and more in containers, in two regions
	@.ci/install system
	@cmake --preset release $(if $(wildcard $(RELEASE)/CMakeCache.txt),,-DGAMEDAY_TESTS=OFF) >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target shop-composed
	@tests/systems/composed/system up

system-down: ## Takes it away: containers, networks, volumes, and the engine if it was started for it
	@tests/systems/composed/system down

bench: ## Speed, as numbers of this machine
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target load_bench rehearse_bench evidence_bench gameday
	@$(RELEASE)/bin/load_bench
	@$(RELEASE)/bin/rehearse_bench
	@$(RELEASE)/bin/evidence_bench $(RELEASE)/gameday

bench-load: ## The load engine beside wrk, h2load, ab, hey and siege: on an idle machine of two cores
	@.ci/install bench
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target load_client
	@tests/bench/load_peers.py $(RELEASE)/bin/load_client $(BENCH_FLAGS)

check-long: ## Crash campaign, sanitizers, rehearsals, fuzzing, mutants: before an issue is closed
	@.ci/install test
	@.ci/check-long $(STAGES)

picture: ## docs/terminal.svg anew, from a drill on the sample shop
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target $(PROGRAMS)
	@python3 tests/support/terminal_picture.py $(RELEASE)/bin docs/terminal.svg

mutants: ## Each one-line break of the engine and each check of ours taken away: all must be noticed
	@.ci/install test
	@tests/mutants/run.py

lint: ## clang-format and clang-tidy of the whole product
	@.ci/install test
	@.ci/lint all

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 -i

clean:
	@rm -rf build demo gameday-report
