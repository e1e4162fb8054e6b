"""What secrets may be called, and how the Hub asks the service for them."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from binderhub_ext.core.changes import changes
from binderhub_ext.core.classes import is_as_given
from binderhub_ext.core.errors import BadLink, BadTicket, NotAllowed
from binderhub_ext.core.handover import Handover
from binderhub_ext.core.launch import Launch, LaunchRequest, read_ticket, sign_ticket
from binderhub_ext.core.links import read_link, secrets_of, write_link
from binderhub_ext.core.policy import Policy, admit, judge
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Commit
from binderhub_ext.core.rights import rights
from binderhub_ext.core.secretnames import (
    Secret,
    check_key,
    check_secret_name,
    check_secret_value,
    name_of,
)

REPO = PROVIDERS["gh"].repo("o/r")
HUSH = Secret("API_KEY", "hush-ü\nhush")


@pytest.mark.parametrize("name", ["API_KEY", "x", "_x1", "GITLAB_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_names(name: str) -> None:
    assert check_secret_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "1A", "A-B", "A B", "A=B", "ä", "A\n", "A\0", "../A", "A" * 65),
        *("PATH", "path", "HOME", "LD_PRELOAD", "ld_audit", "PYTHONPATH", "PYTHONSTARTUP"),
        *("JUPYTERHUB_API_TOKEN", "JUPYTER_CONFIG_DIR", "BINDER_REPO_URL", "BASH_ENV", "ENV"),
        *("GLIBC_TUNABLES", "https_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "XDG_DATA_HOME"),
    ],
)
def test_what_no_secret_is_called(name: str) -> None:
    with pytest.raises(BadLink):
        check_secret_name(name)


def test_a_tick_names_one_of_two_that_have_the_same_name() -> None:
    mine, token = "API_KEY", "sign-in:API_KEY"
    assert [name_of(check_key(key)) for key in (mine, token)] == ["API_KEY", "API_KEY"]
    for key in ("sign-in:", "sign-in:PATH", "sign-in:sign-in:A", "other:A"):
        with pytest.raises(BadLink):
            check_key(key)
    old = Launch("ana", "one", None, "", "image", secrets=(mine,))
    [said] = changes(old, replace(old, secrets=(token,)))
    assert said == ("It would be given the secrets API_KEY of your sign-in instead of API_KEY.")


@pytest.mark.parametrize("value", ["", "a\0b", "x" * 8193, "ü" * 4097])
def test_what_no_secret_is(value: str) -> None:
    with pytest.raises(BadLink) as refused:
        check_secret_value(value)
    assert not value or value not in refused.value.message


def test_a_link_names_them_and_a_ticket_has_names_alone() -> None:
    request = read_link("gh", "o/r/HEAD", "secrets=A&secrets=sign-in:B_1&secrets=A")
    assert request.secrets == ("A", "sign-in:B_1")
    assert secrets_of(write_link(request)) == ["A", "sign-in:B_1"]
    # no right of theirs, so no trust that was given covers them
    assert rights(request) == rights(replace(request, secrets=()))
    with pytest.raises(BadLink):
        read_link("gh", "o/r/HEAD", "secrets=LD_PRELOAD")
    launch = admit(Policy(), request, Commit(REPO, "HEAD", "a" * 40), user="ana")
    ticket = sign_ticket(launch, "key")
    assert read_ticket(ticket, "key", user="ana", server=launch.server).secrets == request.secrets
    many = LaunchRequest(REPO, secrets=tuple(f"A{number}" for number in range(21)))
    with pytest.raises(NotAllowed):
        judge(Policy(), many)


def test_other_secrets_are_another_launch() -> None:
    launch = Launch("ana", "one", None, "", "image")
    given = replace(launch, secrets=("A", "B"))
    assert not changes(given, replace(launch, secrets=("B", "A")))
    [words] = changes(launch, given)
    assert words == "It would be given the secrets A, B instead of none."


def test_the_link_of_a_class_never_asks_for_any() -> None:
    link = LaunchRequest(REPO)
    assert is_as_given(link, link)
    assert not is_as_given(replace(link, secrets=("A",)), link)


def test_asked_and_answered() -> None:
    handover = Handover("secret")
    question, sent = handover.ask("ana", "one", "ticket", 1.0)
    assert handover.read_question(sent) == question
    answer = handover.answer(question, [HUSH])
    assert handover.read_answer(question, answer) == (HUSH,)
    assert "ticket" not in sent and "hush" not in answer
    assert "hush" not in repr(HUSH)


def test_nobody_else_asks_or_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    handover, other = Handover("secret"), Handover("another")
    question, sent = handover.ask("ana", "one", "ticket", 1.0)
    answer = handover.answer(question, [HUSH])
    for bad in ("", "x", "ü", sent[:-4], answer, other.ask("ana", "one", "ticket", 1.0)[1]):
        with pytest.raises(BadTicket):
            handover.read_question(bad)
    for bad in ("", sent, other.answer(question, [HUSH])):
        with pytest.raises(BadTicket):
            handover.read_answer(question, bad)
    # the answer to an earlier question is none to this one
    with pytest.raises(BadTicket):
        handover.read_answer(handover.ask("ana", "one", "ticket", 1.0)[0], answer)
    # an hour later neither is good
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() + 3600)
    with pytest.raises(BadTicket):
        handover.read_question(sent)


@pytest.mark.parametrize("content", [[], {}, {"question": 1}, {"question": {"user": "ana"}}])
def test_what_is_no_question(content: object) -> None:
    handover = Handover("secret")
    sent = handover._cipher.encrypt(json.dumps(content).encode()).decode()
    with pytest.raises(BadTicket):
        handover.read_question(sent)
    with pytest.raises(BadTicket):
        handover.read_answer(handover.ask("a", "b", "c", 1.0)[0], sent)
