"""What files of R ask for."""

from __future__ import annotations

import json
from time import process_time

import pytest

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.rlang import Locked, Runtime, described, locked, named


@pytest.mark.parametrize(
    ("runtime", "name", "met", "missed"),
    [
        ("r-4.1-2022-01-01", "R 4.1 as of 2022-01-01", (), ("4.1.3", "4.2.2", "")),
        ("r-2022-01-01", "R as of 2022-01-01", (), ("4.2.2",)),
        ("r-4.2", "R 4.2", ("4.2.2",), ("4.20.1", "4.1.3", "")),
        ("r-devel-2022-01-01", "R devel as of 2022-01-01", (), ("4.2.2",)),
        ("python-3.11", "", ("4.2.2", ""), ()),
        ("", "", ("4.2.2", ""), ()),
    ],
)
def test_which_r_is_asked_for(
    runtime: str, name: str, met: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    asked = Runtime.of(runtime)
    assert asked.name == name
    assert all(map(asked.is_met, met))
    assert not any(map(asked.is_met, missed))


DESCRIPTION = b"""\
Package: tide
Title: Imports: of harbours
Depends: R (>= 3.5),
    sf
Imports:
\tdplyr (>= 1.0.0), data.table,
    R6
Suggests: testthat
LinkingTo: Rcpp
Remotes: someone/else
"""


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_a_description_cannot_do_without(ends: bytes) -> None:
    names = described(DESCRIPTION.replace(b"\n", ends))
    assert names == ("R6", "Rcpp", "data.table", "dplyr", "sf")
    assert described(b"") == described(b"\xff\xfe: no") == ()
    # A word that is no name of a package is nothing to ask Debian for.
    assert described(b"Imports: -o=Dir, a;b, ../x") == ()


@pytest.mark.parametrize(
    "text", ["Imports:" + " " * 10**6, "Imports" + "\n" * 10**6, "a,(" * 10**6]
)
def test_no_description_takes_long(text: str) -> None:
    before = process_time()
    assert not described(text.encode())
    assert process_time() - before < 3


def test_the_names_of_a_lock() -> None:
    packages = {
        "dplyr": {"Package": "dplyr", "Source": "Repository"},
        "old": {"Source": "CRAN"},
        "mine": {"Source": "GitHub"},
        "--help": {"Source": "CRAN"},
    }
    content = json.dumps({"R": {"Version": "4.1.2"}, "Packages": packages}).encode()
    assert locked("renv.lock", content) == Locked(("dplyr", "old"), ("mine",))


def test_all_that_a_repository_names() -> None:
    lock = b'{"Packages": {"moon": {"Source": "CRAN"}, "R6": {"Source": "CRAN"}}}'
    files = {"DESCRIPTION": DESCRIPTION, "binder/renv.lock": lock, "renv.lock": lock}
    assert named(files.get, "", "renv.lock") == ("R6", "Rcpp", "data.table", "dplyr", "moon", "sf")
    # As with repo2docker, the package of a repository with a folder of its own for Binder is none.
    assert named(files.get, "binder", "binder/renv.lock") == ("R6", "moon")
    # Whoever does not read the lock need not mind what is in it.
    assert named({"renv.lock": b"[", "DESCRIPTION": b"Imports: a1"}.get, "", "renv.lock") == ("a1",)
    many = {"DESCRIPTION": b"Imports: " + b", ".join(b"a%d" % n for n in range(3000))}
    assert len(named(many.get, "", "")) == 2000


@pytest.mark.parametrize("content", [b"", b"[]", b'{"Packages": [1]}', b'{"Packages": {"a": 1}}'])
def test_a_lock_that_is_none(content: bytes) -> None:
    with pytest.raises(BuildFailed, match=r"binder/renv.lock .*renv::snapshot"):
        locked("binder/renv.lock", content)
