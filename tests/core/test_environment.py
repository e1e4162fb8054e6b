"""What determines an environment: a table of repositories, and what the key promises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.environment import (
    READS,
    Determination,
    Ingredients,
    describe,
    determine,
    environment_key,
)
from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.requirements import Refers, classify, decode, requirement_lines

PACKAGE = '[project]\nname = "x"\n[build-system]\nrequires = []\n'
FILES, TREE = True, False


def reader(files: dict[str, str]) -> Callable[[str], bytes | None]:
    return lambda path: files[path].encode() if path in files else None


# buildpack, binder folder, files, whether the files determine it
CASES = [
    ("PythonBuildPack", "", {}, FILES),
    ("PythonBuildPack", "", {"analysis.ipynb": "{}"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "numpy\npandas==2.*  # figures\n"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "numpy --hash=sha256:abc\n--pre\n"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "x; python_version < '3.12'"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "x @ https://example.org/x.whl"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "git+https://example.org/a/b@v1"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "-e git+https://example.org/a/b#egg=b"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "--index-url https://example.org/simple"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "-r a.txt", "a.txt": "numpy"}, FILES),
    (
        "PythonBuildPack",
        "",
        {"requirements.txt": "-r a.txt", "a.txt": "-r requirements.txt"},
        FILES,
    ),
    ("PythonBuildPack", "", {"requirements.txt": "-c c.txt\nx", "c.txt": "x<2"}, FILES),
    ("PythonBuildPack", "binder", {"binder/requirements.txt": "-r ../a.txt", "a.txt": "x"}, FILES),
    ("PythonBuildPack", "", {"requirements.txt": "-r a.txt", "a.txt": "-e ."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-r missing.txt"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-r ../outside.txt"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-r /etc/passwd"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-r https://example.org/r.txt"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-e ."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-e=."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "--editable=./sub"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "sub/package"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "wheel-1-py3-none-any.whl"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "thing.tar.gz"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "x @ file:///srv/x"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "git+file:///srv/x"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "git+ssh://git@example.org/x"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "--find-links ./wheels\nx"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "--find-links=file:wheels\nx"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "-e \\\n."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "# a comment \\\n-e ."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "six  # a comment \\\n-e ."}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "${HOME}/x"}, TREE),
    ("PythonBuildPack", "", {"requirements.txt": "some nonsense"}, TREE),
    ("PythonBuildPack", "", {"postBuild": "#!/bin/sh"}, TREE),
    ("PythonBuildPack", "binder", {"binder/postBuild": "#!/bin/sh"}, TREE),
    ("PythonBuildPack", "binder", {"postBuild": "#!/bin/sh"}, FILES),
    ("PythonBuildPack", "", {"start": "#!/bin/sh"}, FILES),
    ("PythonBuildPack", "", {"runtime.txt": "python-3.11"}, FILES),
    ("PythonBuildPack", "", {"apt.txt": "graphviz"}, FILES),
    ("PythonBuildPack", "", {"setup.py": "import setuptools"}, TREE),
    ("PythonBuildPack", "binder", {"setup.py": "import setuptools"}, FILES),
    ("PythonBuildPack", "", {"pyproject.toml": PACKAGE}, TREE),
    ("PythonBuildPack", "binder", {"pyproject.toml": PACKAGE}, FILES),
    ("PythonBuildPack", "", {"pyproject.toml": "[tool.ruff]\n"}, FILES),
    ("PythonBuildPack", "", {"setup.cfg": "[flake8]"}, FILES),
    ("CondaBuildPack", "", {"environment.yml": "dependencies:\n  - numpy=1.2\n"}, FILES),
    (
        "CondaBuildPack",
        "",
        {
            "environment.yml": "name: x\nchannels:\n- conda-forge\n- https://example.org/c\n"
            'dependencies:\n- "python=3.11.*"\n- conda-forge::x\n- pip:\n  - y>=2\n'
        },
        FILES,
    ),
    ("CondaBuildPack", "", {"environment.yml": "dependencies:\n- pip:\n  - -e .\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "dependencies:\n- pip:\n  - .\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "dependencies:\n- pip:\n  - a.whl\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "dependencies:\n- pip:\n  - -r r.txt\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "dependencies: [{pip: [.]}]\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "channels:\n- file:///x\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yml": "channels:\n- ./x\n"}, TREE),
    ("CondaBuildPack", "", {"environment.yaml": "dependencies:\n- numpy\n"}, FILES),
    ("CondaBuildPack", "", {"setup.py": ""}, FILES),
    ("PipfileBuildPack", "", {"Pipfile": '[packages]\nnumpy = "*"\n'}, FILES),
    ("PipfileBuildPack", "", {"Pipfile": '[packages]\nx = {path = "."}\n'}, TREE),
    ("PipfileBuildPack", "", {"Pipfile.lock": '{"default": {"x": {"path": "."}}}'}, TREE),
    ("PipfileBuildPack", "", {"Pipfile.lock": '{"default": {"x": {"version": "==1"}}}'}, FILES),
    ("PipfileBuildPack", "", {"Pipfile.lock": '{"default": {"x": {"p\\u0061th": "."}}}'}, TREE),
    ("PipfileBuildPack", "", {"Pipfile": '[packages]\nx = {"\\U00000070ath" = "."}\n'}, TREE),
    ("RBuildPack", "", {"runtime.txt": "r-4.4-2025-01-01"}, FILES),
    ("RBuildPack", "", {"runtime.txt": "r-4.4-2025-01-01", "install.R": "source('x')"}, TREE),
    ("RBuildPack", "", {"DESCRIPTION": "Package: x"}, TREE),
    ("JuliaProjectTomlBuildPack", "", {"Project.toml": ""}, TREE),
    ("JuliaRequireBuildPack", "", {"REQUIRE": ""}, TREE),
    ("NixBuildPack", "", {"default.nix": ""}, TREE),
    ("DockerBuildPack", "", {"Dockerfile": "FROM scratch"}, TREE),
    ("LegacyBinderDockerBuildPack", "", {"Dockerfile": ""}, TREE),
    ("SomebodysBuildPack", "", {}, TREE),
]


@pytest.mark.parametrize(("buildpack", "binder_dir", "files", "by_files"), CASES)
def test_determination(
    buildpack: str, binder_dir: str, files: dict[str, str], by_files: bool
) -> None:
    found = determine(buildpack, binder_dir, reader(files))
    assert found.by_files is by_files, found.reasons
    assert set(found.names) <= set(files)


@pytest.mark.filterwarnings("ignore:pythonjsonlogger:DeprecationWarning")
def test_every_buildpack_of_repo2docker_is_in_the_table() -> None:
    from repo2docker.app import Repo2Docker

    names = {pack.__name__ for pack in Repo2Docker().buildpacks}
    assert names == set(READS)
    assert names == {case[0] for case in CASES} - {"SomebodysBuildPack"}


def test_includes_count() -> None:
    found = determine(
        "PythonBuildPack", "", reader({"requirements.txt": "-r sub/a.txt", "sub/a.txt": "x"})
    )
    assert found.names == ("requirements.txt", "sub/a.txt")


@pytest.mark.parametrize(
    ("line", "refers"),
    [
        ("numpy", Refers.INDEX),
        ("numpy >=1,<2 --hash=sha256:0 --hash sha256:1", Refers.INDEX),
        ("--no-binary :all:", Refers.INDEX),
        ("--only-binary=numpy,pandas", Refers.INDEX),
        ("x[extra] @ git+https://example.org/x@main#subdirectory=y", Refers.REMOTE),
        ("-f https://example.org/wheels", Refers.REMOTE),
        ("-rother.txt", Refers.INCLUDE),
        ("--requirement=other.txt", Refers.INCLUDE),
        ("--requirement other.txt", Refers.INCLUDE),
        ("-f wheels", Refers.LOCAL),
        ("-i file:///x", Refers.LOCAL),
        ("--trusted-host example.org", Refers.LOCAL),
        ("--no-such-option", Refers.LOCAL),
        ("x @ ./x", Refers.LOCAL),
        ("https:///x", Refers.LOCAL),
    ],
)
def test_lines(line: str, refers: Refers) -> None:
    assert classify(line).refers is refers


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str) -> None:
    assert decode("numpy # é\n".encode(encoding)) == "numpy # é\n"


@pytest.mark.parametrize("buildpack", ["PythonBuildPack", "RBuildPack"])
def test_unreadable_toml_is_said(buildpack: str) -> None:
    with pytest.raises(BuildFailed, match=r"pyproject\.toml cannot be read"):
        determine(buildpack, "", reader({"pyproject.toml": "["}))
    assert determine(buildpack, "binder", reader({"pyproject.toml": "["})).by_files


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "Python 3.11"),
        (["binder/requirements.txt", "runtime.txt"], "Python 3.11 with requirements.txt"),
        (["a", "b", "c"], "Python 3.11 with a, b and c"),
    ],
)
def test_words(files: list[str], words: str) -> None:
    assert describe(files, "3.11") == words


MACHINE = Ingredients("local 1", "linux-x86_64", "cpython-3.11.7", ("jupyterlab",))


def key(files: dict[str, str], tree: str = "t", binder_dir: str = "", **changes: object) -> str:
    found = determine("PythonBuildPack", binder_dir, reader(files))
    ingredients = Ingredients(**{**MACHINE.__dict__, **changes})  # type: ignore[arg-type]
    return environment_key(ingredients, found, binder_dir, tree)


def test_content_does_not_count() -> None:
    assert key({"requirements.txt": "x"}, "1") == key({"requirements.txt": "x", "a.py": ""}, "2")


def test_the_tree_counts_where_code_runs() -> None:
    assert key({"postBuild": "x"}, "1") != key({"postBuild": "x"}, "2")


def test_the_folder_does_not_count() -> None:
    nested = key({"binder/requirements.txt": "x"}, binder_dir="binder")
    assert nested == key({"requirements.txt": "x"})


@pytest.mark.parametrize(
    "change",
    [
        {"builder": "local 2"},
        {"platform": "linux-aarch64"},
        {"interpreter": "cpython-3.12.1"},
        {"base": ("jupyterlab", "notebook")},
    ],
)
def test_the_machine_counts(change: dict[str, object]) -> None:
    assert key({}) != key({}, **change)


NAMES = st.sampled_from(["requirements.txt", "runtime.txt", "start", "apt.txt", "postBuild"])
REPOS = st.dictionaries(NAMES, st.text("abc\n-. re/", max_size=12), max_size=4)


@given(REPOS, REPOS)
def test_equal_keys_mean_equal_configuration(one: dict[str, str], two: dict[str, str]) -> None:
    assert (key(one) == key(two)) == (one == two)


@given(REPOS, st.text("0123456789abcdef", min_size=1, max_size=4))
def test_the_tree_counts_exactly_when_the_files_do_not_determine(
    files: dict[str, str], tree: str
) -> None:
    found: Determination = determine("PythonBuildPack", "", reader(files))
    assert (key(files, tree) == key(files, "other")) is found.by_files


@given(st.text())
def test_any_text_is_some_requirements_file(text: str) -> None:
    for line in requirement_lines(text):
        assert line.text.strip()


@given(st.binary())
def test_any_bytes_are_a_file(content: bytes) -> None:
    determine("PythonBuildPack", "", lambda path: content)
    determine("CondaBuildPack", "", lambda path: content)


LONG = 1_500_000
AT_ONCE = {
    "spaces": ("PythonBuildPack", "requirements.txt", "a" + " " * LONG + "b"),
    "an index": ("PythonBuildPack", "requirements.txt", "-f " + "=" * LONG + " a b"),
    "versions": ("PythonBuildPack", "requirements.txt", "a" + ">=1," * (LONG // 4)),
    "extras": ("PythonBuildPack", "requirements.txt", "a[" + "a," * (LONG // 2)),
    "lines": ("PythonBuildPack", "requirements.txt", "a\n" * (LONG // 2)),
    "empty lines": ("PythonBuildPack", "requirements.txt", "\n" * LONG * 2),
    "comments": ("PythonBuildPack", "requirements.txt", "#\n" * LONG),
    "lines that go on": ("PythonBuildPack", "requirements.txt", "\\\n" * LONG),
    "a conda package": ("CondaBuildPack", "environment.yml", "- " + "a" * LONG + "$"),
    "a conda version": ("CondaBuildPack", "environment.yml", "- a" + " " * LONG + "$"),
    "a conda key": ("CondaBuildPack", "environment.yml", "name: " + " " * LONG + "$"),
    "a dotted key": ("PythonBuildPack", "pyproject.toml", "a" + ".a" * (LONG // 2) + "=1"),
    "dotted keys": ("PythonBuildPack", "pyproject.toml", ("a" + ".a" * 2_000 + "=1\n") * 400),
    "brackets": ("PythonBuildPack", "pyproject.toml", "a = " + "[" * LONG),
}


@pytest.mark.parametrize(("buildpack", "name", "text"), AT_ONCE.values(), ids=AT_ONCE)
def test_no_file_takes_long(buildpack: str, name: str, text: str) -> None:
    """It is read where everybody else's requests are answered."""
    before = process_time()
    with suppress(BuildFailed):
        determine(buildpack, "", reader({name: text}))
    assert process_time() - before < 3


def test_files_that_include_each_other_in_a_row() -> None:
    files = {f"{n}.txt": f"-r {n + 1}.txt" for n in range(3_000)} | {"3000.txt": "numpy"}
    found = determine("PythonBuildPack", "", reader({**files, "requirements.txt": "-r 0.txt"}))
    assert found.by_files
    assert len(found.files) == 3_002
