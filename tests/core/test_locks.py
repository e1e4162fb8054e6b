"""Lock files as lines of requirements: what each format says, and what is wrong with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.environment import determine
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.locks import READERS, Lock, Target, find_lock
from binderhub_ext.core.locks.model import index

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HERE = Target("3.11", "x86_64")
WINDOWS = "sys_platform == 'win32'"

PROJECT = """\
[project]
name = "course"
version = "1"
requires-python = ">=3.10"
dependencies = ["six>=1.15", "waitress; sys_platform == 'win32'"]
"""

UV = f"""\
version = 1
revision = 3
requires-python = ">=3.10"

[[package]]
name = "course"
version = "1"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "six" }},
    {{ name = "fire", extra = ["loud"] }},
    {{ name = "waitress", marker = "sys_platform == 'win32'" }},
]

[package.dev-dependencies]
dev = [{{ name = "pytest" }}]
docs = [{{ name = "sphinx" }}]

[[package]]
name = "six"
version = "1.16.0"
source = {{ registry = "https://pypi.org/simple" }}
sdist = {{ url = "https://example.org/six.tar.gz", hash = "{ONE}" }}
wheels = [{{ url = "https://example.org/six.whl", hash = "{TWO}" }}]

[[package]]
name = "fire"
version = "0.1"
source = {{ registry = "https://pypi.org/simple" }}
resolution-markers = ["python_full_version < '3.11'", "sys_platform == 'win32'"]

[[package]]
name = "fire"
version = "0.2"
source = {{ registry = "https://pypi.org/simple" }}
resolution-markers = ["python_full_version >= '3.11'"]
optional-dependencies = {{ loud = [{{ name = "cowsay" }}] }}

[[package]]
name = "cowsay"
version = "6.0"
source = {{ registry = "https://example.org/simple" }}

[[package]]
name = "pytest"
version = "8.0.0"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "sphinx"
version = "7.0"
source = {{ registry = "https://pypi.org/simple" }}

[[package]]
name = "waitress"
version = "3.0"
source = {{ registry = "https://pypi.org/simple" }}
"""

POETRY = f"""\
[[package]]
name = "six"
version = "1.16.0"
optional = false
python-versions = "*"
files = [{{file = "six.whl", hash = "{ONE}"}}]

[[package]]
name = "waitress"
version = "3.0"
optional = false
python-versions = "*"
markers = "sys_platform == 'win32'"
files = []

[[package]]
name = "pytest"
version = "8.0.0"
optional = false
python-versions = "*"
files = []
markers = {{ dev = "python_version >= '3.9'" }}

[metadata]
lock-version = "2.1"
python-versions = "^3.10"
content-hash = "x"
"""

OF_POETRY = """\
[tool.poetry.dependencies]
python = "^3.10"
six = "^1.15"
waitress = {version = "*", platform = "win32"}
never = {version = "*", optional = true}
[tool.poetry.group.dev.dependencies]
pytest = {version = "^8", extras = ["all"]}
[tool.poetry.group.docs]
optional = true
[tool.poetry.group.docs.dependencies]
sphinx = "*"
"""

PYLOCK = f"""\
lock-version = "1.0"
created-by = "somebody"
requires-python = ">=3.10"
default-groups = ["main"]

[[packages]]
name = "six"
version = "1.16.0"
marker = "'main' in dependency_groups"
[[packages.wheels]]
url = "https://example.org/six-1.16.0-py3-none-any.whl"
hashes = {{ sha256 = "{"1" * 64}" }}

[[packages]]
name = "waitress"
version = "3.0"
marker = "sys_platform == 'win32'"
[packages.sdist]
url = "https://example.org/waitress-3.0.tar.gz"
hashes = {{ sha256 = "{"2" * 64}" }}

[[packages]]
name = "sphinx"
version = "7.0"
marker = "'docs' in dependency_groups or 'docs' in extras"
[packages.sdist]
url = "https://example.org/sphinx-7.0.tar.gz"
hashes = {{ sha256 = "{"2" * 64}" }}
"""


def reader(files: dict[str, str]) -> Callable[[str], bytes | None]:
    return lambda path: files[path].encode() if path in files else None


def lock_of(files: dict[str, str], folder: str = "") -> Lock:
    lock = find_lock(folder, reader(files))
    assert lock is not None
    return lock


def test_uv() -> None:
    lock = lock_of({"uv.lock": UV, "pyproject.toml": PROJECT})
    assert lock.locked.asked == (
        "--extra-index-url https://example.org/simple",
        "six",
        "fire[loud]",
        'waitress ; sys_platform == "win32"',
        "pytest",
    )
    pins = {pin.line for pin in lock.locked.pins}
    assert f"six==1.16.0 --hash={TWO} --hash={ONE}" in pins
    assert 'fire==0.2 ; python_full_version >= "3.11"' in pins
    older = 'python_full_version < "3.11" or sys_platform == "win32"'
    assert f"fire==0.1 ; {older}" in pins
    assert {"cowsay==6.0", "pytest==8.0.0", "waitress==3.0"} < pins
    assert not any(line.startswith("sphinx") for line in pins)
    assert lock.locked.versions("Fire", HERE) == ["0.2"]
    lock.check(HERE)


@pytest.mark.parametrize(
    ("groups", "asked"),
    [('["docs"]', ["sphinx"]), ('"all"', ["pytest", "sphinx"]), ("[]", [])],
)
def test_default_groups_of_uv(groups: str, asked: list[str]) -> None:
    project = f"{PROJECT}[tool.uv]\ndefault-groups = {groups}\n"
    lines = lock_of({"uv.lock": UV, "pyproject.toml": project}).locked.asked
    assert [line for line in lines if line in ("pytest", "sphinx")] == asked


def test_poetry() -> None:
    lock = lock_of({"poetry.lock": POETRY, "pyproject.toml": OF_POETRY})
    asked = "six<2,>=1.15", 'waitress ; sys_platform == "win32"', "pytest[all]<9,>=8"
    assert lock.locked.asked == asked
    assert [pin.line for pin in lock.locked.pins] == [
        f"six==1.16.0 --hash={ONE}",
        'waitress==3.0 ; sys_platform == "win32"',
        'pytest==8.0.0 ; python_version >= "3.9"',
    ]
    assert lock.locked.python == "<4,>=3.10"
    lock.check(HERE)


def test_poetry_before_its_second_version() -> None:
    lock = """\
[[package]]
name = "six"
version = "1.16.0"
category = "main"
optional = false
[metadata]
lock-version = "1.1"
python-versions = ">=3.8"
[metadata.files]
six = [{file = "six.whl", hash = "%s"}]
"""
    found = lock_of({"poetry.lock": lock % ONE, "pyproject.toml": OF_POETRY})
    assert found.locked.limits == (f"six==1.16.0 --hash={ONE}",)


def test_pylock() -> None:
    lock = lock_of({"pylock.toml": PYLOCK, "uv.lock": UV, "pyproject.toml": PROJECT})
    assert lock.name == "pylock.toml"
    six, waitress, sphinx = (pin.line for pin in lock.locked.pins)
    assert six == f'six==1.16.0 ; python_version >= "0" --hash={ONE}'
    assert waitress == f'waitress==3.0 ; sys_platform == "win32" --hash={TWO}'
    assert not HERE.fits(sphinx.partition(" ; ")[2].partition(" --hash")[0])
    lock.check(HERE)


REMOTE = [
    (
        "uv.lock",
        '{ git = "https://example.org/a/b?rev=v1&subdirectory=sub#abc" }',
        "x @ git+https://example.org/a/b@abc#subdirectory=sub",
    ),
    ("uv.lock", '{ url = "https://example.org/x.whl" }', "x @ https://example.org/x.whl"),
    ("uv.lock", '{ path = "x.whl" }', "./x.whl"),
    ("uv.lock", '{ directory = "x" }', "./x"),
    ("uv.lock", '{ editable = "x" }', "-e ./x"),
    (
        "poetry.lock",
        '{ type = "git", url = "https://example.org/a", resolved_reference = "abc" }',
        "x @ git+https://example.org/a@abc",
    ),
    ("poetry.lock", '{ type = "url", url = "https://example.org/x.whl" }', "x @ https://exa"),
    ("poetry.lock", '{ type = "directory", url = "x" }', "./x"),
]


@pytest.mark.parametrize(("name", "source", "line"), REMOTE)
def test_from_elsewhere(name: str, source: str, line: str) -> None:
    """What lies in the repository makes the whole commit count; what is remote is said."""
    project = '[tool.poetry.dependencies]\nx = "*"\n'
    head = 'version = 1\n[[package]]\nname="c"\nversion="1"\nsource={virtual="."}\n'
    head += 'dependencies=[{name="x"}]\n' if name == "uv.lock" else ""
    tail = '[metadata]\nlock-version = "2.1"\n' if name == "poetry.lock" else ""
    head = head if name == "uv.lock" else ""
    lock = f'{head}[[package]]\nname = "x"\nversion = "1"\nsource = {source}\n{tail}'
    files = {name: lock, "pyproject.toml": project}
    assert any(one.startswith(line) for one in lock_of(files).locked.asked)
    found = determine("PythonBuildPack", "", reader(files))
    assert (found.by_files, found.remote) == ((True, True) if "@" in line else (False, False))
    lock_of(files).check(HERE)


def test_places_in_a_folder_begin_there() -> None:
    lock = UV.replace('source = { registry = "https://example.org/simple" }', "", 1)
    lock = lock.replace(
        'name = "cowsay"\nversion = "6.0"\n',
        'name = "cowsay"\nversion = "6.0"\nsource = { editable = "libs/cow" }\n',
    )
    asked = lock_of({"binder/uv.lock": lock}, "binder").locked.asked
    assert "-e ./binder/libs/cow" in asked


def test_what_is_taken_and_what_the_key_names() -> None:
    files = {"uv.lock": UV, "pyproject.toml": PROJECT, ".python-version": "3.12\n"}
    found = determine("PythonBuildPack", "", reader(files))
    assert found.lock and found.lock.python == "3.12" and found.by_files and found.remote
    assert set(found.names) == {*files}
    for other in ({"requirements.txt": ""}, {"binder/start": ""}):
        folder = "binder" if "binder/start" in other else ""
        assert determine("PythonBuildPack", folder, reader({**files, **other})).lock is None
    assert determine("CondaBuildPack", "", reader(files)).lock is None
    off = determine("PythonBuildPack", "", reader(files), locks=False)
    assert off.lock is None and off.names == ("pyproject.toml",)
    nested = determine("PythonBuildPack", "binder", reader({"binder/uv.lock": UV}))
    assert nested.lock and nested.names == ("binder/uv.lock",)


def test_which_python() -> None:
    lock = lock_of({"uv.lock": UV, ".python-version": "3.13\n"})
    has = ["3.9", "3.10", "3.11", "3.12"]
    assert lock.choose("3.11", False, has) == "3.11"
    assert lock.choose("3.11", False, [*has, "3.13"]) == "3.13"
    assert lock.choose("3.9", False, has) == "3.12"
    assert lock.choose("3.10.2", True, has) == "3.10.2"
    with pytest.raises(BuildFailed, match=r"uv.lock is for Python >=3.10, and runtime.txt"):
        lock.choose("3.9", True, has)
    with pytest.raises(BuildFailed, match=r"for Python >=3.10; this hub has 3.9"):
        lock.choose("3.9", False, ["3.9"])


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        *(("^1.15", True), ("^1", True), ("^1.16.0", True), ("^1.17", False), ("^0.9", False)),
        *(("~1.16", True), ("~1.15", False), ("~1", True), ("~1.16.1", False), ("~=1.15", True)),
        *(("1.16.0", True), ("1.16.*", True), ("1.15.*", False), ("1.16.1", False), ("*", True)),
        *((">=1.15,<2", True), (">= 1.15, < 1.16", False), ("^1.15,!=1.16.0", False)),
        *(("^0.9 || ^1.2", True), (">=2 <1", True), ("", True)),
    ],
)
@pytest.mark.parametrize("entry", ['"{}"', '{{version = "{}", python = ">=3.8"}}'])
def test_versions_as_poetry_writes_them(wanted: str, fits: bool, entry: str) -> None:
    """What cannot be said as others say it is not looked at."""
    project = f"[tool.poetry.dependencies]\nsix = {entry.format(wanted)}\n"
    lock = lock_of({"poetry.lock": POETRY, "pyproject.toml": project})
    refused = pytest.raises(BuildFailed, match=r"poetry.lock has six 1\.16\.0")
    with nullcontext() if fits else refused:
        lock.check(HERE)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        *(('python = "<3.8"', False), ('python = "^3.8"', True), ('python = "~3.10"', False)),
        ('platform = "win32"', False),
        ('python = "^3.8", markers = "sys_platform == \'win32\'"', False),
        ("python = \"<3.8\", markers = \"os_name == 'nt' or os_name == 'posix'\"", False),
        ('python = "<3.8", platform = "linux"', False),
        ('python = "^3.9", platform = "linux"', True),
    ],
)
def test_where_something_is_asked_of_poetry(condition: str, holds: bool) -> None:
    project = f'[tool.poetry.dependencies]\nnumpy = {{version = "1", {condition}}}\n'
    lock = lock_of({"poetry.lock": POETRY, "pyproject.toml": project})
    with pytest.raises(BuildFailed, match="no such package") if holds else nullcontext():
        lock.check(HERE)


OTHER_PROJECT = PROJECT.replace("six>=1.15", "six>=2")
UNKNOWN_TO_IT = PROJECT.replace("six>=1.15", "numpy")
REFUSED = [
    ({"uv.lock": UV, "pyproject.toml": OTHER_PROJECT}, "asks for six>=2, and uv.lock has six 1.16"),
    ({"uv.lock": UV, "pyproject.toml": UNKNOWN_TO_IT}, "uv.lock has no such package.*`uv lock`"),
    ({"pylock.toml": PYLOCK, "pyproject.toml": OTHER_PROJECT}, "asks for six>=2.*the command"),
    ({"poetry.lock": POETRY, "pyproject.toml": OTHER_PROJECT}, "asks for six>=2.*`poetry lock`"),
    (
        {"poetry.lock": POETRY, "pyproject.toml": '[tool.poetry.dependencies]\nnumpy = "1"'},
        "asks for numpy==1, and poetry.lock has no such",
    ),
    (
        {"poetry.lock": POETRY, "pyproject.toml": '[tool.poetry.dependencies]\nsix = "^2.1"'},
        "asks for six<3,>=2.1, and poetry.lock has six 1.16.0.*`poetry lock`",
    ),
    ({"uv.lock": ""}, "cannot be read.*`uv lock`"),
    ({"uv.lock": UV.replace("version = 1", "version = 0", 1)}, "of version 0 .* anew with `uv lo"),
    ({"uv.lock": UV.replace("version = 1", "version = 2", 1)}, "of version 2 of its format"),
    ({"pylock.toml": PYLOCK.replace('"1.0"', '"2.0"', 1)}, "of version 2.0 of its format"),
    ({"poetry.lock": POETRY.replace('"2.1"', '"3.0"')}, "of version 3.0 of its format"),
    (
        {"uv.lock": f"supported-markers = [{json.dumps(WINDOWS)}]\n{UV}"},
        "for other machines.*win32.*`uv lock`",
    ),
    (
        {"pylock.toml": f"environments = [{json.dumps(WINDOWS)}]\n{PYLOCK}"},
        "for other machines",
    ),
    ({"uv.lock": "["}, "cannot be read"),
    ({"uv.lock": UV.replace(ONE, "x\\n-e .")}, "cannot be read"),
    ({"uv.lock": UV.replace('"1.16.0"', '"1.16.0\\n-e ."')}, "cannot be read"),
    ({"uv.lock": UV.replace('name = "six"', 'name = "six\\n-e ."')}, "cannot be read"),
    ({"uv.lock": "version = 1\npackage = 3\n"}, "cannot be read"),
    ({"uv.lock": "version = 1\n" + "#" * (5 << 20)}, "cannot be read"),
    ({"pylock.toml": 'lock-version = "1.0"\n'}, "cannot be read"),
    ({"poetry.lock": ""}, "cannot be read"),
    ({"uv.lock": UV, "pyproject.toml": "["}, "pyproject.toml cannot be read"),
]


@pytest.mark.parametrize(("files", "words"), REFUSED)
def test_what_does_not_fit_is_said(files: dict[str, str], words: str) -> None:
    with pytest.raises(BuildFailed, match=words) as caught:
        lock_of(files).check(HERE)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("name", READERS)
@given(content=st.binary())
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    with suppress(BuildFailed):
        find_lock("", lambda path: content if path == name else None)


MANY = "".join(f'[[package]]\nname="p{n}"\nversion="1"\n' for n in range(30_000))
SLOW = {
    "packages": f"version = 1\n{MANY}",
    "one long word": f'version = 1\n[[package]]\nname = "{"a" * 2_000_000}"\n',
    "brackets": "version = 1\npackage = " + "[" * 2_000_000,
    "a marker": 'version = 1\n[[package]]\nname="a"\nversion="1"\n'
    f'source={{virtual="."}}\ndependencies=[{{name="b", marker="{"(" * 1_900}"}}]\n',
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_lock_takes_long(text: str) -> None:
    before = process_time()
    with pytest.raises(BuildFailed):
        find_lock("", reader({"uv.lock": text}))
    assert process_time() - before < 3


@pytest.mark.parametrize(
    ("url", "usual"),
    [
        ("https://pypi.org/simple", True),
        ("https://mirror.example/pypi.org/simple", False),
        ("https://pypi.org.example/simple", False),
    ],
)
def test_another_index_is_known_by_its_host(url: str, usual: bool) -> None:
    assert index(url) == ([] if usual else [f"--extra-index-url {url}"])
