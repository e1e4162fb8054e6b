"""What determines an environment, and its key.

An environment is built once (DESIGN §4.6). Two commits share it when everything the build
reads is equal: only configuration files where these determine it, otherwise the commit's
whole tree. Every rule here may be wrong on one side only: assuming the tree too often costs
a build, assuming it too seldom would give somebody a wrong environment.

The files are those that repo2docker's buildpacks read
(https://repo2docker.readthedocs.io/en/latest/configuration/), checked against its sources at
version 2026.4: conda-derived packs read `environment.yml`, `apt.txt`, `postBuild` and
`start`; Python-derived ones `requirements.txt` and the repository itself when it is a
package and has no `binder` folder.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from .locks import PYTHON, READERS, Lock, find_lock, read_project
from .requirements import Found, Refers, decode, included, is_archive, requirement_lines
from .sentences import Sentence, together

Read = Callable[[str], bytes | None]
"""Content of a file of the repository by its path, or `None` where there is none."""

KEY_DIGITS = 32

_COMMON = ("runtime.txt", "apt.txt", "environment.yml", "environment.yaml", "postBuild", "start")
_PYTHON = (*_COMMON, "requirements.txt", "requirements3.txt")

R_LOCK = "renv.lock"
"""Names packages of R. repo2docker does not read it."""

READS: dict[str, tuple[str, ...]] = {
    "DockerBuildPack": ("Dockerfile",),
    "LegacyBinderDockerBuildPack": ("Dockerfile",),
    "JuliaProjectTomlBuildPack": (*_PYTHON, "Project.toml", "JuliaProject.toml", "Manifest.toml"),
    "JuliaRequireBuildPack": (*_PYTHON, "REQUIRE"),
    "NixBuildPack": ("default.nix", "apt.txt", "postBuild", "start"),
    "RBuildPack": (*_PYTHON, "install.R"),
    "CondaBuildPack": _COMMON,
    "PipfileBuildPack": (*_COMMON, "Pipfile", "Pipfile.lock", "requirements3.txt"),
    "PythonBuildPack": _PYTHON,
}
"""The files in `binder/`, `.binder/` or the root that each buildpack reads."""

DECIDING = sorted(
    {name for names in READS.values() for name in names}
    | {"setup.py", "pyproject.toml", "DESCRIPTION"}
)
"""What repo2docker decides by."""

NAMES = sorted({*DECIDING, R_LOCK, *READERS, PYTHON})
"""Every configuration file that counts somewhere."""

FOLDERS = ("", "binder", ".binder")
"""Where these files can be."""

_ALWAYS_TREE = {
    "DockerBuildPack": "a Dockerfile may copy any file of the repository",
    "LegacyBinderDockerBuildPack": "a Dockerfile may copy any file of the repository",
    "JuliaProjectTomlBuildPack": "Julia instantiates the project itself",
    "JuliaRequireBuildPack": "Julia instantiates the project itself",
    "NixBuildPack": "a Nix expression may read any file of the repository",
}
_PROGRAMS = {
    "postBuild": "postBuild is a program and may read any file of the repository",
    "install.R": "install.R is a program and may read any file of the repository",
}
_PACKAGE = {"project", "build-system"}
_PACKAGED = frozenset({"PythonBuildPack", "RBuildPack"})

_CONDA_KEY = re.compile(r"(name|prefix|channels|dependencies|variables)\s*+:\s*+[\w ./~-]*")
_CONDA_ITEM = re.compile(
    r"-\s++([\"']?)(pip\s*+:|https?://\S+"
    r"|(?:[\w.-]+::)?[A-Za-z0-9_][\w.\[\],-]*+\s*+[=<>!~\w.*,| ]*)\1"
)


@dataclass(frozen=True)
class Determination:
    """What the environment of a repository depends on.

    Attributes:
        files: paths and SHA-256 of every configuration file it reads.
        reasons: why the whole tree has to count, in words; empty if the files determine it.
        remote: whether something comes from elsewhere than the package index.
        lock: the lock file that packages are taken from, or `None`.
    """

    files: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...] = ()
    remote: bool = False
    lock: Lock | None = None

    @property
    def by_files(self) -> bool:
        return not self.reasons

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(path for path, _ in self.files)


@dataclass(frozen=True)
class Ingredients:
    """Everything besides the repository that makes two environments differ.

    Attributes:
        builder: the engine and the version of its recipe.
        platform: operating system, machine, C library.
        interpreter: implementation, version and place, or the base image.
        base: what every environment gets (the server's packages).
        system: what takes the place of the machine's own system; empty for that.
    """

    builder: str
    platform: str
    interpreter: str
    base: tuple[str, ...] = ()
    system: str = ""


@dataclass
class _Survey:
    """The files met on the way; private to one call of :func:`determine`."""

    read: Read
    files: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    remote: bool = False

    @property
    def has_requirements(self) -> bool:
        return any(posixpath.basename(path) == "requirements.txt" for path in self.files)

    def take(self, path: str) -> bytes | None:
        content = self.read(path)
        if content is not None:
            self.files[path] = sha256(content).hexdigest()
        return content


def determine(buildpack: str, binder_dir: str, read: Read, *, locks: bool = True) -> Determination:
    """What the environment of a repository depends on.

    Args:
        buildpack: class name of repo2docker's buildpack; an unknown one counts as the tree.
        binder_dir: `binder`, `.binder` or empty.
        read: gives the content of a file of the repository.
        locks: whether lock files that repo2docker does not read count.

    Raises:
        BuildFailed: it may be a package, and `pyproject.toml` cannot be read; or a lock cannot.
    """
    survey = _Survey(read)
    if reason := _ALWAYS_TREE.get(buildpack):
        survey.reasons.append(reason)
    elif buildpack not in READS:
        survey.reasons.append(f"{buildpack} is not known here")
    for name in READS.get(buildpack, _PYTHON):
        path = posixpath.join(binder_dir, name)
        if (content := survey.take(path)) is not None:
            _survey_file(survey, path, name, content)
    lock = None
    if locks and buildpack == "PythonBuildPack" and not survey.has_requirements:
        package = not binder_dir and is_python_package(read)
        lock = find_lock(binder_dir, survey.take, conda=not package)
        _survey_lock(survey, lock)
    if locks and buildpack == "RBuildPack":
        survey.take(posixpath.join(binder_dir, R_LOCK))
    if not binder_dir and buildpack in _PACKAGED:
        _survey_package(survey, buildpack)
    files = tuple(sorted(survey.files.items()))
    return Determination(files, tuple(survey.reasons), survey.remote, lock)


def environment_key(
    ingredients: Ingredients, determination: Determination, binder_dir: str, tree: str
) -> str:
    """The key under which an environment is kept.

    The folder the files lie in does not count, so that `binder/requirements.txt` and
    `requirements.txt` of the same content share one environment.

    Args:
        tree: digest of a checkout of the commit, with all that Git says of it; counts only where
            the files do not determine the environment.
    """
    files = [
        (posixpath.relpath(path, binder_dir or "."), digest) for path, digest in determination.files
    ]
    parts = {
        "builder": ingredients.builder,
        "platform": ingredients.platform,
        "interpreter": ingredients.interpreter,
        "base": list(ingredients.base),
        "files": sorted(files),
        "tree": "" if determination.by_files else tree,
    }
    if ingredients.system:
        parts["system"] = ingredients.system
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()[:KEY_DIGITS]


def is_python_package(read: Read) -> bool:
    """Whether repo2docker would `pip install .` (rule of its PythonBuildPack).

    Raises:
        BuildFailed: `pyproject.toml` cannot be read.
    """
    return read("setup.py") is not None or read_project(read("pyproject.toml")).keys() >= _PACKAGE


def has_build_system(read: Read) -> bool:
    """Whether a package says itself what it is built with.

    Raises:
        BuildFailed: `pyproject.toml` cannot be read.
    """
    return "build-system" in read_project(read("pyproject.toml"))


def _survey_file(survey: _Survey, path: str, name: str, content: bytes) -> None:
    if name in _PROGRAMS:
        survey.reasons.append(_PROGRAMS[name])
    elif name.startswith("requirements"):
        _survey_requirements(survey, path, content)
    elif name.startswith("environment."):
        _survey_conda(survey, path, content)
    elif name.startswith("Pipfile"):
        _survey_pipfile(survey, path, content)


def _survey_requirements(survey: _Survey, path: str, content: bytes) -> None:
    """Follow a file and what it includes, up to the first line for which the tree has to count."""
    _survey_lines(survey, included(path, content, survey.take))


def _survey_lock(survey: _Survey, lock: Lock | None) -> None:
    if lock:
        text = "\n".join((*lock.locked.asked, *lock.locked.limits))
        _survey_lines(survey, (Found(lock.path, line) for line in requirement_lines(text)))


def _survey_lines(survey: _Survey, lines: Iterable[Found]) -> None:
    for found in lines:
        line, place = found.line, found.line.text[:80]
        if line.refers is Refers.LOCAL:
            survey.reasons.append(f"{found.path} refers to a place of the repository: {place}")
            return
        if line.refers is Refers.INCLUDE:
            survey.reasons.append(f"{found.path} includes {line.target[:80]}, which is missing")
            return
        if line.refers is Refers.REMOTE:
            survey.remote = True


def _survey_conda(survey: _Survey, path: str, content: bytes) -> None:
    """Accept only the plain form of a conda file; anything else counts as the tree."""
    for raw in decode(content).splitlines():
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if not line or line == "---" or _CONDA_KEY.fullmatch(line):
            continue
        item = _CONDA_ITEM.fullmatch(line)
        remote = "://" in line
        if not item or (is_archive(line.strip("\"' ")) and not remote):
            survey.reasons.append(f"{path} has a line that may refer to a place: {line[:80]}")
            return
        survey.remote = survey.remote or remote


def _survey_pipfile(survey: _Survey, path: str, content: bytes) -> None:
    text = decode(content)
    if re.search(r"\b(path|file|editable)\b[\"']?\s*[=:]", text):
        survey.reasons.append(f"{path} has a package that may lie in the repository")
    if re.search(r"\\[uU]", text):
        survey.reasons.append(f"{path} has words that are written as numbers of characters")
    if re.search(r"\b(git|hg|svn|url)\b[\"']?\s*[=:]", text):
        survey.remote = True


def _survey_package(survey: _Survey, buildpack: str) -> None:
    if is_python_package(survey.read):
        survey.reasons.append("the repository is itself a Python package")
    if buildpack == "RBuildPack" and survey.read("DESCRIPTION") is not None:
        survey.reasons.append("the repository is itself an R package")
    survey.take("setup.py")
    survey.take("pyproject.toml")


def describe(files: Iterable[str], python: str, *, conda: bool = False) -> Sentence:
    """What a person calls the environment: `Python 3.11 with requirements.txt`.

    Args:
        python: its version; with `conda` perhaps empty, where conda chooses.
    """
    names = sorted({posixpath.basename(file) for file in files} - {"runtime.txt"})
    what = Sentence("Python {version}", version=python)
    if conda:
        known = Sentence("Python {version} from conda", version=python)
        what = known if python else Sentence("Python from conda")
    return together(what, names)
