#!/usr/bin/env python3
"""The public face as a user meets it: headers that compile alone, libraries that export what the headers declare, an installed copy, and
the examples built against it as C and C++, shared and static.

usage: run.py BUILD      (from the project's folder; BUILD has the libraries)
Expected outputs of the examples are tests/public/NAME.stdout. CC, CXX are honoured. Ends with "N passed, N failed".
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PREFIX = "/opt/house"  # not one that the linker knows
LIBRARIES = ("pagedkv", "pagesim")
results = [0, 0]


def check(good, what):
    results[not good] += 1
    if not good:
        print(f"FAILED: {what}")
    return good


def run(*command, **more):
    try:
        return subprocess.run(command, capture_output=True, text=True, **more)
    except FileNotFoundError as missing:  # a program that could not be built
        return subprocess.CompletedProcess(command, 127, "", str(missing))


def succeeds(what, *command, **more):
    done = run(*command, **more)
    check(done.returncode == 0, f"{what}\n{done.stdout}{done.stderr}")
    return done


def compilers():
    """Name, command, language and standard of the compilers that are here. g++ may be missing, but not in CI."""
    found = [("C", os.environ.get("CC", "cc").split(), ["-x", "c", "-std=c11", "-pedantic"])]
    cxx = os.environ.get("CXX", "g++").split()
    if shutil.which(cxx[0]):
        found.append(("C++", cxx, ["-x", "c++", "-std=c++17"]))
    elif os.environ.get("CI"):
        check(False, "there is no C++ compiler, which is a failure in CI")
    else:
        print("SKIPPED: C++, there is no g++ (make deps-dev installs it)")
    return found


def headers_compile_alone():
    for header in sorted(glob.glob("include/*.h")):
        for language, compiler, flags in compilers():
            program = f'#include "{os.path.basename(header)}"\n'
            succeeds(f"{header} alone as {language}", *compiler, *flags, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Iinclude", "-", input=program)


def declared(header):
    text = re.sub(r"/\*.*?\*/", "", open(header, encoding="utf-8").read(), flags=re.S)
    text = re.sub(r"^#.*$", "", text, flags=re.M)
    return set(re.findall(r"_API\b[^;(]*?\b(\w+)\(", text))


def symbols_equal_headers(build):
    for name in LIBRARIES:
        library, promised = glob.glob(f"{build}/lib{name}.so.*.*.*")[0], declared(f"include/{name}.h")
        check(promised, f"{name}.h declares functions")
        for file, names in ((library, "-D"), (f"{build}/public/lib{name}.a", "-g")):
            listed = run("nm", names, "--defined-only", file).stdout
            # Names with a dot are no C names: the compiler's, for critical sections of OpenMP.
            exported = {line.split()[-1] for line in listed.splitlines() if len(line.split()) == 3 and " ." not in line}
            check(exported <= promised, f"{file} exports what its header does not declare: {sorted(exported - promised)}")
            check(promised <= exported, f"{name}.h declares what {file} does not export: {sorted(promised - exported)}")
        for language, compiler, flags in compilers():  # the version of header, library and file name are one
            program = f'#include <{name}.h>\n#include <stdio.h>\nint main(void) {{ printf("%u %u %s", {name.upper()}_VERSION_NUMBER, {name}_version_number(), {name}_version_string()); }}\n'
            with tempfile.NamedTemporaryFile() as out:
                out.close()
                succeeds(f"version of {name} as {language}", *compiler, *flags, "-o", out.name, "-", "-Iinclude", "-x", "none", library, f"-Wl,-rpath-link,{build}", input=program)
                said = run(out.name, env=environment(build)).stdout.split()
            version = library.split(".so.")[1]
            major, minor, patch = map(int, version.split("."))
            check(said == [str(major * 10000 + minor * 100 + patch)] * 2 + [version], f"version of {name}: {said}, of the file {version}")


def environment(libraries):
    return dict(os.environ, LD_LIBRARY_PATH=libraries, OMP_NUM_THREADS="2")


def files_of(root):
    return {os.path.relpath(os.path.join(folder, file), root) for folder, _, files in os.walk(root) for file in files}


def examples(root, work):
    """Each C example as C and C++, shared and static, and each Python example, against the copy in root."""
    lib = f"{root}{PREFIX}/lib"
    static = f"{work}/static"
    os.makedirs(static)
    for archive in glob.glob(f"{lib}/*.a"):
        shutil.copy(archive, static)
    for source in sorted(glob.glob("examples/*.c")):
        name = os.path.basename(source)[:-2]
        package = "pagedkv" if "<pagedkv.h>" in open(source, encoding="utf-8").read() else "pagesim"
        for language, compiler, flags in compilers():
            for kind in ("shared", "static"):
                pkg = run("pkg-config", "--cflags", "--libs", *(["--static"] if kind == "static" else []), package,
                          env=dict(os.environ, PKG_CONFIG_PATH=f"{lib}/pkgconfig", PKG_CONFIG_SYSROOT_DIR=root)).stdout.split()
                program, what = f"{work}/{name}", f"{name} as {language}, {kind}"
                first = [f"-L{static}"] if kind == "static" else [f"-Wl,-rpath-link,{lib}"]
                succeeds(f"building {what}", *compiler, *flags, "-Wall", "-Wextra", "-Werror", source, "-x", "none", "-o", program, *first, *pkg)
                same_output(name, what, [program], environment(work if kind == "static" else lib))
    package = glob.glob(f"{lib}/python3*/dist-packages")
    check(len(package) == 1, f"installed: one place for the Python package, {package}")
    env = dict(environment(""), PYTHONPATH=(package or [""])[0])  # it finds its library by itself
    env.pop("PAGESIM_LIBRARY", None)
    for source in sorted(glob.glob("examples/*.py")):
        name = os.path.basename(source)
        same_output(name, name, [sys.executable, "-B", source], env)
    same_figures(root, env)


def same_figures(root, env):
    """Every figure that Python gets from the library is that of the program."""
    asked = "import json, pagesim; print(json.dumps(pagesim.replay('traces/chat.jsonl', num_gpu_blocks=300).figures))"
    library = succeeds("figures from Python", sys.executable, "-B", "-W", "ignore", "-c", asked, env=env).stdout
    program = succeeds("figures of the program", f"{root}{PREFIX}/bin/pagesim", "replay", "--trace", "traces/chat.jsonl", "--num-gpu-blocks", "300",
                       "--format", "json", env=env).stdout
    library, program = json.loads(library or "{}"), json.loads(program or "{}")
    differing = [name for name, value in library.items() if not (value == program.get(name, "missing") or (program.get(name) is None and value != value))]
    check(len(library) > 50 and not differing, f"of {len(library)} figures these differ between library and program: {differing}")


def same_output(name, what, command, env):
    wanted = f"tests/public/{name}.stdout"
    done = run(*command, env=env)
    if os.environ.get("UPDATE"):
        open(wanted, "w", encoding="utf-8").write(done.stdout)
    right = open(wanted, encoding="utf-8").read() if os.path.exists(wanted) else "(there is no such file)"
    check(done.returncode == 0 and done.stdout == right, f"{what}: exit {done.returncode}, output differs from {wanted}:\n{done.stdout}{done.stderr}")


def installed():
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as work:
        where = (f"DESTDIR={root}", f"PREFIX={PREFIX}")
        succeeds("make install", "make", "--no-print-directory", "install", *where)
        files = files_of(f"{root}{PREFIX}")
        for name in LIBRARIES:
            for file in (f"include/{name}.h", f"lib/lib{name}.a", f"lib/lib{name}.so", f"lib/pkgconfig/{name}.pc"):
                check(file in files, f"installed: {file}")
        for file in ("bin/pagesim", "share/man/man1/pagesim.1", "share/bash-completion/completions/pagesim", "share/pagesim/configs/demo.json"):
            check(file in files, f"installed: {file}")
        extra = {file for file in files if file.startswith("include/")} - {f"include/{name}.h" for name in LIBRARIES}
        check(not extra, f"internal headers are installed: {sorted(extra)}")
        examples(root, work)
        succeeds("make uninstall", "make", "--no-print-directory", "uninstall", *where)
        check(not files_of(root), f"left after uninstall: {sorted(files_of(root))}")


def main():
    headers_compile_alone()
    symbols_equal_headers(sys.argv[1])
    installed()
    print(f"{results[0]} passed, {results[1]} failed")
    sys.exit(bool(results[1]))


main()
