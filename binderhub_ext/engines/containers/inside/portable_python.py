"""Make a Python that runs in any Linux image: with its own libraries and its own loader.

Run while an image is built, by the Python that is to be copied. What is made runs in images
without Python, without shell, and with another C library (or none), as long as it stays where it
was made.

Usage: python3 portable_python.py FOLDER UV PACKAGE…
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_LEFT_OUT = ("config-*", "dist-packages", "idlelib", "site-packages", "test", "tests")
_LIBRARY = re.compile(r"(?:=>)?\s*(/\S+) \(0x")
"""A library in a line of `ldd`; the loader's own line has no arrow."""


def main() -> None:
    folder, uv, *packages = sys.argv[1:]
    python = copy_python(Path(folder))
    environment = Path(folder) / "server"
    run(uv, "venv", "--quiet", "--python", str(python), str(environment))
    install = (uv, "pip", "install", "--quiet", "--no-cache", "--compile-bytecode")
    run(*install, "--python", str(environment / "bin" / "python"), *packages)
    libraries = Path(folder) / "lib"
    objects = [python, *Path(folder).rglob("*.so"), *Path(folder).rglob("*.so.*")]
    for library in needed(objects):
        if not library.is_relative_to(folder):
            shutil.copy(library, libraries / library.name)
    loader = libraries / Path(run("patchelf", "--print-interpreter", str(python)).strip()).name
    # An rpath, unlike a runpath, also holds for what the libraries themselves need.
    linked = ("--force-rpath", "--set-rpath", str(libraries), "--set-interpreter", str(loader))
    run("patchelf", *linked, str(python))


def copy_python(folder: Path) -> Path:
    """Copy this interpreter and its standard library; returns the copy's program."""
    python = folder / "bin" / "python3"
    python.parent.mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), python)
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(
        library,
        folder / "lib" / library.name,
        ignore=shutil.ignore_patterns(*_LEFT_OUT),
        ignore_dangling_symlinks=True,
    )
    return python


def needed(objects: Iterable[Path]) -> set[Path]:
    """All libraries that programs and libraries are linked with, the loader among them."""
    libraries: set[Path] = set()
    for each in objects:
        listed = subprocess.run(["ldd", str(each)], capture_output=True, text=True).stdout
        libraries.update(map(Path, _LIBRARY.findall(listed)))
    return libraries


def run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
