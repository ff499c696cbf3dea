# pagesim: one non-recursive Makefile. `make help` lists the targets, `make V=1` shows whole commands.
# Flavours (FLAVOUR=release|debug|asan|tsan|serial|fuzz|arm64|mpi) keep their objects apart in build/<flavour>/. CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR,
# PYTHON, PYTHON_DIR are honoured; with CI set in the environment warnings are errors and missing test material is a failure.
# Without -j all processors are used.

CC ?= cc
FLAVOUR ?= release
PREFIX ?= /usr/local
PYTHON ?= python3
# Where `make install` puts the Python package: Debian's python3 looks there when PREFIX is /usr/local or /usr, else PYTHONPATH names it.
PYTHON_VERSION = $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo 3)
PYTHON_DIR ?= $(PREFIX)/lib/python$(if $(filter /usr,$(PREFIX)),3,$(PYTHON_VERSION))/dist-packages
SHELL := bash
CLANG ?= clang
# Tools that make programs for 64-bit Arm: ARM64-gcc and so on.
ARM64 ?= aarch64-linux-gnu
OBJCOPY ?= objcopy
# One version for program and libraries, from the header.
VERSION := $(shell awk '/define PAGEDKV_VERSION_(MAJOR|MINOR|PATCH)/ {v = v dot $$3; dot = "."} END {print v}' include/pagedkv.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
endif
# These disturb what runs at the same time.
ifneq ($(filter clean bench,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

# One line a file: $(call say,CC,file) as a recipe's first line, $(Q) before the command.
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(Q),@printf '%-4s %s\n' '$(1)' '$(2)')

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wno-missing-field-initializers
ifdef CI
WARNINGS += -Werror
endif
OPENMP ?= -fopenmp
CFLAGS_release := -O3 -g -DNDEBUG
CFLAGS_debug := -O1 -g
CFLAGS_serial := -O2 -g
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Also doubles that fit no integer, which undefined leaves out.
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-pass-failed
CFLAGS_tsan := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
CFLAGS_arm64 := $(CFLAGS_release)
CFLAGS_mpi := $(CFLAGS_release)
ifeq ($(FLAVOUR),serial)
OPENMP := -Wno-unknown-pragmas
endif

# clang's OpenMP is a package of its own, and what is fuzzed is the same without it.
ifeq ($(FLAVOUR),fuzz)
OPENMP := $(if $(shell echo 'int main(void) { return 0; }' | $(CC) -fopenmp -x c -o /dev/null - 2>/dev/null || echo none),-Wno-unknown-pragmas,-fopenmp)
endif

# All that the system's headers have. The sources need POSIX alone; what else they use stands behind guards (make lint compiles without it).
FEATURES := $(if $(filter Darwin,$(shell uname -s)),-D_DARWIN_C_SOURCE,-D_GNU_SOURCE)
# What the compiler makes programs for, x86_64 or aarch64: it need not be this machine.
PROCESSOR := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))

# Asked at first use in a recipe, not when make starts: `make deps demo` installs the libraries in between.
ask_once = $(eval $(1) := $(shell $(2)))$($(1))
CJSON_CFLAGS = $(call ask_once,CJSON_CFLAGS,pkg-config --cflags libcjson 2>/dev/null)
CJSON_LIBS = $(call ask_once,CJSON_LIBS,pkg-config --libs libcjson 2>/dev/null || echo -lcjson)
# Headers alone: libarchive and libyaml are loaded when a file needs them (sim/base/loaded_library.h). -ldl is empty on new systems.
LOADED_CFLAGS = $(call ask_once,LOADED_CFLAGS,pkg-config --cflags libarchive 2>/dev/null; pkg-config --cflags yaml-0.1 2>/dev/null)
MPI_CFLAGS = $(if $(filter mpi,$(FLAVOUR)),$(call ask_once,MPI_CFLAGS,pkg-config --cflags ompi-c 2>/dev/null))
MPI_LIBS = $(if $(filter mpi,$(FLAVOUR)),$(call ask_once,MPI_LIBS,pkg-config --libs ompi-c 2>/dev/null || echo -lmpi))
SIM_LIBS = $(CJSON_LIBS) $(MPI_LIBS) -ldl
CRITERION_CFLAGS = $(call ask_once,CRITERION_CFLAGS,pkg-config --cflags criterion 2>/dev/null)
CRITERION_LIBS = $(call ask_once,CRITERION_LIBS,pkg-config --libs criterion 2>/dev/null || echo -lcriterion)

BUILD := build/$(FLAVOUR)
# The same objects make the program and both kinds of libraries; only what the public headers declare is visible outside of a .so, and
# nobody may interpose it, so that calls inside a library stay direct.
PIC := -fPIC -fvisibility=hidden -fno-semantic-interposition
ALL_CFLAGS = -std=c11 $(FEATURES) -ffp-contract=off $(WARNINGS) $(CFLAGS_$(FLAVOUR)) $(OPENMP) -Iinclude -Icore -Isim $(CJSON_CFLAGS) $(LOADED_CFLAGS) $(MPI_CFLAGS) -DPAGESIM_DATA='"$(PREFIX)/share/pagesim"' $(CFLAGS)
ALL_LDFLAGS = $(CFLAGS_$(FLAVOUR)) $(filter-out -Wno-%,$(OPENMP)) $(LDFLAGS)
TEST_CFLAGS = -Itests $(CRITERION_CFLAGS)
# tests/support/allocations.c stands between the test program and the C library's allocator.
COUNT_ALLOCATIONS := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=posix_memalign,--wrap=aligned_alloc

CORE_SOURCES := $(wildcard core/*.c)
# The library is all of it but the program's main.
# Of two files that do the same with MPI and without, a build has one (sim/study/ranks.h).
OTHER_RANKS := sim/study/ranks_$(if $(filter mpi,$(FLAVOUR)),alone,mpi).c
SIM_SOURCES := $(filter-out sim/command/main.c $(OTHER_RANKS),$(wildcard sim/*/*.c))
# Criterion files, all linked into one runner: tests/core/test_x.c, tests/sim/ROOM/test_x.c. Shared helpers: tests/support/*.c.
TEST_SOURCES := $(wildcard tests/core/test_*.c tests/sim/*/test_*.c)
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
BENCH_SOURCES := $(wildcard tests/bench/bench_*.c)
# Plain programs for the thread sanitizer.
TSAN_SOURCES := $(wildcard tests/*/tsan_*.c tests/sim/*/tsan_*.c)

# Fuzz targets, each a program: with libFuzzer in the flavour fuzz, else with a main that gives it the kept inputs.
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_TARGET ?= $(FUZZ_TARGETS)
FUZZ_SECONDS ?= 20

CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/%.o)
CHART_JS ?= /usr/share/javascript/chart.js/chart.min.js
PAGE_OBJECT := $(BUILD)/page_files.o
SIM_OBJECTS := $(SIM_SOURCES:%.c=$(BUILD)/%.o) $(PAGE_OBJECT)
MAIN_OBJECT := $(BUILD)/sim/command/main.o
SUPPORT_OBJECTS := $(SUPPORT_SOURCES:%.c=$(BUILD)/%.o)
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(BUILD)/%.o)
BENCH_BINARIES := $(BENCH_SOURCES:tests/bench/%.c=$(BUILD)/%)
FUZZ_BINARIES := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
FUZZ_SHARED := $(addprefix $(BUILD)/tests/,fuzz/harness.o $(if $(filter fuzz,$(FLAVOUR)),,fuzz/replay_inputs.o) support/stream_recorder.o \
  support/tiny_trace.o)
TSAN_BINARIES := $(TSAN_SOURCES:%.c=$(BUILD)/%)
LIBRARIES := $(BUILD)/libpagesim.a $(BUILD)/libpagedkv.a
ARCHIVES := $(BUILD)/public/libpagesim.a $(BUILD)/public/libpagedkv.a
SHARED := $(BUILD)/libpagesim.so.$(VERSION) $(BUILD)/libpagedkv.so.$(VERSION)
ALL_TESTS := $(BUILD)/tests/all-tests

.PHONY: all help deps deps-dev demo test unit golden public python python-frames cli pages screenshots bench lint format asan tsan arm64 fuzz fuzz-inputs valgrind serial mpi install uninstall clean
all: $(BUILD)/pagesim $(ARCHIVES) $(SHARED) ## build the program and the libraries

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# --- what must be installed ----------------------------------------------------------------------------------------------------------

deps: ## install what building, demo and tests need, where it is missing
	@scripts/deps.sh user

deps-dev: ## install what lint, sanitizers, fuzzing and arm64 need as well
	@scripts/deps.sh user dev arm64

# In `make deps test` nothing may be compiled before deps is done, also with -j.
AFTER_DEPS := $(filter deps deps-dev,$(MAKECMDGOALS))

# --- the program -----------------------------------------------------------------------------------------------------------------------

$(BUILD)/libpagedkv.a: $(CORE_OBJECTS)
$(BUILD)/libpagesim.a: $(SIM_OBJECTS)
$(BUILD)/%.a:
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Installed archives are one object each, in which only public names are left: a program may have a config_load of its own.
$(BUILD)/public/%.a: $(BUILD)/%.a
	$(call say,AR,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(LD) -r -o $(@:.a=.o) --whole-archive $< && $(OBJCOPY) --localize-hidden $(@:.a=.o) && $(AR) rcs $@ $(@:.a=.o)

# libpagesim.so asks for libpagedkv.so; of it only the public functions are used.
$(BUILD)/libpagedkv.so.$(VERSION): $(CORE_OBJECTS)
$(BUILD)/libpagesim.so.$(VERSION): $(SIM_OBJECTS) $(BUILD)/libpagedkv.so.$(VERSION)
$(BUILD)/%.so.$(VERSION):
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(notdir $*).so.$(SOVERSION) -Wl,-z,defs -o $@ $^ $(if $(filter libpagesim,$*),$(SIM_LIBS)) -lm
	@ln -sf $(@F) $(BUILD)/$*.so.$(SOVERSION)

LINK = $(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS) -lm
$(BUILD)/pagesim: $(MAIN_OBJECT) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(LINK)
ifeq ($(FLAVOUR),release)
	@ln -sf release/pagesim build/pagesim
endif

$(BUILD)/%.o: %.c | $(AFTER_DEPS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(if $(filter tests/%,$<),$(TEST_CFLAGS),$(PIC)) -MMD -MP -c -o $@ $<

# The files of the page with pictures, as data of the program. Without Chart.js it is built all the same, and --html says what is missing.
# A mark remembers that, so that a Chart.js that comes later is taken.
WITHOUT_CHARTS := $(BUILD)/without_charts
.PHONY: charts-came
$(PAGE_OBJECT): sim/report/html/page.css sim/report/html/page.js sim/report/page_files.h scripts/embed.sh $(wildcard $(CHART_JS)) \
  $(if $(wildcard $(CHART_JS)),$(if $(wildcard $(WITHOUT_CHARTS)),charts-came)) | $(AFTER_DEPS)
	$(call say,CC,sim/report/html)
	@mkdir -p $(@D) && rm -f $(WITHOUT_CHARTS) && { test -f '$(CHART_JS)' || touch $(WITHOUT_CHARTS); }
	$(Q)scripts/embed.sh page_css=sim/report/html/page.css page_js=sim/report/html/page.js page_chart_js='$(CHART_JS)' > $(@:.o=.c)
	$(Q)$(CC) $(ALL_CFLAGS) $(PIC) -c -o $@ $(@:.o=.c)

# Kernels for instruction sets that not every processor has; the program asks before it calls them (core/kernels.c).
ifeq ($(PROCESSOR),x86_64)
$(BUILD)/core/kernels_avx2.o: ALL_CFLAGS += -mavx2 -mfma -mf16c -ffp-contract=fast
$(BUILD)/core/kernels_avx512.o: ALL_CFLAGS += -mavx512f -mavx2 -mfma -mf16c -mprefer-vector-width=512 -ffp-contract=fast
endif
$(BUILD)/core/kernels_neon.o: ALL_CFLAGS += -ffp-contract=fast

demo: $(BUILD)/pagesim ## replay a bundled trace, checking every float, and write its page of pictures
	$(BUILD)/pagesim replay --trace traces/chat.jsonl --config configs/demo.json --limit 200 --html build/demo.html
	@echo; echo 'The same in pictures: build/demo.html, for any browser.'

# --- tests -----------------------------------------------------------------------------------------------------------------------------

$(ALL_TESTS): $(TEST_OBJECTS) $(SUPPORT_OBJECTS) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(LINK) $(COUNT_ALLOCATIONS) $(CRITERION_LIBS)

test: $(BUILD)/pagesim $(ALL_TESTS) $(ARCHIVES) $(SHARED) $(FUZZ_BINARIES) ## run all tests: unit, golden logs, command line, threads, public headers and examples, Python package, kept fuzz inputs
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh unit golden cli threads public python fuzz | tee $(BUILD)/tests.log; exit $${PIPESTATUS[0]}

unit: $(ALL_TESTS) ## run the unit tests alone
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh unit

golden: $(BUILD)/pagesim ## compare decision logs with those of the real schedulers
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh golden

fuzz-inputs: $(FUZZ_BINARIES) ## replay the kept inputs of tests/fuzz, without libFuzzer
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh fuzz

public: $(BUILD)/pagesim $(ARCHIVES) $(SHARED) ## headers, exported symbols, and the examples against an installed copy
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh public

python: $(BUILD)/pagesim $(SHARED) ## test the Python package with the system's python3
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh python

# Pandas is a package of the system's python3, which need not be the first one.
PANDAS_PYTHON = $(call ask_once,PANDAS_PYTHON,for p in /usr/bin/python3 $(PYTHON); do $$p -c 'import pandas' 2>/dev/null && echo $$p && break; done)
python-frames: $(BUILD)/pagesim $(SHARED) ## the same with pandas and numpy, as Debian has them (make deps-dev)
	@$(if $(PANDAS_PYTHON),cd python/tests && NEED_FRAMES=1 BUILD=$(abspath $(BUILD)) $(PANDAS_PYTHON) -B -m unittest discover -s .,echo 'python-frames: python3-pandas is missing; make deps-dev' >&2; exit 1)

cli: $(BUILD)/pagesim ## run the command-line cases of tests/cli
	@BUILD=$(BUILD) PYTHON='$(PYTHON)' scripts/test.sh cli

# Selenium is a package of the system's python3, which need not be the first one.
SELENIUM_PYTHON = $(call ask_once,SELENIUM_PYTHON,for p in $(PYTHON) /usr/bin/python3; do $$p -c 'import selenium' 2>/dev/null && echo $$p && break; done)
WITHOUT_SELENIUM = echo '$@: python3-selenium is missing; make deps-dev' >&2; exit 1
pages: $(BUILD)/pagesim ## open pages of pictures in headless Chromium (make deps-dev); SCREENSHOTS=FOLDER keeps pictures of them
	@$(if $(SELENIUM_PYTHON),$(SELENIUM_PYTHON) tests/pages/check.py $(BUILD)/pagesim $(SCREENSHOTS),$(WITHOUT_SELENIUM))

screenshots: $(BUILD)/pagesim ## make the README's pictures of pages anew (make deps-dev)
	@$(if $(SELENIUM_PYTHON),$(SELENIUM_PYTHON) tests/pages/screenshots.py $(BUILD)/pagesim doc/pictures,$(WITHOUT_SELENIUM))

$(BUILD)/bench_%: $(BUILD)/tests/bench/bench_%.o $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(LINK)
ifeq ($(FLAVOUR),release)
	@ln -sf release/$(@F) build/$(@F)
endif

bench: $(BUILD)/pagesim $(BENCH_BINARIES) ## run the benchmarks
	@set -e; for b in $(BENCH_BINARIES); do $$b; done

# --- other builds that must say the same -----------------------------------------------------------------------------------------------

asan: ## tests and replays under address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory FLAVOUR=asan build/asan/pagesim build/asan/tests/all-tests $(FUZZ_TARGETS:%=build/asan/fuzz/%)
	@BUILD=build/asan PYTHON='$(PYTHON)' scripts/sanitize.sh asan

tsan: ## plain threaded programs and replays under the thread sanitizer (clang)
	@$(MAKE) --no-print-directory FLAVOUR=tsan CC='$(CLANG)' build/tsan/pagesim tsan-programs
	@BUILD=build/tsan scripts/sanitize.sh tsan $(TSAN_SOURCES:%.c=build/tsan/%)

fuzz: ## look for inputs that break something: FUZZ_SECONDS a target, or FUZZ_TARGET alone, from FUZZ_SEED (clang, libFuzzer)
	@$(MAKE) --no-print-directory FLAVOUR=fuzz CC='$(CLANG)' fuzz-programs
	@BUILD=build/fuzz scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGET)

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_BINARIES)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(FUZZ_SHARED) $(LIBRARIES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer)

valgrind: $(BUILD)/pagesim $(ALL_TESTS) ## the data plane's AVX2 and portable kernels under valgrind
	@BUILD=$(BUILD) scripts/sanitize.sh valgrind

serial: $(BUILD)/pagesim ## build without OpenMP: the same tests, the same bytes
	@$(MAKE) --no-print-directory FLAVOUR=serial build/serial/pagesim build/serial/tests/all-tests
	@BUILD=build/serial PYTHON='$(PYTHON)' scripts/test.sh unit
	@BUILD=$(BUILD) SERIAL=build/serial/pagesim PYTHON='$(PYTHON)' scripts/test.sh threads

# Open MPI is not among what `make deps` installs: one machine needs none.
mpi: ## build/mpi/pagesim, whose sweeps several processes share (Open MPI, make deps-dev), and its tests, with more ranks than cores
	@command -v mpirun >/dev/null && pkg-config --exists ompi-c || { echo 'make mpi: libopenmpi-dev and openmpi-bin are missing; make deps-dev' >&2; exit 1; }
	@$(MAKE) --no-print-directory FLAVOUR=mpi build/mpi/pagesim
	@$(PYTHON) tests/mpi/check.py build/mpi/pagesim

# With cJSON for Arm the program and its data plane, else only what needs no other library.
ARM64_CJSON = $(shell echo 'int main(void) { return 0; }' | $(ARM64)-gcc -x c - -o /dev/null -lcjson 2>/dev/null && echo yes)
ARM64_PROGRAMS = build/arm64/tests/core-tests $(if $(ARM64_CJSON),build/arm64/pagesim build/arm64/tests/data-plane-tests)

arm64: $(BUILD)/pagesim ## cross-build for 64-bit Arm; kernels, data plane and golden logs under qemu, the same bytes as here
	@scripts/arm64.sh tools $(ARM64)-gcc
	@$(MAKE) --no-print-directory FLAVOUR=arm64 CC=$(ARM64)-gcc AR=$(ARM64)-ar $(ARM64_PROGRAMS)
	@BUILD=build/arm64 NATIVE=$(BUILD) PYTHON='$(PYTHON)' scripts/arm64.sh $(if $(ARM64_CJSON),whole,core)

# Without Criterion, which starts processes: tests/plain stands in for it.
PLAIN_OBJECTS := $(BUILD)/tests/plain/plain_criterion.o
ifeq ($(FLAVOUR),arm64)
CRITERION_CFLAGS := -Itests/plain
endif
$(BUILD)/tests/core-tests: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/core/test_*.c)) $(PLAIN_OBJECTS) $(BUILD)/libpagedkv.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lm
$(BUILD)/tests/data-plane-tests: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/data_plane/test_*.c)) $(BUILD)/tests/support/tiny_trace.o \
  $(PLAIN_OBJECTS) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(LINK)

.PHONY: tsan-programs
tsan-programs: $(TSAN_BINARIES)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(LINK)

# --- what the sources look like --------------------------------------------------------------------------------------------------------

C_FILES = $(sort $(wildcard include/*.h examples/*.c core/*.c core/*.h sim/*.h sim/*/*.c sim/*/*.h tests/*/*.c tests/*/*.h tests/sim/*/*.c))

lint: ## check format, clang-tidy's findings, lengths, include directions, stray paths
	@$(PYTHON) scripts/check_tree.py
	@$(PYTHON) scripts/check_docs.py
	@LIBRARY_CFLAGS='$(CJSON_CFLAGS) $(LOADED_CFLAGS)' scripts/lint.sh $(C_FILES)

format: ## reformat all C files
	clang-format -i $(C_FILES)

# --- installing ------------------------------------------------------------------------------------------------------------------------

# What is installed of the libraries, as names in lib/.
LIBRARY_FILES := $(foreach l,libpagedkv libpagesim,$(l).a $(l).so $(l).so.$(SOVERSION) $(l).so.$(VERSION) pkgconfig/$(l:lib%=%).pc)
HEADERS := include/pagedkv.h include/pagesim.h
AT := $(DESTDIR)$(PREFIX)
FILL = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@OPENMP@|$(filter-out -W%,$(OPENMP))|'

install: $(BUILD)/pagesim $(ARCHIVES) $(SHARED) ## install into $(DESTDIR)$(PREFIX)
	install -d $(AT)/bin $(AT)/lib/pkgconfig $(AT)/include $(AT)/share/man/man1 $(AT)/share/bash-completion/completions \
	  $(AT)/share/zsh/site-functions $(AT)/share/pagesim
	install -m 755 $(BUILD)/pagesim $(AT)/bin/pagesim
	install -m 644 $(HEADERS) $(AT)/include
	install -m 644 $(ARCHIVES) $(AT)/lib
	install -m 755 $(SHARED) $(AT)/lib
	for l in libpagedkv libpagesim; do \
	  ln -sf $$l.so.$(VERSION) $(AT)/lib/$$l.so.$(SOVERSION) && ln -sf $$l.so.$(SOVERSION) $(AT)/lib/$$l.so || exit 1; done
	for l in pagedkv pagesim; do $(FILL) doc/$$l.pc.in > $(AT)/lib/pkgconfig/$$l.pc || exit 1; done
	$(FILL) doc/pagesim.1 > $(AT)/share/man/man1/pagesim.1
	install -m 644 doc/pagesim.bash $(AT)/share/bash-completion/completions/pagesim
	install -m 644 doc/pagesim.zsh $(AT)/share/zsh/site-functions/_pagesim
	cp -R traces configs $(AT)/share/pagesim
	install -d $(DESTDIR)$(PYTHON_DIR)/pagesim
	install -m 644 python/pagesim/*.py python/pagesim/py.typed $(DESTDIR)$(PYTHON_DIR)/pagesim

uninstall: ## remove what install put there
	rm -f $(AT)/bin/pagesim $(HEADERS:%=$(AT)/%) $(addprefix $(AT)/lib/,$(LIBRARY_FILES)) \
	  $(AT)/share/man/man1/pagesim.1 $(AT)/share/bash-completion/completions/pagesim $(AT)/share/zsh/site-functions/_pagesim
	rm -rf $(AT)/share/pagesim $(DESTDIR)$(PYTHON_DIR)/pagesim

clean: ## remove everything built
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
