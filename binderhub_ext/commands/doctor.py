"""Say what works here, what is missing and the command that mends it."""

from __future__ import annotations

from ..config.check import settings_in_words


def main(argv: list[str]) -> int | None:
    from ..up.doctor import Doctor

    with settings_in_words():
        command = Doctor()
        command.initialize(argv)
    return command.examine()
