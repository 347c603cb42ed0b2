# The two commands of the README, and the longer tiers. CMake presets do the building.
JOBS ?= $(shell nproc)
SHOP = playbooks/shop/shop
RELEASE = build/release
PROGRAMS = gameday shop-front shop-gateway shop-queue shop-worker shop-store shop-call

.PHONY: demo test bench check-long picture configure mutants format clean

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
	@ctest --test-dir $(RELEASE) -j $(JOBS) --output-on-failure $(CTEST_FLAGS)

bench: ## Speed, as numbers of this machine
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target load_bench rehearse_bench
	@$(RELEASE)/bin/load_bench
	@$(RELEASE)/bin/rehearse_bench

check-long: ## Crash campaign, sanitizers, rehearsals, fuzzing, mutants: before an issue is closed
	@.ci/install test
	@.ci/check-long

picture: ## docs/terminal.svg anew, from a drill on the sample shop
	@.ci/install test
	@cmake --preset release -DGAMEDAY_TESTS=ON >/dev/null
	@cmake --build $(RELEASE) -j $(JOBS) --target $(PROGRAMS)
	@python3 tests/support/terminal_picture.py $(RELEASE)/bin docs/terminal.svg

mutants:
	@.ci/install test
	@tests/mutants/run.py

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format-19 -i

clean:
	@rm -rf build demo gameday-report
