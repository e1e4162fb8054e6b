"""Whether a server is started, kept as it is, or its person asked."""

from __future__ import annotations

from ...core.changes import UNKNOWN, changes
from ...core.errors import ServerDiffers
from ...core.launch import Launch
from ...core.sentences import Sentence
from ..hub import Server, State
from .orders import LaunchOrder, OnChange


def decide(
    order: LaunchOrder,
    server: Server | None,
    old: Launch | None,
    launch: Launch,
    told: tuple[Sentence, ...],
) -> tuple[Launch | None, tuple[Sentence, ...]]:
    """What to start, or nothing to use what runs; and what that changes, in sentences.

    A stopped server is started with what is asked for: nothing that runs is interrupted, and its
    files are the same. Worth a question is a running one, and what others would be told.

    Args:
        server: that is there, or none.
        old: what it was last started with, if it was by us.
        launch: what is asked for.
        told: who else would read what a server is given now.

    Raises:
        ServerDiffers: the person has not said what to do.
    """
    if server is None:
        return launch, ()
    running = server.state is not State.STOPPED
    differs = changes(old, launch) if old else (UNKNOWN,)
    if running and order.on_change is OnChange.FRESH and not told:
        return launch, differs
    if not differs:
        return (None, ()) if running else (launch, ())
    keep = order.on_change is OnChange.KEEP and (running or old)
    if keep or (running and order.notebook):
        return (None if running else old), ()
    if (running or told) and order.on_change is not OnChange.RESTART:
        raise ServerDiffers(server.name, differs, told)
    return launch, differs
