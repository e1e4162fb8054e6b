"""What `helm test` runs: it says what is reached and what is not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from patience import SOON
from ports import free_ports

from binderhub_ext.up import trial


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SETTLED", 1.0)


@pytest.fixture
def place() -> Iterator[str]:
    """Something that answers on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nowhere() -> str:
    return f"127.0.0.1:{free_ports(1)}"


def test_all_as_it_should_be(place: str, nowhere: str) -> None:
    assert trial.main(["reach", place, "--not", nowhere, "no-such-name.invalid:80"]) == 0


def test_what_must_not_be_reached(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trial.main(["reach", "--not", place]) == 1
    said = capsys.readouterr().out
    assert f"{place} is reached, and must not be." in said and "enforce" in said


def test_what_has_to_be_reached(nowhere: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert trial.main(["reach", nowhere]) == 1
    assert f"{nowhere} is not reached" in capsys.readouterr().out


def test_policies_have_time_to_be_in_force(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_SETTLED", SOON)
    host, _, port = nowhere.partition(":")

    def open_later() -> None:
        time.sleep(1)
        with socket.create_server((host, int(port))):
            done.wait(SOON)

    done = threading.Event()
    later = threading.Thread(target=open_later)
    later.start()
    assert trial.main(["reach", nowhere]) == 0
    done.set()
    later.join()
