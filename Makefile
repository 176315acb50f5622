# The front door; meson and ninja do the work (build/ is theirs). `make help` lists what there is.
BUILD = build

build: $(BUILD)/build.ninja           ## compile into build/
	ninja -C $(BUILD)

demo: packages-build-demo build       ## replay 6 July 2009 in network namespaces (root)
	$(BUILD)/understudy demo

test: packages-build-test-demo build  ## all tests: units, then the integration tests (root)
	ninja -C $(BUILD) meson-test-prereq
	tests/run.sh $(BUILD)

bench: packages-build-bench build     ## measure against rsync, AIDE, ostree, casync; writes docs/BENCHMARKS.md (root)
	BUILD=$(BUILD) bench/run.sh

soak: packages-build-test build       ## the torture tests, exhaustively; takes long (root)
	tests/torture/soak.sh $(BUILD)

install: build                        ## meson install; DESTDIR is honoured
	meson install -C $(BUILD) --no-rebuild

packages: packages-build-test-demo-check-bench  ## install the Debian packages that are missing (root)

packages-%:
	@tools/packages.sh $(subst -, ,$*)

$(BUILD)/build.ninja: | packages-build
	meson setup $(BUILD)

clean:                                ## remove build/
	rm -rf $(BUILD)

help:
	@awk -F ' *## ' '/^[a-z]+:.*##/ { sub(/:.*/, "", $$1); printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.NOTPARALLEL:
.PHONY: build demo test bench soak install packages clean help
