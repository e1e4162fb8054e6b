"""Debian packages that tests make: what a script of a package can do."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_package(folder: Path, name: str, script: str) -> Path:
    """A package whose script runs when it is installed."""
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": "1",
        "Architecture": "all",
        "Maintainer": "A <a@example.org>",
        "Description": name,
    }
    control = "".join(f"{field}: {text}\n" for field, text in fields.items())
    (tree / "DEBIAN/control").write_text(control)
    postinst = tree / "DEBIAN/postinst"
    postinst.write_text(script)
    postinst.chmod(0o755)
    made = folder / f"{name}.deb"
    argv = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made]
    subprocess.run(argv, check=True, capture_output=True)
    return made
