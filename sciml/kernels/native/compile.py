"""The C++ of this folder as shared libraries: compiled once per machine with the system's compiler, kept in the
user's cache, loaded with ctypes.

Where there is no compiler, `library` gives None and `notice` says so in a sentence; callers then take the torch path,
and results record which one ran.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent
KERNELS = tuple(sorted(file.stem for file in SOURCES.glob("*.cpp")))
COMMON = ("-O3", "-std=c++20", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
TUNED = ("-march=native", "-mprefer-vector-width=512")
THREADS = ("-fopenmp",)
TRIES = (TUNED + THREADS, TUNED[:1] + THREADS, TUNED[:1], ())  # what a compiler refuses is left out
PATIENCE = 300  # seconds


def compiler() -> str | None:
    """The C++ compiler: CXX, or the first of c++, g++, clang++ on the path."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    return next((found for name in names if (found := shutil.which(name))), None)


def cache_folder() -> Path:
    """Where compiled libraries are kept: SCIML_CACHE, or `sciml` in the user's cache folder."""
    if os.environ.get("SCIML_CACHE"):
        return Path(os.environ["SCIML_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sciml"


def disabled() -> bool:
    """SCIML_KERNELS=torch asks for the torch path everywhere."""
    return os.environ.get("SCIML_KERNELS", "") == "torch"


@cache
def library(name: str) -> ctypes.CDLL | None:
    """`name`.cpp, compiled and loaded; None where that is impossible (see `notice`) or not wanted."""
    if disabled():
        return None
    found = compiler()
    if found is None:
        return None
    source, target = SOURCES / f"{name}.cpp", _target(name, found)
    if not target.exists() and not _build(found, source, target):
        return None
    try:
        return ctypes.CDLL(str(target))
    except OSError:
        return None


def must_compile(name: str) -> bool:
    """Whether `library` will first have to compile, which takes some ten seconds."""
    found = compiler()
    return found is not None and not disabled() and not _target(name, found).exists()


@cache
def notice(name: str) -> str:
    """Why there is no compiled path, in a sentence; empty where there is one."""
    if library(name) is not None:
        return ""
    if disabled():
        return "compiled kernels are switched off (SCIML_KERNELS=torch)."
    if compiler() is None:
        return "no C++ compiler (c++, g++ or clang++) was found: the slower torch path computes instead."
    return f"{name}.cpp could not be compiled with {compiler()}: the slower torch path computes instead."


def _target(name: str, found: str) -> Path:
    return cache_folder() / f"{name}-{_fingerprint(found, SOURCES / f'{name}.cpp')}.so"


def _fingerprint(found: str, source: Path) -> str:
    """Of everything the machine code depends on."""
    digest = hashlib.sha256(repr((TRIES, platform.machine(), _processor())).encode())
    digest.update(subprocess.run([found, "--version"], capture_output=True, check=False).stdout)
    for file in (source, *sorted(SOURCES.glob("*.hpp"))):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """What -march=native depends on: a cache on a shared disk serves several kinds of machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _build(found: str, source: Path, target: Path) -> bool:
    """Compile beside the target, then rename: two processes may build at once, none reads half a library."""
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".so", dir=target.parent)
        os.close(handle)
        for flags in TRIES:
            command = [found, *COMMON, *flags, str(source), "-o", temporary]
            if subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode == 0:
                os.replace(temporary, target)
                return True
    except (OSError, subprocess.TimeoutExpired):
        pass  # no room, no right to write, a compiler that hangs: `notice` tells
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
    return False
