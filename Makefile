# pagesim: one non-recursive Makefile. `make help` lists the targets.
# Flavours (FLAVOUR=release|debug|asan|tsan|serial) keep their objects apart in build/<flavour>/.

CC ?= cc
FLAVOUR ?= release
PREFIX ?= /usr/local
PYTHON ?= python3
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wno-missing-field-initializers
ifdef CI
WARNINGS += -Werror
endif
OPENMP ?= -fopenmp
CFLAGS_release := -O2 -g -DNDEBUG
CFLAGS_debug := -O1 -g
CFLAGS_serial := -O2 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
ifeq ($(FLAVOUR),serial)
OPENMP := -Wno-unknown-pragmas
endif

CJSON_CFLAGS := $(shell pkg-config --cflags libcjson 2>/dev/null)
CJSON_LIBS := $(shell pkg-config --libs libcjson 2>/dev/null || echo -lcjson)
CRITERION_LIBS := $(shell pkg-config --libs criterion 2>/dev/null || echo -lcriterion)

BUILD := build/$(FLAVOUR)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS_$(FLAVOUR)) $(OPENMP) -Icore -Isim $(CJSON_CFLAGS) -DPAGESIM_VERSION='"$(VERSION)"' $(CFLAGS)
ALL_LDFLAGS = $(CFLAGS_$(FLAVOUR)) $(filter-out -Wno-%,$(OPENMP)) $(LDFLAGS)

CORE_SOURCES := $(wildcard core/*.c)
SIM_SOURCES := $(filter-out sim/command/main.c,$(wildcard sim/*/*.c))
# One Criterion binary a test file: tests/core/test_x.c, tests/sim/test_x.c. Shared helpers: tests/support/*.c.
TEST_SOURCES := $(wildcard tests/core/test_*.c tests/sim/test_*.c)
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)

CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/%.o)
SIM_OBJECTS := $(SIM_SOURCES:%.c=$(BUILD)/%.o)
SUPPORT_OBJECTS := $(SUPPORT_SOURCES:%.c=$(BUILD)/%.o)
TEST_BINARIES := $(TEST_SOURCES:%.c=$(BUILD)/%)
BENCH_BINARIES := $(BENCH_SOURCES:tests/bench/%.c=$(BUILD)/%)

.PHONY: all help test bench clean
all: $(BUILD)/pagesim ## build the program and the library

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BUILD)/libpagedkv.a: $(CORE_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/libsim.a: $(SIM_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/pagesim: $(BUILD)/sim/command/main.o $(BUILD)/libsim.a $(BUILD)/libpagedkv.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CJSON_LIBS) -lm
ifeq ($(FLAVOUR),release)
	@ln -sf release/pagesim build/pagesim
endif

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(filter tests/%,$<),-Itests) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(SUPPORT_OBJECTS) $(BUILD)/libsim.a $(BUILD)/libpagedkv.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CRITERION_LIBS) $(CJSON_LIBS) -lm

$(BUILD)/bench_%: $(BUILD)/tests/bench/bench_%.o $(BUILD)/libsim.a $(BUILD)/libpagedkv.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CJSON_LIBS) -lm
ifeq ($(FLAVOUR),release)
	@ln -sf release/$(@F) build/$(@F)
endif

test: $(BUILD)/pagesim $(TEST_BINARIES) ## run all tests
	@set -e; for t in $(TEST_BINARIES); do echo "$$t"; $$t; done

bench: $(BENCH_BINARIES) ## run the benchmarks
	@set -e; for b in $(BENCH_BINARIES); do $$b; done

clean: ## remove everything built
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
.SECONDARY:
