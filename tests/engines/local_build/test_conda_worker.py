"""What takes conda's packages as they are locked: a program, asked here without a sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from condachannel import PLACEHOLDER, SUBDIR, Package, make_channel
from condalocks import explicit, facts
from httpserver import serving_files

from binderhub_ext.core.locks import find_lock
from binderhub_ext.engines.local import conda, condaworker
from binderhub_ext.engines.local.condaworker import Ending, Order

PYTHON = Package("python", {"bin/python3.11": "", "bin/python": "-> python3.11"}, "3.11.4")
PLACES = Package("places", {"bin/where": f"#!/bin/sh\necho {PLACEHOLDER}\n"}, old=True)
TIDES = Package(
    "tides",
    {"site-packages/tides.py": ""},
    depends=["python"],
    noarch=True,
    entry_points=["tides = tides:main"],
)
ALL = (PYTHON, PLACES, TIDES)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channel")
    make_channel(folder, ALL)
    return folder


def ordered(channel: Path, room: Path, **changes: Any) -> Order:
    text = explicit(channel, ALL).encode()
    lock = find_lock("", lambda path: text if path == "environment.lock" else None)
    assert lock
    asked = conda.asked_by(lock, SUBDIR, "3.11")
    files = [asdict(file) for file in asked.files]
    cache, prefix = room / "cache", room / "environment"
    fields = {"channels": list(asked.channels), "specs": [], "files": files, **changes}
    return Order(prefix=str(prefix), cache=str(cache), **fields)


def work(order: Order, room: Path) -> tuple[int, str]:
    """How the program ended, and the last that it said."""
    room.mkdir(exist_ok=True)
    file = room / "order.json"
    file.write_text(json.dumps(asdict(order)))
    argv = [sys.executable, "-P", "-m", condaworker.__name__, str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def test_locked_files_are_linked(channel: Path, tmp_path: Path) -> None:
    """Python of every machine too, with its commands, though a lock does not say that it is."""
    order = ordered(channel, tmp_path, specs=["python 3.11.*", "tides"])
    assert work(order, tmp_path) == (Ending.DONE, "Linked 3 of 3 packages")
    made = tmp_path / "environment"
    assert str(made) in (made / "bin/where").read_text()
    assert (made / "bin/tides").is_file()
    assert (made / "lib/python3.11/site-packages/tides.py").is_file()


@pytest.mark.parametrize(
    ("specs", "ending", "words"),
    [
        (["tides >=2"], Ending.CONTRADICTED, "tides >=2\ttides 1.0"),
        (["numpy"], Ending.CONTRADICTED, "numpy\t"),
        (["python >>> 1"], Ending.FAILED, "InvalidMatchSpec"),
    ],
)
def test_what_is_asked_for_has_to_be_locked(
    channel: Path, tmp_path: Path, specs: list[str], ending: Ending, words: str
) -> None:
    how, said = work(ordered(channel, tmp_path, specs=specs), tmp_path)
    assert how == ending and words in f"{said}\t" and not (tmp_path / "environment").exists()


@pytest.mark.parametrize("digest", ["sha256", "md5"])
@pytest.mark.parametrize("near", [True, False])
def test_a_file_with_other_bytes_is_not_linked(
    channel: Path, tmp_path: Path, digest: str, near: bool
) -> None:
    about = facts(channel, PLACES)
    order = ordered(channel, tmp_path)
    (file,) = (file for file in order.files if file["url"] == about["url"])
    file |= {"sha256": "", "md5": "", digest: "0" * len(about[digest])}
    with serving_files(channel) as site:
        if not near:
            file["url"] = file["url"].replace(channel.as_uri(), site)
        assert work(order, tmp_path) == (Ending.CHANGED, "places")
    assert not (tmp_path / "environment/bin/where").exists()


@pytest.mark.parametrize("need", ["__glibc >=99", "__cuda", "__win"])
def test_what_this_machine_has_not_is_said(channel: Path, tmp_path: Path, need: str) -> None:
    order = ordered(channel, tmp_path)
    order.files[0]["depends"] = ["__unix", "__glibc >=2.17,<3.0.a0", need]
    assert work(order, tmp_path) == (Ending.UNFIT, need)


FILE = "https://example.org/noarch/tides-1.0-0.conda"


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ("tides", True),
        ("tides >=1,<2|3.* *cuda*", True),
        ("tides=1.0=py_0", True),
        ("conda-forge/label/old::tides 1.0", True),
        ("tides[version='>=1,<2', build='py311*', channel='conda-forge']", True),
        (FILE, False),
        (f"tides[url={FILE}]", False),
        (f"tides[url='{FILE}']", False),
        (f"tides *[ URL = '{FILE}' ]", False),
        (f"tides[version='*', url=\"{FILE}\"]", False),
        (f"tides[version='*[url={FILE}]']", False),
        (f"conda-forge::tides[url={FILE}]", False),
        ("./tides-1.0-0.conda", False),
        ("/usr/tides-1.0-0.tar.bz2", False),
        ("tides-1.0-0.tar.bz2", False),
    ],
)
def test_what_names_a_file_of_its_own_is_kept_by_nobody(spec: str, kept: bool) -> None:
    """The library would keep it under the name that a channel's package has, for everybody."""
    assert conda.Asked(("conda-forge",), (spec,)).checked is kept
    file = json.dumps({"dependencies": [spec]}).encode()
    assert conda.asked(file, "3.11").checked is kept


def test_what_is_asked_for_is_judged_at_once() -> None:
    many = 2**15
    for spec in ("aaaa" * many, "a-" * many + "[", "a::" * many, "a[version='" * many, " " * many):
        before = process_time()
        assert conda.Asked((), (f"{spec}@",)).checked is False
        assert process_time() - before < 0.5
