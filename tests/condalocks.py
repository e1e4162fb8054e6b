"""Lock files of a channel that a test has made, as conda and pixi write them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from condachannel import SUBDIR, Package


def facts(channel: Path, package: Package) -> dict[str, str]:
    """Where a package is, and its hashes."""
    end = "tar.bz2" if package.old else "conda"
    file = channel / package.subdir / f"{package.stem}.{end}"
    content = file.read_bytes()
    return {
        "url": file.as_uri(),
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def explicit(channel: Path, packages: Iterable[Package]) -> str:
    """An `environment.lock`."""
    found = [facts(channel, package) for package in packages]
    return "@EXPLICIT\n" + "".join(f"{each['url']}#{each['sha256']}\n" for each in found)


def conda_lock(channel: Path, packages: Iterable[Package], wheel: Sequence[str]) -> str:
    """A `conda-lock.yml`; see :func:`pixi_lock`."""
    text = (
        "version: 1\nmetadata:\n  content_hash: {}\n  channels:\n"
        f"  - url: {channel.as_uri()}\n    used_env_vars: []\n"
        f"  platforms: [{SUBDIR}]\n  sources: [environment.yml]\npackage:\n"
    )
    for package in packages:
        about = facts(channel, package)
        needs = "".join(f"\n    {need.partition(' ')[0]}: ''" for need in package.depends)
        text += f"- name: {package.name}\n  version: '{package.version}'\n  manager: conda\n"
        text += f"  platform: {SUBDIR}\n  dependencies:{needs or ' {}'}\n  url: {about['url']}\n"
        text += f"  hash:\n    md5: {about['md5']}\n    sha256: {about['sha256']}\n"
        text += "  category: main\n  optional: false\n"
    name, version, digest = wheel
    return text + (
        f"- name: {name}\n  version: '{version}'\n  manager: pip\n  platform: {SUBDIR}\n"
        f"  dependencies: {{}}\n  url: {_wheel(name, version)}\n  hash:\n    sha256: {digest}\n"
        "  category: main\n  optional: false\n"
    )


def _wheel(name: str, version: str) -> str:
    return f"https://files.pythonhosted.org/packages/{name}-{version}-py3-none-any.whl"


def pixi_lock(channel: Path, packages: Iterable[Package], wheel: Sequence[str]) -> str:
    """A `pixi.lock`.

    Args:
        wheel: name, version and SHA-256 of a package of the public index.
    """
    found = [(facts(channel, package), package) for package in packages]
    wanted = "".join(f"      - conda: {about['url']}\n" for about, _ in found)
    name, version, digest = wheel
    url = _wheel(name, version)
    text = (
        "version: 6\nenvironments:\n  default:\n    channels:\n"
        f"    - url: {channel.as_uri()}/\n    indexes:\n    - https://pypi.org/simple\n"
        f"    packages:\n      {SUBDIR}:\n{wanted}      - pypi: {url}\npackages:\n"
        f"- pypi: {url}\n  name: {name}\n  version: '{version}'\n  sha256: {digest}\n"
    )
    for about, package in found:
        needs = "".join(f"\n  - {need}" for need in package.depends)
        text += f"- conda: {about['url']}\n  sha256: {about['sha256']}\n  md5: {about['md5']}\n"
        text += f"  depends:{needs or ' []'}\n"
    return text
