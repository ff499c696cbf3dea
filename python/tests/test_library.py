"""Where the library is found, which one is refused, and that the package can be installed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import support

import pagesim

SHOW = "import pagesim; print(pagesim.library_path()); print(pagesim.replay([{'timestamp': 0, 'input_length': 5, 'output_length': 2}], num_gpu_blocks=9).completed)"


def python(code, path, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PAGESIM", "LD_", "PYTHON"))}
    return subprocess.run([sys.executable, "-B", "-c", code], env={**env, "PYTHONPATH": str(path), **variables}, capture_output=True, text=True, cwd="/",
                          check=False)


class Finding(unittest.TestCase):
    def test_version_is_the_headers(self):
        header = (support.ROOT / "include" / "pagesim.h").read_text(encoding="utf-8")
        numbers = [re.search(rf"PAGESIM_VERSION_{part}\s+(\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertEqual(pagesim.__version__, ".".join(numbers))

    def test_above_an_installed_package(self):
        with tempfile.TemporaryDirectory() as root:
            packages = os.path.join(root, "lib", "python3", "dist-packages")
            shutil.copytree(support.ROOT / "python" / "pagesim", os.path.join(packages, "pagesim"), ignore=shutil.ignore_patterns("__pycache__"))
            for name in ("libpagesim.so.0", "libpagedkv.so.0"):
                shutil.copy(support.BUILD / name, os.path.join(root, "lib"))
            done = python(SHOW, packages)
            self.assertEqual(done.stdout.split(), [os.path.join(os.path.realpath(root), "lib", "libpagesim.so.0"), "1.0"], done.stderr)

    def test_named_and_not_there(self):
        done = python(SHOW, support.ROOT / "python", PAGESIM_LIBRARY="/there/is/no.so")
        self.assertIn("LibraryError", done.stderr)
        self.assertIn("/there/is/no.so", done.stderr)

    def test_another_version_is_refused(self):
        done = python("import pagesim._library as l; l.__version__ = '0.99.0'; l.lib()", support.ROOT / "python",
                      PAGESIM_LIBRARY=str(support.BUILD / "libpagesim.so.0"))
        self.assertIn("this package is for 0.99.0", done.stderr)

    @unittest.skipUnless(all(support.have(module) for module in ("pip", "setuptools", "wheel")), "pip, setuptools and wheel are not all installed")
    def test_pip_installs_it_without_a_network(self):
        with tempfile.TemporaryDirectory() as work:
            shutil.copytree(support.ROOT / "python", os.path.join(work, "python"), ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
            done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--target",
                                   os.path.join(work, "there"), os.path.join(work, "python")], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            done = python(SHOW, os.path.join(work, "there"), PAGESIM_LIBRARY=str(support.BUILD / "libpagesim.so.0"))
            self.assertEqual(done.stdout.split()[1:], ["1.0"], done.stderr)


if __name__ == "__main__":
    unittest.main()
