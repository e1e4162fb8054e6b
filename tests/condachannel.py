"""A channel of conda's packages, made by hand: `.conda` and `.tar.bz2` files with their index.

The package `python` is this machine's own interpreter, so that environments work; packages of
conda-forge are not to be had in tests.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PLACEHOLDER = "/opt/" + "placehold_" * 24
"""What packages have in place of the folder that they will be in."""

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SUBDIR = "linux-aarch64" if os.uname().machine == "aarch64" else "linux-64"
_LEFT_OUT = {
    "test",
    "tests",
    "site-packages",
    "__pycache__",
    "idlelib",
    "turtledemo",
    "tkinter",
    "ensurepip",
    "lib2to3",
}
_TOOL = re.compile(r"pip|setuptools|pkg_resources")


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        files: content by path; a text that begins with `-> ` is a link.
        depends: what it needs.
        noarch: whether it is Python for every machine.
        entry_points: commands of it, `name = module:function`.
        old: whether it is a `.tar.bz2`.
        told: paths as they are told to be, where that is not the truth.
    """

    name: str
    files: Mapping[str, str | bytes]
    version: str = "1.0"
    depends: Sequence[str] = ()
    noarch: bool = False
    entry_points: Sequence[str] = ()
    old: bool = False
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-0"

    @property
    def subdir(self) -> str:
        return "noarch" if self.noarch else SUBDIR


def can_make_python() -> bool:
    """Whether this machine's interpreter works elsewhere too: Debian's own does not."""
    return sys.base_prefix != "/usr"


def python_package(base: Path = Path(sys.base_prefix), version: str = PYTHON) -> Package:
    """This machine's Python without what no environment needs.

    Args:
        base: another one's installation.
        version: of that, `x.y`.
    """
    real = f"bin/python{version}"
    # Where it finds its library: beside it, in place of where this machine has it.
    own = os.fsencode(base / "lib") + b"\0"
    program = (base / real).read_bytes().replace(own, b"$ORIGIN/../lib".ljust(len(own), b"\0"))
    files: dict[str, str | bytes] = {real: program}
    files |= dict.fromkeys(("bin/python", f"bin/python{version[0]}"), f"-> python{version}")
    files |= _files(base, f"lib/python{version}")
    for library in base.glob(f"lib/libpython{version}*.so.*"):
        files[str(library.relative_to(base))] = library.read_bytes()
    micro = sys.version_info.micro if version == PYTHON else 0
    return Package("python", files, version=f"{version}.{micro}")


def pip_package(base: Path, version: str) -> Package:
    """The pip of a Python, with what it builds packages with."""
    site = f"lib/python{version}/site-packages"
    tools = [path.name for path in (base / site).iterdir() if _TOOL.match(path.name)]
    files = [_files(base, f"{site}/{name}", {"__pycache__"}) for name in tools]
    merged = {path: content for part in files for path, content in part.items()}
    return Package("pip", merged, depends=["python"])


def _files(
    base: Path, place: str, left_out: Collection[str] = frozenset(_LEFT_OUT)
) -> dict[str, str | bytes]:
    """What is in a folder of an installation, by path in that."""
    files: dict[str, str | bytes] = {}
    for path, folders, names in os.walk(base / place):
        folders[:] = [name for name in folders if name not in left_out]
        folders[:] = [name for name in folders if not name.startswith("config-")]
        for name in names:
            file = Path(path, name)
            files[str(file.relative_to(base))] = file.read_bytes()
    return files


def make_channel(folder: Path, packages: Sequence[Package]) -> None:
    """Write a channel's files."""
    index: dict[str, dict[str, dict[str, object]]] = {
        subdir: {"packages": {}, "packages.conda": {}} for subdir in (SUBDIR, "noarch")
    }
    for package in packages:
        name, content = _packed(package)
        place = folder / package.subdir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        kind = "packages" if package.old else "packages.conda"
        index[package.subdir][kind][name] = {
            **_facts(package),
            "md5": hashlib.md5(content).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
    for subdir, found in index.items():
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        repodata = {"info": {"subdir": subdir}, **found, "removed": [], "repodata_version": 1}
        (folder / subdir / "repodata.json").write_text(json.dumps(repodata))


def _facts(package: Package) -> dict[str, object]:
    return {
        "name": package.name,
        "version": package.version,
        "build": "0",
        "build_number": 0,
        "depends": list(package.depends),
        "subdir": package.subdir,
        **({"noarch": "python"} if package.noarch else {"arch": None, "platform": None}),
    }


def _packed(package: Package) -> tuple[str, bytes]:
    info = _info(package)
    if package.old:
        return f"{package.stem}.tar.bz2", bz2.compress(_tar({**package.files, **info}), 1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr(f"info-{package.stem}.tar.zst", _zstd(_tar(info)))
        archive.writestr(f"pkg-{package.stem}.tar.zst", _zstd(_tar(package.files)))
    return f"{package.stem}.conda", packed.getvalue()


def _info(package: Package) -> dict[str, str | bytes]:
    paths = [_path(package, path, content) for path, content in package.files.items()]
    info = {
        "info/index.json": json.dumps(_facts(package)),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}),
        "info/about.json": "{}",
    }
    if package.noarch:
        how = {"type": "python", "entry_points": list(package.entry_points)}
        link = {"noarch": how, "package_metadata_version": 1}
        info["info/link.json"] = json.dumps(link)
    return dict(info)


def _path(package: Package, path: str, content: str | bytes) -> dict[str, object]:
    raw = content if isinstance(content, bytes) else content.encode()
    link = raw.startswith(b"-> ")
    about: dict[str, object] = {
        "_path": package.told.get(path, path),
        "path_type": "softlink" if link else "hardlink",
        "sha256": hashlib.sha256(b"" if link else raw).hexdigest(),
        "size_in_bytes": 0 if link else len(raw),
    }
    if PLACEHOLDER.encode() in raw:
        mode = "binary" if b"\0" in raw else "text"
        about |= {"prefix_placeholder": PLACEHOLDER, "file_mode": mode}
    return about


def _tar(files: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            raw = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(path)
            if raw.startswith(b"-> "):
                member.type, member.linkname = tarfile.SYMTYPE, raw[3:].decode()
                archive.addfile(member)
                continue
            member.size = len(raw)
            member.mode = 0o755 if "bin/" in path else 0o644
            archive.addfile(member, io.BytesIO(raw))
    return packed.getvalue()


def _zstd(content: bytes) -> bytes:
    """A frame of Zstandard whose blocks are as they are, which needs no compressor."""
    size = 1 << 17
    blocks = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
    frame = [b"\x28\xb5\x2f\xfd\xe0", len(content).to_bytes(8, "little")]
    for number, block in enumerate(blocks, 1):
        frame += [((number == len(blocks)) | len(block) << 3).to_bytes(3, "little"), block]
    return b"".join(frame)


_JULIA = '''#!/usr/bin/env python3
"""Takes the words that the engine gives Julia, and leaves what the real one would."""
import json, os, sys
from pathlib import Path

options = [word for word in sys.argv[1:] if word.startswith("--")]
code = sys.argv[sys.argv.index("-e") + 1]
project = Path(dict(option.split("=") for option in options)["--project"])
depot = Path(os.environ["JULIA_DEPOT_PATH"].split(":")[0])
if "IJulia" in code:
    project.mkdir(parents=True)
    (project / "Project.toml").write_text("[deps]\\nIJulia = 1\\n")
    kernel = Path(os.environ["JUPYTER_DATA_DIR"], "kernels", "julia-VERSION")
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Julia VERSION", "language": "julia"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
if "Pkg.instantiate()" in code:
    (project / "Manifest.toml").write_text('julia_version = "VERSION"\\n')
    tides = depot / "packages" / "Tides"
    tides.mkdir(parents=True)
    (tides / "from.txt").write_text(os.environ.get("JULIA_PKG_SERVER", "Julia's own"))
'''


def julia_package(version: str) -> Package:
    """A program that is called like Julia, and what else conda-forge's package does.

    Its kernel is Python's: there is no Julia in tests.
    """
    script = 'export JULIA_DEPOT_PATH="$CONDA_PREFIX/share/julia:$JULIA_DEPOT_PATH"\n'
    script += 'export JULIA_PROJECT="@conda" JULIA_LOAD_PATH="@:@conda:@stdlib"\n'
    script += 'export JULIA_SSL_CA_ROOTS_PATH="$CONDA_PREFIX/ssl/cacert.pem"\n'
    minor = version.rpartition(".")[0]
    files = {
        "bin/julia": _JULIA.replace("VERSION", minor),
        "etc/conda/activate.d/julia.sh": script,
    }
    return Package("julia", files, version=version)


_RSCRIPT = """#!/bin/sh
# Takes the words that the engine gives Rscript, and leaves what the real one would.
for last; do :; done
package="$R_LIBS_USER/$(basename "$last" .R)"
mkdir "$package" && echo "of $BINDER_CRAN for $R_OF_CONDA" >"$package/DESCRIPTION"
"""
_R = """#!/bin/sh
for last; do :; done
exec "${0%/*}/python" -m ipykernel_launcher -f "$last"
"""


def packages_of_r(*versions: str) -> list[Package]:
    """Programs that are called like R's, and the packages that every environment with R has.

    Its kernel is Python's: no R of conda's is in tests.
    """
    script = 'export R_OF_CONDA="${CONDA_PREFIX##*/}"\n'
    files = {"bin/R": _R, "bin/Rscript": _RSCRIPT, "etc/conda/activate.d/r.sh": script}
    named = {"r-irkernel": "IRkernel", "r-remotes": "remotes", "r-shiny": "shiny"}
    libraries = [
        Package(package, {f"lib/R/library/{name}/DESCRIPTION": ""}, depends=["r-base"])
        for package, name in named.items()
    ]
    bases = [Package("r-base", files, version=version) for version in versions]
    return [*bases, *libraries, Package("r-recommended", {}, depends=["r-base"])]
