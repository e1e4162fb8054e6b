"""Nothing of a launch is lost on its ways: link, form, request and ticket, for every request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from launchrequests import requests

from binderhub_ext.core.changes import changes
from binderhub_ext.core.contents import projects_of
from binderhub_ext.core.launch import Launch, LaunchRequest, read_ticket, sign_ticket
from binderhub_ext.core.links import write_link
from binderhub_ext.core.policy import Policy, Size, admit
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Commit
from binderhub_ext.service.requests import form_of, further_fields, read_fields, read_own_link

SECRET = "secret"
EVERYTHING = Policy(
    images=(".*",),
    sizes={"small": Size(1, 1), "Large one": Size(2**30, 2)},
    max_memory=2**46,
    max_cpu=64,
)
every_request: Any = settings(max_examples=150)


def launch_of(request: LaunchRequest) -> Launch:
    commit = Commit(request.repo, request.ref, "a" * 40) if request.repo else None
    content = [Commit(one.repo, one.ref, "b" * 40) for one in request.content]
    projects = projects_of(request, content, [""] * len(content))
    return admit(EVERYTHING, request, commit, user="ana", content=projects)


@every_request
@given(requests())
def test_link_to_form_to_link(request: LaunchRequest) -> None:
    asked = read_own_link(write_link(request), PROVIDERS)
    again = read_fields(form_of(asked, PROVIDERS), PROVIDERS)
    assert again == request
    assert write_link(again) == write_link(request)


@every_request
@given(requests())
def test_request_to_ticket_to_the_launch_its_link_asks_for_again(request: LaunchRequest) -> None:
    launch = launch_of(request)
    ticket = sign_ticket(launch, SECRET)
    read = read_ticket(ticket, SECRET, user="ana", server=launch.server)
    assert read == launch
    assert sign_ticket(read, SECRET) == ticket
    again = launch_of(read_own_link(write_link(request), PROVIDERS))
    assert again == launch
    assert changes(read, again) == ()


@every_request
@given(requests())
def test_what_has_no_control_in_the_form_is_shown_with_its_value(request: LaunchRequest) -> None:
    fields = form_of(request, PROVIDERS)
    shown = {field["name"] for field in further_fields(fields)}
    controls = {"repo", "ref", "filepath", "target", "files", "volume", "image", "server", "size"}
    controls |= {"share", "content", "secrets"}
    assert set(filter(fields.get, fields)) - controls == shown


@pytest.mark.parametrize(
    ("fields", "extra"),
    [
        ({"repo": ["o/n?x"], "extra": ["a=1&b=%26&a=2"]}, (("a", "1"), ("b", "&"), ("a", "2"))),
        ({"link": ["v2/gh/o/n/main?a=1"], "extra": ["b=2"]}, (("b", "2"),)),
        ({"link": ["v2/gh/o/n/main?a=1"], "extra": [""]}, (("a", "1"),)),
        ({"link": ["v2/gh/o/n/main?a=1&extra=2"]}, (("a", "1"), ("extra", "2"))),
    ],
)
def test_further_parameters(fields: dict[str, list[str]], extra: tuple[tuple[str, str], ...]):
    fields = {"repo": ["o/n"], **fields} if "link" in fields else {**fields, "repo": ["o/n"]}
    assert read_fields(fields, PROVIDERS).extra == extra
