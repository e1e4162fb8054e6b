"""One question for all who want to know the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from patience import SOON

from binderhub_ext.core.errors import RepoUnavailable
from binderhub_ext.repos.answers import SharedAnswers


class Host:
    """A host that answers with how often it was asked, when a test lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self.refuses = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self) -> int:
        self.asked += 1
        number, refuses = self.asked, self.refuses
        await self.may_answer.wait()
        if refuses:
            raise RepoUnavailable(f"No. {number}")
        return number


@pytest.fixture
def host() -> Host:
    return Host()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0)


async def test_a_class_needs_two_questions(host: Host) -> None:
    """The second is for those who came when the first was on its way already."""
    questions: SharedAnswers[int] = SharedAnswers()
    host.may_answer.clear()
    asking = [asyncio.create_task(questions.ask("ref", host.answer)) for _ in range(200)]
    await until(lambda: host.asked == 1)
    host.may_answer.set()
    assert await asyncio.gather(*asking) == [1, *[2] * 199]
    assert await questions.ask("ref", host.answer) == 3


async def test_different_questions_do_not_wait_for_each_other(host: Host) -> None:
    questions: SharedAnswers[int] = SharedAnswers()
    host.may_answer.clear()
    asking = [asyncio.create_task(questions.ask(ref, host.answer)) for ref in "abc"]
    await until(lambda: host.asked == 3)
    host.may_answer.set()
    assert sorted(await asyncio.gather(*asking)) == [1, 2, 3]


async def test_a_refusal_is_everybodys_who_waits_and_nobodys_later(host: Host) -> None:
    questions: SharedAnswers[int] = SharedAnswers(max_age=3600)
    host.may_answer.clear()
    host.refuses = True
    asking = [asyncio.create_task(questions.ask("ref", host.answer)) for _ in range(50)]
    await until(lambda: host.asked == 1)
    host.may_answer.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert [str(one) for one in told] == ["No. 1", *["No. 2"] * 49]
    host.refuses = False
    assert await questions.ask("ref", host.answer) == 3


async def test_who_gives_up_leaves_the_question_to_the_next(host: Host) -> None:
    questions: SharedAnswers[int] = SharedAnswers(max_age=3600)
    host.may_answer.clear()
    first, second = (asyncio.create_task(questions.ask("ref", host.answer)) for _ in range(2))
    await until(lambda: host.asked == 1)
    first.cancel()
    await until(lambda: host.asked == 2)
    host.may_answer.set()
    assert await second == 2


async def test_an_answer_is_remembered_for_a_while(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("binderhub_ext.repos.answers.time.monotonic", lambda: now)
    questions: SharedAnswers[int] = SharedAnswers(max_age=60)
    told = [await questions.ask("ref", host.answer)]
    now += 60
    told.append(await questions.ask("ref", host.answer))
    now += 1
    told.append(await questions.ask("ref", host.answer))
    assert told == [1, 1, 2]
    now += 61
    await questions.ask("another", host.answer)
    assert list(questions.known) == ["another"]
