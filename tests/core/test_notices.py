"""What a server is to tell its person: of this start, and no part of what is launched."""

from __future__ import annotations

from dataclasses import replace

from binderhub_ext.core.launch import Launch, Tickets
from binderhub_ext.engines.serving import binder_environment

PLAIN = Launch("ana", "s", None, "", "image")
NOTED = replace(PLAIN, notices=("Little is left.", "Of both."), noted=1_000_000)


def test_it_is_told_at_its_own_start_alone() -> None:
    assert (
        binder_environment(NOTED, "/", 1_000_030.0)["BINDER_NOTICE"] == "Little is left.\nOf both."
    )
    assert "BINDER_NOTICE" not in binder_environment(NOTED, "/", 1_090_000.0)
    assert "BINDER_NOTICE" not in binder_environment(PLAIN, "/", 0.0)


def test_it_makes_no_other_launch_and_stays_in_the_ticket() -> None:
    assert NOTED == PLAIN
    tickets = Tickets("secret")
    read = tickets.of("ana", "s", tickets.sign(NOTED))
    assert read is not None and (read.notices, read.noted) == (NOTED.notices, NOTED.noted)
