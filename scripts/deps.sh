#!/usr/bin/env bash
# usage: deps.sh user [dev] [arm64]
# Installs what is missing, through apt where there is one; asks for nothing when everything is there.
set -eu

have_c_library() { pkg-config --exists "$1" 2>/dev/null; }
have_compiler() { command -v "${CC:-cc}" >/dev/null; }
# The tests take whichever python3 has it.
have_jsonschema() { python3 -c 'import jsonschema' || /usr/bin/python3 -c 'import jsonschema'; }
have_selenium() { python3 -c 'import selenium' || /usr/bin/python3 -c 'import selenium'; }
have_pandas() { /usr/bin/python3 -c 'import pandas' || python3 -c 'import pandas'; }
# What clang needs beside itself is known by what it links.
clang_links() { printf 'int main(void){return 0;}\n' | clang -x c "$@" -o /dev/null - >/dev/null 2>&1; }
clang_fuzzes() {
    printf '#include <stddef.h>\n#include <stdint.h>\nint LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n){(void)d;(void)n;return 0;}\n' |
        clang -x c -fsanitize=fuzzer,address -o /dev/null - >/dev/null 2>&1
}

links_for_arm64() { printf 'int main(void){return 0;}\n' | aarch64-linux-gnu-gcc -x c -o /dev/null - "$@"; }

packages=() foreign=()
need() { # package, then a command that succeeds when it is there
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}
for set in "$@"; do
    case $set in
    user)
        need gcc have_compiler
        need libc6-dev test -e /usr/include/stdio.h
        need make command -v make
        need pkg-config command -v pkg-config
        need libcjson-dev have_c_library libcjson
        need libarchive-dev have_c_library libarchive
        need libyaml-dev have_c_library yaml-0.1
        need libjs-chart.js test -e /usr/share/javascript/chart.js/chart.min.js
        need libcriterion-dev have_c_library criterion
        need xz-utils command -v xz
        need python3 command -v python3
        need python3-jsonschema have_jsonschema
        ;;
    dev)
        need clang command -v clang
        need clang-format command -v clang-format
        need clang-tidy command -v clang-tidy
        need libomp-dev clang_links -fopenmp
        need "libclang-rt-${LLVM:-14}-dev" clang_fuzzes
        need valgrind command -v valgrind
        need man-db command -v man
        need chromium command -v chromium
        need chromium-driver command -v chromedriver
        need python3-selenium have_selenium
        need gnuplot-nox command -v gnuplot
        need python3-pandas have_pandas
        need libopenmpi-dev have_c_library ompi-c
        need openmpi-bin command -v mpirun
        need g++ command -v "${CXX:-g++}"
        ;;
    arm64)
        [ "$(uname -m)" = x86_64 ] || continue
        need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
        need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
        command -v qemu-aarch64-static >/dev/null || need qemu-user command -v qemu-aarch64
        links_for_arm64 -lcjson 2>/dev/null || foreign+=(libcjson-dev:arm64)
        test -e /usr/lib/aarch64-linux-gnu/libgomp.so.1 || foreign+=(libgomp1:arm64)
        ;;
    *) echo "deps.sh: no set called $set" >&2; exit 2 ;;
    esac
done

if [ $((${#packages[@]} + ${#foreign[@]})) -eq 0 ]; then
    echo "deps: everything is installed"
    exit 0
fi
echo "deps: missing: ${packages[*]} ${foreign[*]}"
if ! command -v apt-get >/dev/null; then
    echo "deps: there is no apt-get here; please install a C compiler, make, pkg-config, cJSON, libarchive, libyaml, Chart.js, Criterion, xz, python3 and its jsonschema" >&2
    [ "$*" = user ] || echo "deps: and g++, clang with its OpenMP runtime and sanitizers, clang-format, clang-tidy, valgrind, Open MPI, Chromium with its driver and Selenium, gnuplot, pandas; for make arm64 a cross compiler and qemu" >&2
    echo "deps: (Fedora: dnf install cjson-devel libarchive-devel libyaml-devel criterion-devel; macOS: brew install cjson libarchive libyaml criterion libomp pkg-config)" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "deps: neither root nor sudo; as root: apt-get install ${packages[*]} ${foreign[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
if [ ${#packages[@]} -gt 0 ]; then "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"; fi

# Libraries for Arm come from the same archive, where it holds that architecture; make arm64 does with less.
arm64_libraries() {
    local before
    before=$(dpkg --print-foreign-architectures)
    "${as_root[@]}" dpkg --add-architecture arm64
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${foreign[@]}" && return
    echo "deps: there is no ${foreign[*]} to be had; make arm64 will test the core library alone"
    [[ $before == *arm64* ]] || "${as_root[@]}" dpkg --remove-architecture arm64 || true
}
if [ ${#foreign[@]} -gt 0 ]; then arm64_libraries || true; fi
