"""What a build made in the repository's folder and in the home, given when a server starts.

It is kept with the image, since it is the same for everybody. A program of ours
(`inside/binder_given.py`) copies it where nothing of that name is: as the person, within what
their server sees, before anything else of the server runs. Into a folder of the machine, which is
its owner's own, nothing is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.launch import Files, Launch
from ..core.sentences import Sentence, fixed

PROGRAM = Path(__file__).parent / "inside" / "binder_given.py"

REPO, HOME = "repo", "home"
"""What is kept has these two folders."""

NOT_KEPT = frozenset({".git", "__pycache__"})
"""Folders that are never kept, wherever they are."""

NOT_OF_A_HOME = frozenset({".cache", ".npm", ".conda", ".wget-hsts", ".bash_history"})
"""What is directly in a home and means nothing to anybody else."""

NAMED = 20
"""Files that a log names one by one."""


def arguments(made: str, launch: Launch, home: str) -> list[str]:
    """Arguments of the program, but for the command that follows.

    Args:
        made: where what is kept is seen from inside.
        home: the home, likewise.
    """
    given = launch.project and launch.commit and not launch.live
    project = f"{home}/{launch.project}" if given else ""
    extent = "whole" if launch.files is Files.HOME else "own"
    return [made, launch.image, home, project, extent]


BY_POST_BUILD = fixed("postBuild made {count} files; they are given to each project.")


def told(count: int, left: Sequence[str], more: int, made: str = BY_POST_BUILD) -> list[Sentence]:
    """Lines of the log on what a build made beside the environment.

    Args:
        count: how many files are kept.
        left: names of those that are not, with the reason.
        more: how many others are not.
        made: the fixed text for those that are.
    """
    kept = [Sentence(made, count=count)] if count else []
    names = [Sentence("Not given: {name}", name=name) for name in left]
    others = [Sentence("Not given: {count} more", count=more)] if more else []
    return [*kept, *names, *others]
