"""What pages and the API are shown: plain values made of our own. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from ...core.classes import Named, why_stopped
from ...core.errors import ServerDiffers, TargetMissing
from ...core.launch import Files, Launch, Project
from ...core.links import in_lab, secrets_of, without
from ...core.progress import Event, Phase
from ...core.projects import PROJECTS
from ...core.repo import Repo
from ...core.rights import words
from ...core.secretnames import SIGN_IN, name_of
from ...core.sentences import Sentence, listing, together
from ...core.sharees import Sharee
from ...core.updates import CHOICES, Keep, Update, needs_choice
from ...core.url import readable
from ...core.volumes import SHARED, Kind, Volume, group_of
from ...engines.base import Program
from ...storage.trash import Trashed
from ..hub import Server
from ..hub import State as ServerState
from ..launching.launchstate import State
from ..launching.orders import OnChange
from ..launching.updates import UpdatePreview
from ..person.credentials import ANY_USER, Stored
from ..person.invitations import Invitation
from ..person.secrets import StoredSecret
from ..person.shares import SharedServer
from ..person.volumes import VolumeAccess
from ..records.classes import Stop
from ..records.classtables import ClassRow
from ..records.tables import LaunchRow, TrustRow

_ANSWERS = ("keep", "on_change")


def launch_view(state: State, prefix: str) -> dict[str, Any]:
    """A launch as its page and `GET /api/launches/<id>` have it.

    Args:
        state: the launch now.
        prefix: of the service; ends in "/".
    """
    api = f"{prefix}api/launches/{state.id}"
    return {
        "id": state.id,
        "page": f"{prefix}launches/{state.id}",
        "repo": repo_view(state.repo),
        "ref": state.ref,
        "commit": state.commit,
        "content": [content_view(project) for project in state.content],
        "image": state.image,
        "server": state.server,
        "phase": str(state.phase),
        "step": state.step,
        "progress": state.progress,
        "message": state.message,
        "events_url": f"{api}/events",
        "cancel_url": f"{api}/cancel",
        "dismiss_url": f"{api}/dismiss",
        "readme_url": f"{api}/readme",
        "notebook_url": f"{api}/notebook",
        "log_url": f"{api}/log" if state.build else "",
        "started": iso(state.started),
        "finished": iso(state.finished),
        "url": state.url,
        "prepares": state.prepares,
        "can_cancel": state.finished is None,
        "error": state.error and state.error.to_json(),
        "again": {**given_again(state.link), **state.answers},
        "choices": choices(state),
        "attention": list(state.attention),
        "update": state.update.to_fields() if state.update else None,
        "question": keep_question({**given_again(state.link), **state.answers})
        if state.may_choose()
        else None,
        "back_url": form_url(prefix, state.link),
    }


def choices(state: State) -> list[dict[str, Any]]:
    """Ways on for a launch whose server runs, with something else or without what it opens."""
    code = state.error.code if state.error else ""
    if code == TargetMissing.code:
        values = {**given_again(in_lab(state.link)), **state.answers}
        return [{"title": Sentence("Open JupyterLab"), "values": values}]
    if code != ServerDiffers.code:
        return []
    titles = {
        OnChange.RESTART: Sentence("Update and restart"),
        OnChange.KEEP: Sentence("Open as it is"),
    }
    return [
        {
            "title": title,
            "values": {**given_again(state.link), **state.answers, "on_change": str(answer)},
        }
        for answer, title in titles.items()
    ]


def keep_question(values: Mapping[str, Any]) -> dict[str, Any]:
    """The form that asks whose version of a file keeps its name.

    Args:
        values: what it sends besides the answer, and whether to update at all.
    """
    options = [
        {"value": str(keep), "title": title, "words": sentence}
        for keep, (title, sentence) in CHOICES.items()
    ]
    hidden = {name: value for name, value in values.items() if name not in _ANSWERS}
    return {"values": hidden, "options": options, "default": str(Keep.BOTH)}


def preview_view(preview: UpdatePreview, prefix: str) -> dict[str, Any]:
    """What an update would change, as its page and `GET /api/update` have it."""
    project = project_view(preview.row)
    update: Update | None = preview.update and preview.update.clipped()
    values = again(preview.row.request)
    return {
        "project": preview.row.project,
        "title": project["title"],
        "repo": project["repo"],
        "ref": preview.request.ref,
        "commit": preview.commit.id,
        "newer": preview.newer,
        "fetched": preview.fetched,
        "update": update.to_fields() if update else None,
        "question": keep_question(values) if update and needs_choice(update) else None,
        "again": values,
        "page": update_url(prefix, preview.row.project),
    }


def update_url(prefix: str, project: str) -> str:
    """The page that says what an update of a project would change."""
    return f"{prefix}update?{urlencode({'project': project})}"


def zip_url(prefix: str, project: str) -> str:
    """Where a project can be had as a zip archive."""
    return f"{prefix}files/{quote(project.removeprefix(f'{PROJECTS}/'))}.zip"


def folder_url(prefix: str, path: str, of: str = "home") -> str:
    """The page of a folder of a home, or of a volume."""
    return f"{prefix}files/folder?of={quote(of)}&path={quote(os.fsencode(path))}"


def repo_view(repo: Repo | None) -> dict[str, str] | None:
    if repo is None:
        return None
    return {"provider": repo.provider, "name": repo.shown, "url": repo.page, "title": repo.title}


def content_view(project: Project) -> dict[str, Any]:
    """A repository that comes besides the environment's."""
    commit = project.commit
    repo = repo_view(commit.repo)
    return {"repo": repo, "ref": commit.ref, "commit": commit.id, "place": project.place}


def class_words(row: ClassRow | None, teachers: Iterable[Named]) -> dict[str, Any] | None:
    """A class as whoever opens its link is told of it."""
    if row is None:
        return None
    others = listing(named.who.words for named in teachers)
    return {"title": row.title, "teacher": row.owner, "others": others}


def last_event(state: State) -> Event:
    """The last event of a launch this process does not remember."""
    if state.error:
        return state.error.event
    data = {"url": state.url, "image": state.image, "imageName": state.image, "progress": 100}
    return Event(Phase.READY, state.message, data)


def server_view(
    server: Server,
    *,
    launch: Launch | None,
    row: LaunchRow | None,
    prefix: str,
    sharees: Iterable[Sharee] | None = None,
    invitations: Iterable[Invitation] = (),
    stop: Stop | None = None,
) -> dict[str, Any]:
    """A server as the main page and `GET /api/servers` have it, with :func:`running_view`.

    Args:
        server: as the Hub knows it.
        launch: that it was last started with; none if that was not by us.
        row: the launch it was last started by, if that is known.
        prefix: of the service; ends in "/".
        sharees: who else may enter it; `None` if that is not known.
        invitations: into it, that hold.
        stop: that a teacher stopped it since that launch.
    """
    commit = launch.commit if launch else None
    titles = [project.commit.repo.title for project in launch.content] if launch else []
    title = commit.repo.title if commit else server.name or Sentence("default")
    return {
        "name": server.name,
        "title": together(title, titles),
        "repo": repo_view(commit.repo) if commit else None,
        "ref": commit.ref if commit else "",
        "commit": commit.id if commit else "",
        "files": str(launch.files) if launch else "",
        "project": launch.project if launch and launch.files is not Files.NONE else "",
        "content": [content_view(project) for project in launch.content] if launch else [],
        "idle": launch.idle if launch else 0,
        "secrets": list(map(name_of, launch.secrets)) if launch else [],
        "state": str(server.state),
        "url": server.url,
        "last_activity": server.last_activity,
        "again": again(row.request) if row else None,
        "launch_url": prefix + path_of(row.id) if row else "",
        "shared_with": None if sharees is None else sharee_views(sharees),
        "invitations": [invitation_view(invitation) for invitation in invitations],
        "why": why_stopped(stop.title, stop.by)
        if stop and server.state is ServerState.STOPPED
        else "",
    }


def running_view(
    url: str, beside: Iterable[Program] = (), memory: int | None = None
) -> dict[str, Any]:
    """What a server has while it runs.

    Args:
        url: of the server.
        beside: what runs beside it.
        memory: bytes that it uses now, if that is known.
    """
    return {"beside": [program_view(program, url) for program in beside], "memory": memory}


def program_view(program: Program, url: str) -> dict[str, Any]:
    """A program that runs beside a server.

    Args:
        url: of the server.
    """
    ports = [
        {"port": port, "url": f"{url}proxy/{port}/" if program.proxied else ""}
        for port in program.ports
    ]
    return {"name": program.name, "ports": ports}


def again(link: str) -> dict[str, Any]:
    """What a button sends to start once more what a link started.

    Who may enter is not in it: the Hub keeps that, and nobody who was put out comes back so.
    """
    return given_again(without(link, "share"))


def given_again(link: str) -> dict[str, Any]:
    """A link of a launch as fields, with the secrets that its person gave to that launch."""
    given = secrets_of(link)
    return {"link": link, "secrets": given} if given else {"link": link}


def sharee_views(sharees: Iterable[Sharee]) -> list[dict[str, str]]:
    """Who may enter a server: each `{"user": name}` or `{"group": name}`."""
    return [sharee.to_fields() for sharee in sharees]


def invitation_view(invitation: Invitation) -> dict[str, Any]:
    """An invitation into a server; its link was told when it was made."""
    until = iso(invitation.until)
    return {"id": invitation.id, "until": until, "accepted": invitation.accepted}


def shared_view(server: SharedServer) -> dict[str, str | bool]:
    """A server of somebody else as the main page and `GET /api/shared` have it."""
    return {
        "owner": server.owner,
        "name": server.name,
        "state": str(ServerState.RUNNING if server.ready else ServerState.STOPPED),
        "url": server.url,
        "direct": server.direct,
    }


def project_view(row: LaunchRow) -> dict[str, Any]:
    """A project as the main page has it."""
    repo = Repo(row.provider, row.repo, row.repo_url)
    return {
        "title": repo.title,
        "repo": repo_view(repo),
        "path": row.project,
        "last_used": iso(row.started),
        "again": again(row.request),
    }


def trust_view(row: TrustRow) -> dict[str, str]:
    """A decision as the settings page has it."""
    return {
        "id": row.id,
        "title": readable(row.repo).partition("://")[2] or row.repo,
        "url": row.repo_url,
        "rights": words(row.rights.split("\n")),
        "since": iso(row.since),
    }


def volume_view(mine: VolumeAccess) -> dict[str, Any]:
    """A volume as its page and `GET /api/volumes` have it; members are for its owner to see."""
    volume = mine.volume
    shared = volume.kind is Kind.SHARED
    return {
        "id": volume.id,
        "name": volume.name,
        "kind": str(volume.kind),
        "owner": volume.owner if shared else group_of(volume.owner),
        "access": str(mine.access),
        "owned": mine.owned,
        "users": {n: str(a) for n, a in sorted(volume.users.items())} if mine.owned else {},
        "groups": {n: str(a) for n, a in sorted(volume.groups.items())} if mine.owned else {},
        "place": f"~/{SHARED}/{volume.name}",
        "bytes": mine.usage.bytes if mine.usage else None,
        "made": iso(datetime.fromtimestamp(volume.made, UTC)),
    }


def deleted_view(trashed: Trashed, volume: Volume) -> dict[str, str]:
    """A volume in the trash."""
    when = iso(datetime.fromtimestamp(trashed.time, UTC))
    return {"id": trashed.id, "name": volume.name, "deleted": when}


def credential_view(stored: Stored) -> dict[str, str]:
    """A stored token as the settings page has it: never the token."""
    user = "" if stored.user == ANY_USER else stored.user
    return {"id": stored.id, "host": stored.host, "user": user, "since": iso(stored.since)}


def secret_view(secret: StoredSecret) -> dict[str, Any]:
    """A secret as its person sees it: never what it is."""
    return {"id": secret.id, "name": secret.name, "file": secret.file, "since": iso(secret.since)}


def secret_choices(
    mine: Iterable[StoredSecret],
    asked: Iterable[str],
    ticked: Iterable[str] = (),
    *,
    others: bool = True,
) -> list[dict[str, Any]]:
    """The secrets that a page offers for a launch.

    Args:
        mine: those that the person has.
        asked: keys that a link asks for; the person need not have them. Whoever wrote it cannot
            know how they have what it names.
        ticked: keys that the person ticked; never what a link asks for.
        others: whether what no link asks for is offered too.
    """
    known, ticked = {one.key: one for one in mine}, set(ticked)
    wanted = [key if key in known or SIGN_IN + key not in known else SIGN_IN + key for key in asked]
    keys = dict.fromkeys([*wanted, *(known if others else ())])
    return [
        {
            "key": key,
            "name": name_of(key),
            "asked": key in wanted,
            "ticked": key in ticked,
            "missing": key not in known,
            "file": key in known and known[key].file,
            "signed_in": key in known and not known[key].id,
        }
        for key in keys
    ]


def iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def form_url(prefix: str, link: str) -> str:
    """The main page with a link's values in the form."""
    return f"{prefix}?{urlencode({'link': link})}"


def path_of(launch: str) -> str:
    """The page of a launch, relative to the service."""
    return f"launches/{quote(launch, safe='')}"
