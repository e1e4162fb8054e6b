"""Say what works here, what is missing and the command that mends it."""

from __future__ import annotations

from traitlets import TraitError

from ..core.errors import CannotStart


def main(argv: list[str]) -> int | None:
    from ..up.doctor import Doctor

    try:
        command = Doctor()
        command.initialize(argv)
    except TraitError as error:
        raise CannotStart(f"A setting has a wrong value: {error}") from error
    return command.examine()
