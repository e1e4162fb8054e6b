"""Lock files with packages of conda, and pixi's manifest: what each says, and what is wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from time import process_time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_locks import lock_of, reader

from binderhub_ext.core.environment import determine
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.locks import CONDA, Target, find_lock
from binderhub_ext.core.locks.condafile import CondaPart, conda_file
from binderhub_ext.core.yamltext import parse_yaml

HERE = Target("3.11", "x86_64")
FORGE = "https://conda.anaconda.org/conda-forge"
SHA, MD5 = "1" * 64, "2" * 32
PYTHON = f"{FORGE}/linux-64/python-3.11.4-h1_0_cpython.conda"
TIDES = f"{FORGE}/noarch/tides-1.0-py_0.tar.bz2"
WHEEL = "https://files.pythonhosted.org/packages/a/b/cowsay-6.0-py3-none-any.whl"
OWN = "https://example.org/own-1.tar.gz"

CONDA_LOCK = f"""\
# A comment, as conda-lock writes many.
version: 1
metadata:
  content_hash:
    linux-64: abc
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms: [linux-64, osx-64]
  sources:
  - environment.yml
package:
- name: python
  version: 3.11.4
  manager: conda
  platform: linux-64
  dependencies:
    __glibc: '>=2.17'
    libzlib: '>=1.2.13,<2.0a0'
  url: {PYTHON}
  hash:
    md5: {MD5}
    sha256: {SHA}
  category: main
  optional: false
- name: python
  version: 3.11.4
  manager: conda
  platform: osx-64
  dependencies: {{}}
  url: {FORGE}/osx-64/python-3.11.4-h1_0_cpython.conda
  hash: {{md5: {MD5}}}
- name: tides
  version: '1.0'
  manager: conda
  platform: linux-64
  dependencies: {{python: ''}}
  url: {TIDES}
  hash: {{md5: {MD5}}}
  category: dev
- name: sphinx
  manager: conda
  platform: linux-64
  url: {FORGE}/noarch/sphinx-1.0-py_0.conda
  hash: {{md5: {MD5}}}
  category: docs
- name: cowsay
  version: '6.0'
  manager: pip
  platform: linux-64
  dependencies: {{}}
  url: {WHEEL}
  hash: {{sha256: {SHA}}}
- name: own
  version: '1'
  manager: pip
  platform: linux-64
  url: {OWN}
  hash: {{sha256: {SHA}}}
"""

EXPLICIT = f"""\
# This file may be used to create an environment using:
# platform: linux-64
@EXPLICIT
{PYTHON}#{MD5}
{TIDES}#sha256:{SHA}
# pip own @ {OWN} --hash=sha256:{SHA}
"""

PIXI_LOCK = f"""\
version: 6
environments:
  default:
    channels:
    - url: {FORGE}/
    indexes:
    - https://pypi.org/simple
    packages:
      linux-64:
      - conda: {PYTHON}
      - conda: {TIDES}
      - pypi: {WHEEL}
      - pypi: git+https://example.org/a/b?rev=v1&subdirectory=sub#abc
      - pypi: ./libs/own
      osx-arm64:
      - conda: {FORGE}/osx-arm64/python-3.11.4-h1_0_cpython.conda
  docs:
    packages:
      linux-64:
      - conda: {FORGE}/noarch/sphinx-1.0-py_0.conda
packages:
- conda: {PYTHON}
  sha256: {SHA}
  md5: {MD5}
  depends:
  - __glibc >=2.17,<3.0.a0
  - libzlib >=1.2.13,<2.0a0
  license: Python-2.0
  size: 14596811
- conda: {TIDES}
  sha256: {SHA}
- conda: {FORGE}/osx-arm64/python-3.11.4-h1_0_cpython.conda
  sha256: {SHA}
- conda: {FORGE}/noarch/sphinx-1.0-py_0.conda
- pypi: {WHEEL}
  name: cowsay
  version: '6.0'
  sha256: {SHA}
- pypi: git+https://example.org/a/b?rev=v1&subdirectory=sub#abc
  name: b
  version: '1'
- pypi: ./libs/own
  name: own
  version: 0.1.0
  editable: true
"""

PIXI = """\
[workspace]
name = "course"
channels = ["conda-forge", {channel = "https://conda.example.org/own"}]
platforms = ["linux-64", "osx-arm64"]
[dependencies]
python = "3.11.*"
tides = "*"
numpy = "*"
[pypi-dependencies]
cowsay = ">=6,<7"
requests = {version = "2.31.0", extras = ["socks"]}
own = {path = "libs/own", editable = true}
far = {git = "https://example.org/a/far", rev = "abc", subdirectory = "x"}
[pypi-options]
extra-index-urls = ["https://example.org/simple"]
[host-dependencies]
tides = ">=9"
[target.unix.dependencies]
numpy = ">=1.26"
[target.linux-64.dependencies]
gxx = "*"
numpy = {version = ">=1.26,<3", build = "py311*", channel = "conda-forge"}
[target.osx-arm64.dependencies]
metal = "*"
[target.linux-64.pypi-dependencies]
six = "*"
[activation.env]
TIDE = "high"
[feature.plots.dependencies]
matplotlib = "3.8.*"
[feature.plots]
channels = ["plots"]
[feature.docs.dependencies]
sphinx = "*"
[environments]
default = ["plots"]
docs = ["docs"]
"""


def part(files: dict[str, str]) -> CondaPart:
    conda = lock_of(files).locked.conda
    assert conda
    return conda


def test_conda_lock() -> None:
    lock = lock_of({"conda-lock.yml": CONDA_LOCK})
    python, tides = part({"conda-lock.yml": CONDA_LOCK}).files["linux-64"]
    assert (python.name, python.version, python.build) == ("python", "3.11.4", "h1_0_cpython")
    assert (python.channel, python.subdir) == (FORGE, "linux-64")
    assert (python.sha256, python.md5) == (SHA, MD5) and (tides.sha256, tides.md5) == ("", MD5)
    assert python.depends == ("__glibc >=2.17", "libzlib >=1.2.13,<2.0a0")
    assert tides.depends == ("python",)
    where = 'platform_machine == "x86_64"'
    assert lock.locked.asked == (
        f"cowsay ; {where}",
        f"own @ {OWN} ; platform_machine == 'x86_64' --hash=sha256:{SHA}",
    )
    assert lock.locked.limits == (f"cowsay==6.0 ; {where} --hash=sha256:{SHA}",)
    lock.check(HERE)


def test_explicit() -> None:
    lock = lock_of({"environment.lock": EXPLICIT})
    python, tides = part({"environment.lock": EXPLICIT}).files["linux-64"]
    assert (python.md5, python.sha256, tides.sha256) == (MD5, "", SHA)
    assert lock.locked.asked == (f"own @ {OWN} --hash=sha256:{SHA}",)
    lock.check(HERE)


@pytest.mark.parametrize("version", ["5", "6", "7"])
def test_pixi_lock(version: str) -> None:
    text = PIXI_LOCK.replace("version: 6", f"version: {version}", 1)
    if version == "5":
        head, _, packages = text.partition("\npackages:\n")
        packages = packages.replace("- conda: ", "- kind: conda\n  url: ")
        packages = packages.replace("- pypi: ./", "- kind: pypi\n  path: ./")
        text = f"{head}\npackages:\n" + packages.replace("- pypi: ", "- kind: pypi\n  url: ")
    lock = lock_of({"pixi.lock": text, "pixi.toml": PIXI})
    assert lock.locked.conda
    python, tides = lock.locked.conda.files["linux-64"]
    assert python.depends[0] == "__glibc >=2.17,<3.0.a0" and tides.url == TIDES
    assert lock.locked.conda.platforms == ("linux-64", "osx-arm64")
    assert lock.locked.conda.variables == {"TIDE": "high"}
    assert "gxx" in lock.locked.conda.specs["linux-64"]
    assert lock.locked.asked == (
        'cowsay ; platform_machine == "x86_64"',
        "b @ git+https://example.org/a/b@abc#subdirectory=sub ; platform_machine == 'x86_64'",
        "-e ./libs/own",
    )
    assert lock.locked.limits == (
        f'cowsay==6.0 ; platform_machine == "x86_64" --hash=sha256:{SHA}',
    )
    lock.check(HERE)


def test_pixi_manifest() -> None:
    lock = lock_of({"pixi.toml": PIXI})
    assert lock.locked.conda
    assert lock.locked.conda.specs == {
        "linux-64": (
            "tides",
            "python 3.11.*",
            "numpy[version='>=1.26,<3',build='py311*',channel='conda-forge']",
            "gxx",
            "matplotlib 3.8.*",
        )
    }
    channels = ("conda-forge", "https://conda.example.org/own", "plots")
    assert lock.locked.conda.channels == channels
    assert lock.locked.conda.variables == {"TIDE": "high"}
    assert lock.locked.asked == (
        "--extra-index-url https://example.org/simple",
        "cowsay<7,>=6",
        "requests[socks]==2.31.0",
        "-e ./libs/own",
        "far @ git+https://example.org/a/far@abc#subdirectory=x",
        "six ; platform_machine == 'x86_64'",
    )
    lock.check(HERE)


def test_an_environment_without_the_default_feature() -> None:
    fields = '{features = ["docs"], no-default-feature = true}'
    text = PIXI.replace('default = ["plots"]', f"default = {fields}")
    assert part({"pixi.toml": text}).specs == {"linux-64": ("sphinx",)}


ALL = {
    "conda-lock.yml": CONDA_LOCK,
    "environment.lock": EXPLICIT,
    "pixi.lock": PIXI_LOCK,
    "pixi.toml": PIXI,
}


@pytest.mark.parametrize("name", CONDA)
def test_what_is_taken_and_what_the_key_names(name: str) -> None:
    """Only where repo2docker would take packages from nothing, a package itself among that."""
    text = ALL[name].replace("      - pypi: ./libs/own\n", "").replace("path =", "version =")
    text = text.replace('"libs/own"', '"*"')
    found = determine("PythonBuildPack", "", reader({name: text}))
    assert found.lock and found.lock.conda and found.by_files and found.names == (name,)
    built = '[project]\nname = "x"\n[build-system]\nrequires = []\n'
    others: list[dict[str, str]] = [
        {"requirements.txt": ""},
        {"pyproject.toml": built},
        {"setup.py": ""},
    ]
    for other in others:
        assert determine("PythonBuildPack", "", reader({name: text, **other})).lock is None
    assert determine("CondaBuildPack", "", reader({name: text})).lock is None
    assert determine("PythonBuildPack", "", reader({name: text}), locks=False).lock is None
    below = determine("PythonBuildPack", "binder", reader({f"binder/{name}": text, "setup.py": ""}))
    assert below.lock and below.names == (f"binder/{name}",)


def test_a_place_in_the_repository_makes_the_commit_count() -> None:
    assert not determine("PythonBuildPack", "", reader({"pixi.lock": PIXI_LOCK})).by_files
    below = lock_of({"binder/pixi.lock": PIXI_LOCK}, "binder").locked.asked
    assert "-e ./binder/libs/own" in below


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert old in ALL[name]
    return {name: ALL[name].replace(old, new)}


REFUSED: list[tuple[dict[str, str], str]] = [
    (changed("conda-lock.yml", "version: 1\n", "version: 2\n"), "of version 2 of its format"),
    (changed("pixi.lock", "version: 6", "version: 8"), "of version 8 of its format"),
    (changed("pixi.lock", "version: 6", "version: 4"), "of version 4 .* anew with `pixi lock`"),
    (changed("conda-lock.yml", "version: 1\n", ""), "cannot be read"),
    (changed("conda-lock.yml", "linux-64", "win-64"), "for win-64, osx-64, and this hub is linux"),
    (changed("environment.lock", "linux-64", "osx-arm64"), "for osx-arm64, and.*conda list"),
    (changed("pixi.lock", "linux-64", "win-64"), "for win-64, osx-arm64, and.*`pixi lock`"),
    (changed("pixi.toml", '"linux-64", ', ""), "for osx-arm64, and"),
    (changed("pixi.toml", '["linux-64", "osx-arm64"]', "[]"), "for no platform at all"),
    (changed("environment.lock", "/python-", "/jython-"), "has no package python"),
    (changed("environment.lock", "@EXPLICIT", ""), "cannot be read.*conda list"),
    (changed("environment.lock", "noarch", "osx-64"), "cannot be read"),
    (changed("environment.lock", "conda-forge/noarch", "x/../noarch"), "cannot be read"),
    (changed("environment.lock", "https://conda", "https://user:pw@conda"), "cannot be read"),
    (changed("environment.lock", TIDES, f"{TIDES}?x"), "cannot be read"),
    (changed("environment.lock", TIDES, "ftp://example.org/noarch/a-1-0.conda"), "cannot be read"),
    (changed("environment.lock", f"#{MD5}", "#abc"), "cannot be read"),
    (changed("environment.lock", "tides-1.0", "python-3.12"), "cannot be read"),
    (
        changed("conda-lock.yml", f"url: {PYTHON}", f"url: {FORGE}/osx-64/python-1-0.conda"),
        "cannot",
    ),
    (changed("conda-lock.yml", f"sha256: {SHA}", "sha256: x"), "cannot be read"),
    (changed("conda-lock.yml", "'>=2.17'", '">=2.17\\0"'), "cannot be read"),
    (changed("conda-lock.yml", "name: cowsay", 'name: "cowsay\\n-e ."'), "cannot be read"),
    (changed("conda-lock.yml", "hash:\n", "hash: &x\n"), ""),
    (changed("conda-lock.yml", "[linux-64, osx-64]", "*x"), "cannot be read"),
    (changed("pixi.lock", f"conda: {TIDES}", "conda: ./tides"), "built from source"),
    (changed("pixi.lock", "default:", "other:"), "cannot be read"),
    (changed("pixi.lock", "packages:\n- conda", "packages:\n- kinda"), "cannot be read"),
    (changed("pixi.toml", '"3.11.*"', '{git = "https://example.org/x"}'), "python to be built"),
    (changed("pixi.toml", "[dependencies]", "[dependencies"), "pixi.toml cannot be read"),
    (changed("pixi.toml", '"3.11.*"', '"3.11.*\\nx"'), ""),
    (changed("pixi.toml", '"py311*"', '"\'"'), "cannot be read"),
    (changed("pixi.toml", '">=6,<7"', '"six"'), "cannot be read"),
    (changed("pixi.toml", '["plots"]', '["nothing"]'), "cannot be read"),
    ({"pixi.lock": PIXI_LOCK, "pixi.toml": "["}, "pixi.toml cannot be read"),
    ({"conda-lock.yml": "- " * 5000}, "cannot be read"),
    ({"conda-lock.yml": "[" * 5000}, "cannot be read"),
    ({"conda-lock.yml": "#" * (5 << 20)}, "cannot be read"),
]


@pytest.mark.parametrize(("files", "words"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_what_does_not_fit_is_said(files: dict[str, str], words: str) -> None:
    if not words:
        lock_of(files).check(HERE)
        return
    with pytest.raises(BuildFailed, match=words) as caught:
        lock_of(files).check(HERE)
    assert caught.value.message.endswith(".")


def test_a_runtime_that_contradicts_is_said() -> None:
    lock = lock_of({"environment.lock": EXPLICIT})
    assert lock.choose("3.9", True, ["3.9"]) == "3.9"
    lock.check(Target("3.9", "x86_64"))
    lock.check(Target("3.11", "x86_64"), fixed=True)
    with pytest.raises(BuildFailed, match=r"for Python 3.11.4, and runtime.txt asks for 3.9"):
        lock.check(Target("3.9", "x86_64"), fixed=True)
    with pytest.raises(BuildFailed, match="this hub is linux-aarch64"):
        lock.check(Target("3.11", "aarch64"))


TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cn"], exclude_characters="\u2028\u2029\ufeff"
    ),
    max_size=9,
)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)


@given(VALUES)
def test_what_a_program_writes_is_read(value: Any) -> None:
    assert parse_yaml(yaml.safe_dump(value, allow_unicode=True).encode(), 2**20) == value
    assert parse_yaml(json.dumps(value, ensure_ascii=False).encode(), 2**20) == value


@given(
    st.text("abc0._-", min_size=1, max_size=8),
    st.text("0123456789.abc!+", min_size=1, max_size=8),
    st.text("py0_.h", min_size=1, max_size=8),
    st.sampled_from([".conda", ".tar.bz2"]),
)
def test_an_address_says_what_it_is(name: str, version: str, build: str, end: str) -> None:
    file = conda_file(f"{FORGE}/noarch/{name}-{version}-{build}{end}", {})
    assert (file.name, file.version, file.build) == (name, version, build)


@given(st.text(), st.text())
def test_no_other_address_is_one(before: str, after: str) -> None:
    for url in (before, f"{FORGE}{after}", f"{TIDES}{after}", f"{before}{TIDES}"):
        with suppress(ValueError):
            file = conda_file(url, {})
            assert file.url == url and url.isascii() and url.isprintable() and "@" not in url
            assert ".." not in url.split("/")


def test_a_large_lock_is_read_at_once() -> None:
    """As many packages as a lock may have, with all that conda-lock writes of each."""
    entry = CONDA_LOCK.partition("package:\n")[2].partition(
        "- name: python\n  version: 3.11.4\n  manager: conda\n  platform: osx"
    )[0]
    head = CONDA_LOCK.partition("package:\n")[0] + "package:\n"
    text = head + entry + "".join(entry.replace("python", f"p{n}") for n in range(2000))
    before = process_time()
    lock = find_lock("", lambda path: text.encode() if path == "conda-lock.yml" else None)
    assert lock and process_time() - before < 3


LONG = [
    (
        "pixi.toml",
        "[workspace]\nplatforms = [{many}]\n[environments]\ndefault = [{features}]\n"
        "[feature.a.dependencies]\n{needs}".format(
            many='"linux-64",' * 3000,
            features='"a",' * 20_000,
            needs="".join(f'a{n} = "*"\n' for n in range(8000)),
        ),
    ),
    (
        "pixi.lock",
        "version: 6\nenvironments:\n  default:\n    packages:\n      linux-64:\n"
        + f"      - conda: {TIDES}\n" * 20_000
        + f"packages:\n- conda: {TIDES}\n  depends:\n"
        + "  - a\n" * 100_000,
    ),
    ("pixi.lock", "version: [" + "a," * (2**21 - 100) + "]"),
]


@pytest.mark.parametrize(("name", "text"), LONG, ids=["pixi.toml", "pixi.lock", "letters"])
def test_what_is_named_again_and_again_takes_no_longer(name: str, text: str) -> None:
    before = process_time()
    with suppress(BuildFailed):
        lock_of({name: text})
    assert process_time() - before < 4
