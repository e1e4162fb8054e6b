"""Contexts the pages are tried with: what the service hands to the templates."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.updates import FileChange, State, Update, What, new_commits
from binderhub_ext.core.usagequotas import Standing, read_policy
from binderhub_ext.service.web.usageviews import limit_view
from binderhub_ext.service.web.views import keep_question

HOSTILE = '<img src=x onerror="window.stolen=1">\'"--></script>'
"""Shown as these very characters wherever people's or repositories' text appears."""

COMMIT = "4fd3c1f2a9b86e5d70c1c8a2f0d3e4b5a6978812"
SERVER = "/user/maria/tidal-analysis-1f0c2d3e/"
FOLDER = "/services/binder/files/folder?of=home&path=projects/maria/tidal-analysis"


README = {
    "name": "README.md",
    "html": Markup("<h3>Tides</h3><p>Of <em>Brest</em>, in a <code>notebook</code>.</p>"),
    "cut": True,
}


NOTEBOOK = {
    "name": "tides.ipynb",
    "html": Markup("<h3>A year of tides</h3>\n<pre>import utide</pre>"),
    "cut": False,
}


def again(**changes: str) -> dict[str, str]:
    return {
        "repo": "https://github.com/maria/tidal-analysis",
        "ref": "main",
        "files": "project",
        "server": "tidal-analysis-1f0c2d3e",
        **changes,
    }


def server(**changes: Any) -> dict[str, Any]:
    """A row of the main page."""
    return {
        "name": "tidal-analysis-1f0c2d3e",
        "title": "tidal-analysis",
        "place": "github.com/maria",
        "path": "projects/maria/tidal-analysis",
        "bytes": 734 * 2**20,
        "idle": 3600,
        "also": False,
        "ref": "main",
        "commit": COMMIT,
        "files": "project",
        "state": "running",
        "url": f"{SERVER}lab",
        "last_activity": "2026-11-20T09:30:00Z",
        "again": again(),
        "newer": new_commits(3),
        "pinned": True,
        "memory": 412 << 20,
        "update_url": "/services/binder/update?project=projects%2Fmaria%2Ftidal-analysis",
        "launch_url": "/services/binder/launches/8c1f0a",
        "zip_url": "/services/binder/files/maria/tidal-analysis.zip",
        "files_url": FOLDER,
        "shared_with": [{"user": "jonas"}, {"group": "ocean-course"}],
        "secrets": ["OPENAI_API_KEY", "GITLAB_TOKEN"],
        "invitations": [{"id": "sc_7", "until": "2026-11-21T09:30:00Z", "accepted": 2}],
        "beside": [
            {"name": "postgres", "ports": [{"port": 5432, "url": ""}]},
            {"name": "java", "ports": [{"port": 3333, "url": f"{SERVER}proxy/3333/"}]},
        ],
        **changes,
    }


def secret(name: str, **changes: Any) -> dict[str, Any]:
    """One that a launch may be given."""
    no = dict.fromkeys(("asked", "ticked", "missing", "file", "signed_in"), False)
    return {"key": name, "name": name, **no, **changes}


def invitation(**changes: Any) -> dict[str, Any]:
    """One that was just made."""
    url = (
        "https://hub.example.org/hub/accept-share?code=uzb6jBD1Qh3tz0a1vV0a7a0vV1hWq4c3m8Qk2H9xX5E"
    )
    return {"server": server()["name"], "url": url, "until": "2026-11-21T09:30:00Z", **changes}


def shared(**changes: Any) -> dict[str, Any]:
    """A server of somebody else that maria may enter."""
    url = "http://jonas.localhost:8000/user/jonas/currents-5e6f7a8b/"
    view = {"owner": "jonas", "name": "currents-5e6f7a8b", "state": "running", "url": url}
    return {**view, "direct": True, **changes}


def share_refused() -> dict[str, Any]:
    """Somebody who was not let into a server just now, by the form of its card."""
    words = "This hub knows no person called “zed”. People are known once they have signed in."
    name = server()["name"]
    return {"server": name, "user": "zed", "group": "", "status": 404, "message": words}


def home(**changes: Any) -> dict[str, Any]:
    return {
        "values": {},
        "error": None,
        "targets": [
            {"name": "lab", "title": "JupyterLab"},
            {"name": "notebook", "title": "Notebook"},
        ],
        "sizes": ["small", "large"],
        "figures": {"large": "large · 8.0 GiB · 2 processors · 1 GPU"},
        "images": True,
        "launches": [],
        "failed": [],
        "work": [
            server(),
            server(
                name="ocean-course-9a8b7c6d",
                title="ocean-course",
                place="github.com/ocean-institute",
                path="projects/ocean-institute/ocean-course",
                ref="2026-autumn",
                commit="b81e09d7c35f2a6e4d1c9f80a7b6e5d4c3b2a190",
                state="stopped",
                files="home",
                idle=0,
                bytes=3 * 2**30,
                last_activity="2026-11-18T16:02:00Z",
                again=again(repo="https://github.com/ocean-institute/ocean-course"),
                shared_with=[],
                beside=[],
            ),
            server(
                name="",
                title="currents",
                path="projects/maria/currents",
                state="",
                idle=0,
                bytes=None,
                last_activity="2026-10-02T08:00:00Z",
                shared_with=None,
                beside=[],
            ),
        ],
        "shared": [
            shared(),
            shared(
                owner="jonas@institute.example.org", name="waves", state="stopped", direct=False
            ),
        ],
        "warnings": [],
        "secrets": [
            secret("OPENAI_API_KEY"),
            secret("GITLAB_TOKEN", key="sign-in:GITLAB_TOKEN", signed_in=True, file=True),
        ],
        "beginnings": {
            "tides": "v2/shipped/tides?labpath=index.ipynb&environment=plain",
            "scratch": "v2/shipped/scratch?labpath=notebook.ipynb&environment=plain",
        },
        "takes_notebooks": True,
        **changes,
    }


def much_work() -> dict[str, Any]:
    """Where one is in a list of work that has pages."""
    places = {"page": 2, "pages": 3, "total": 60, "find": "tides", "part": "?find=tides&page=2"}
    address = "/services/binder/?find=tides"
    return {**places, "before": address, "after": f"{address}&page=3"}


def launch(**changes: Any) -> dict[str, Any]:
    view = {
        "id": "8c1f0a",
        "page": "/services/binder/launches/8c1f0a",
        "repo": {
            "provider": "gh",
            "name": "maria/tidal-analysis",
            "url": "https://github.com/maria/tidal-analysis",
            "title": "tidal-analysis",
        },
        "ref": "main",
        "commit": COMMIT,
        "server": "tidal-analysis-1f0c2d3e",
        "phase": "building",
        "message": "Installing packages",
        "step": "image",
        "progress": 35,
        "events_url": "/services/binder/api/launches/8c1f0a/events",
        "cancel_url": "/services/binder/api/launches/8c1f0a/cancel",
        "dismiss_url": "/services/binder/api/launches/8c1f0a/dismiss",
        "readme_url": "/services/binder/api/launches/8c1f0a/readme",
        "notebook_url": "/services/binder/api/launches/8c1f0a/notebook",
        "started": "2026-11-20T09:30:00Z",
        "finished": "",
        "url": "",
        "error": None,
        "can_cancel": True,
        "again": again(),
        "attention": [],
        "back_url": "/services/binder/?repo=maria%2Ftidal-analysis",
        "choices": [],
        **changes,
    }
    return {"launch": view}


def failed(**changes: Any) -> dict[str, Any]:
    error = {
        "code": "build-failed",
        "status": 422,
        "message": "The packages of requirements.txt cannot be installed together.",
        "detail": "Because numpy==1.2.3 has no wheels …",
        "reference": "",
    }
    return launch(phase="failed", error=error, finished="2026-11-20T09:31:12Z", **changes)


def confirm(**changes: Any) -> dict[str, Any]:
    return {
        "request": {**launch()["launch"], "ref": "main", "has_ref": True, "target": "lab"},
        "commit": {
            "id": COMMIT,
            "date": "2026-11-12T10:00:00Z",
            "author": "Maria Silva",
            "subject": "Correct the phase of the semidiurnal tide",
        },
        "environment": {
            "kind": "Python 3.12 with requirements.txt",
            "files": ["requirements.txt"],
            "built": False,
            "size": "",
        },
        "sees": [
            {
                "title": "This project's folder",
                "path": "~/projects/maria/tidal-analysis",
                "access": "rw",
                "words": "Nothing else of your home.",
            },
            {"title": "Group data", "path": "~/shared/ocean", "access": "ro", "words": ""},
        ],
        "resources": [{"title": "Memory", "value": "up to 2 GB"}],
        "network": "It reaches the internet, and nothing of this machine.",
        "credentials": "None of your passwords and keys are handed over.",
        "source": {"host": "forum.example.org", "outside": True},
        "rights": "",
        "secrets": [
            secret("OPENAI_API_KEY", asked=True),
            secret(
                "A_NAME_THAT_IS_AS_LONG_AS_A_NAME_OF_A_SECRET_MAY_BE_ON_ANY_HUB_01", missing=True
            ),
        ],
        "lets_in": ["jonas", "everybody in the group ocean-course"],
        "of_class": {
            "title": "Tides, autumn 2026",
            "teacher": "jonas",
            "others": f"{HOSTILE}, everybody in the group ocean-teachers",
        },
        "form": again(),
        "change_url": "/services/binder/?repo=maria%2Ftidal-analysis",
        "cancel_url": "/services/binder/",
        "changes": [],
        "readme": README,
        "notebook": NOTEBOOK,
        "error": None,
        **changes,
    }


def error(**changes: Any) -> dict[str, Any]:
    return {
        "title": "There is nothing here",
        "ours": False,
        "message": "There is no such launch, or it is not yours. Start it again from its link.",
        "detail": "",
        "reference": "a1b2c3d4",
        **changes,
    }


def settings(**changes: Any) -> dict[str, Any]:
    entry = {
        "id": "7",
        "title": "github.com/maria/tidal-analysis",
        "url": "https://github.com/maria/tidal-analysis",
        "rights": "its own folder",
        "since": "2026-11-01T08:00:00Z",
    }
    token = {"id": "9", "host": "git.example.org", "user": "maria", "since": entry["since"]}
    secrets = [
        {"id": "5", "name": "OPENAI_API_KEY", "file": False, "since": entry["since"]},
        {"id": "", "name": "GITLAB_TOKEN", "file": True, "since": ""},
    ]
    given = {"gives_secrets": True, "secrets": secrets}
    return {"trusted": [entry], "credentials": [token], **given, **changes}


def usage(**changes: Any) -> dict[str, Any]:
    """What maria has used, near one limit and over another."""
    memory = read_policy({"resource": "memory", "limit": "500G", "window": 7})
    cpu = read_policy({"resource": "cpu", "limit": 100, "window": 30})
    figures = {
        "server_hours": 51.2,
        "memory_gib_hours": 410.5,
        "cpu_hours": 102.4,
        "gpu_hours": 0,
        "build_minutes": 12.5,
        "storage_gib_days": 30.1,
        "memory_peak_gib": 3.2,
        "cpu_hours_used": 17.8,
        "cost": 4.41,
    }
    run = {
        "kind": "server",
        "name": "tidal-analysis",
        "repo": "github.com/maria/tidal-analysis",
        "started": "2026-11-20T09:30:00Z",
        "ended": "",
        "seconds": 11732,
        "memory": 4 * 2**30,
        "size": "large · 4 GiB · 2 CPU",
        "peak": 3_435_973_836,
        "worked": 5_120.4,
        "reason": "",
    }
    build = {**run, "kind": "build", "ended": run["started"], "seconds": 71, "size": ""}
    build |= {"peak": None, "worked": None}
    view = {
        "days": 30,
        "currency": "EUR",
        "quotas": [
            limit_view(Standing(memory, 410.5 * 2**30)),
            limit_view(Standing(cpu, 102.4, retry=1_800_000_000.0)),
        ],
        "totals": figures,
        "by_day": [{"date": "2026-11-19", **figures}, {"date": "2026-11-20", **figures}],
        "latest": [run, build, {**run, "repo": "", "ended": run["started"]}],
    }
    return {"usage": {**view, **changes}}


def update(**changes: Any) -> dict[str, Any]:
    """What a launch of another commit would do to a project, or did."""
    found = Update(
        State.UPDATED,
        COMMIT,
        "b81e09d7c35f2a6e4d1c9f80a7b6e5d4c3b2a190",
        changes=(
            FileChange("analysis.ipynb", What.BESIDE, f"analysis.incoming-{COMMIT[:7]}.ipynb"),
            FileChange("data/stations-of-the-north-sea-and-the-baltic.csv", What.KEPT_DELETED),
            FileChange("figures/new.svg", What.ADDED),
            FileChange("README.md", What.UPDATED),
        ),
        notes=(
            Sentence(
                "Your own branch or commits were left as they are; "
                "`git merge {name}` brings the repository's history into them.",
                name="origin/main",
            ),
        ),
        edited=("analysis.ipynb", "data/stations-of-the-north-sea-and-the-baltic.csv", "notes.md"),
        counts={What.BESIDE: 1, What.KEPT_DELETED: 1, What.ADDED: 1, What.UPDATED: 131},
    )
    return {**found.to_fields(), **changes}


def asks_about_files() -> dict[str, Any]:
    """A launch that ended with the question whose version keeps its name."""
    error = {"code": "files-differ", "status": 409, "message": "You changed the same files."}
    question = keep_question({"link": "v2/gh/maria/tidal-analysis/main"})
    return launch(phase="failed", error=error, step="image", update=update(), question=question)


def preview(**changes: Any) -> dict[str, Any]:
    view = {
        "project": "projects/maria/tidal-analysis",
        "title": "tidal-analysis",
        "repo": launch()["launch"]["repo"],
        "ref": "main",
        "commit": COMMIT,
        "fetched": True,
        "update": update(),
        "question": keep_question({"link": "v2/gh/maria/tidal-analysis/main"}),
        "again": {"link": "v2/gh/maria/tidal-analysis/main"},
        **changes,
    }
    return {"preview": view}


def entry(**changes: Any) -> dict[str, Any]:
    """An entry of the catalogue."""
    name, url = "maria/tidal-analysis", "https://github.com/maria/tidal-analysis"
    return {
        "id": "e1f2",
        "title": "Tides of the North Sea",
        "text": "Harmonic analysis of gauges, step by step. For the second term.",
        "tags": ["oceanography", "statistics"],
        "group": "",
        "owner": "jonas",
        "mine": False,
        "link": "v2/gh/maria/tidal-analysis/main",
        "repo": {"provider": "gh", "name": name, "url": url, "title": "tidal-analysis"},
        "image": "",
        "ref": "main",
        "open_url": "/services/binder/v2/gh/maria/tidal-analysis/main",
        "page": "/services/binder/catalogue/e1f2",
        "featured": True,
        "hidden": False,
        "people": 14,
        "made": "2026-11-01T08:00:00Z",
        "changed": "2026-11-01T08:00:00Z",
        "environment": {"built": True, "bytes": 734 * 2**20},
        "health": {"ok": True, "checked": "2026-11-20T08:00:00Z", "message": ""},
        "picture": "docs/plot.png",
        "picture_text": f"A curve of the tide {HOSTILE}",
        "picture_url": "/services/binder/static/images/logo_social.png",
        "picture_flaw": "",
        **changes,
    }


def catalogue(**changes: Any) -> dict[str, Any]:
    gone = {"ok": False, "checked": "2026-11-20T08:00:00Z", "message": "Its host did not answer."}
    unknown = {"built": None, "bytes": None}
    new = {"ok": None, "checked": "", "message": ""}
    bare = {"picture": "", "picture_text": "", "picture_url": ""}
    others = {"featured": False, "people": 0, "environment": unknown, **bare}
    alone = {"title": "waves", "owner": "", "text": "", "tags": [], "people": 3}
    long = "a-group-of-people-with-a-very-long-name"
    return {
        "entries": [
            entry(),
            entry(**{**others, "id": "e2", "mine": True, "group": long, "health": new}),
            entry(
                **{**others, "id": "e3", "title": "Ebb & flow", "health": gone, "tags": ["x" * 30]}
            ),
            entry(
                **{**others, "id": "e4", **alone, "environment": {"built": False, "bytes": None}}
            ),
        ],
        "total": 51,
        "q": "tides",
        "tag": "statistics",
        "show": "popular",
        "tabs": {name: f"?show={name}" for name in ("", "featured", "popular", "mine")},
        "page": 2,
        "pages": 3,
        "before": "?page=1",
        "after": "?page=3",
        "may_publish": True,
        **changes,
    }


def published(**changes: Any) -> dict[str, Any]:
    """The page of an entry."""
    values = {name: entry()[name] for name in ("link", "title", "text", "picture")}
    values["picture_text"] = "A curve of the tide"
    return {
        "entry": entry(mine=True, hidden=True, picture_flaw="There is no such file."),
        "may_picture": True,
        "values": {**values, "tags": "oceanography", "group": "ocean"},
        "groups": ["crew", "ocean"],
        "reported": False,
        "error": {"message": "Give it a title, by which people find it."},
        **changes,
    }


def publishing(**changes: Any) -> dict[str, Any]:
    return {**published(), "may_publish": True, **changes}


def a_class(**changes: Any) -> dict[str, Any]:
    """Who opened the link of maria's class."""
    when = "2026-11-20T09:30:00Z"
    page = "/services/binder/class/abcd2345"
    person = {"message": "", "opened": when, "last_activity": ""}
    return {
        "one": {
            "id": "abcd2345",
            "title": "Tides, autumn 2026",
            "owner": "maria",
            "link": "v2/gh/maria/tidal-analysis/main",
            "url": "http://localhost:8000/services/binder/c/abcd2345",
            "page": page,
            "events_url": "/services/binder/api/work/events",
            "created": when,
            "ended": "",
        },
        "counts": {"failed": 1, "waiting": 1, "running": 1, "stopped": 1},
        "people": [
            {**person, "user": "Zoë", "state": "failed", "message": "No wheel of numpy==1.2.3."},
            {**person, "user": "jonas", "state": "waiting", "message": "2 builds are ahead."},
            {**person, "user": "o'neil_2", "state": "running", "last_activity": when},
            {**person, "user": "ana.maría@a-quite-long-university.example", "state": "stopped"},
        ],
        "untold": 2,
        "owns": True,
        "groups": ["ocean-teachers", "teachers"],
        "teachers": [
            {"id": "k3f9", "user": "tom.of.another@a-quite-long-university.example"},
            {"id": "m4g2", "group": "ocean-teachers"},
        ],
        "typed": {"user": "nobody-here", "group": ""},
        "error": {"message": "The servers of these were not stopped: Zoë."},
        **changes,
    }


def classes(**changes: Any) -> dict[str, Any]:
    """A link for a class of maria's, and those she has."""
    link = "v2/gh/maria/tidal-analysis/main?size=large"
    return {
        "link": {
            "link": link,
            "title": "tidal-analysis",
            "url": f"http://localhost:8000/services/binder/{link}",
            "qr_url": "/services/binder/qr?link=v2",
        },
        "teaches": True,
        "me": "jonas",
        "classes": [a_class()["one"], {**a_class()["one"], "ended": "2026-11-20T11:30:00Z"}],
        "typed": "",
        "error": None,
        **changes,
    }


def admin(section: str) -> dict[str, Any]:
    """Each section of the administrator's page."""
    when = "2026-11-20T09:30:00Z"
    build = {
        "id": "b1",
        "key": "k1",
        "kind": "Python 3.12 with requirements.txt",
        "repo": "github.com/maria/tidal-analysis",
        "commit": COMMIT,
        "started": when,
        "seconds": 71,
        "state": "running",
        "message": "",
        "people": ["maria", "o'neil_2"],
        "can_cancel": True,
        "log_url": "/services/binder/api/admin/builds/b1/log",
    }
    failure = {
        "id": "8c1f0a",
        "user": "jonas",
        "title": "github.com/jonas/a-repository-with-quite-a-long-name-that-goes-on-and-on",
        "started": when,
        "code": "build-failed",
        "message": "The packages of requirements.txt cannot be installed together.",
        "detail": "Because numpy==1.2.3 has no wheels …",
        "log_url": "/services/binder/api/admin/builds/b2/log",
    }
    environment = {
        "key": "k1",
        "name": "env-0123456789abcdef0123456789abcdef",
        "kind": build["kind"],
        "repo": build["repo"],
        "bytes": 734 * 2**20,
        "people": 12,
        "launches": 80,
        "last_used": when,
        "pinned": True,
    }
    trusted = {
        "id": "7",
        "user": "maria",
        "repo": "https://example.org/a&b",
        "rights": "its folder",
        "since": when,
    }
    person = {"name": "ana.maría@uni.example", "admin": True, "last_activity": when}
    return {
        "section": section,
        "error": {"message": "A server uses this environment."},
        "builds": [build, {**build, "id": "b2", "state": "build-failed", "can_cancel": False}],
        "waiting": 3,
        "failures": [failure],
        "reference": "8c1f0a",
        "found": {"launch": failure, "traceback": "Traceback (most recent call last):"},
        "environments": [
            environment,
            {**environment, "key": "k2", "launches": 0, "bytes": None, "pinned": False},
        ],
        "servers": [{**server(), "user": "maria", "repo": "github.com/x/y", "image": "env"}],
        "find": "ocean & sea",
        "total": 1234,
        "page": 2,
        "pages": 13,
        "before": "/services/binder/admin/x?find=ocean",
        "after": "/services/binder/admin/x?find=ocean&page=3",
        "told": "Tomorrow from 8 to 9 nothing runs here.",
        "volumes": [
            {
                "id": "v1",
                "name": "field-data",
                "kind": "shared",
                "owner": "maria",
                "people": {"jonas": "ro", "o'neil_2": "rw"},
                "groups": {},
                "bytes": 2**30,
            },
            {
                "id": "v2",
                "name": "class-a",
                "kind": "group",
                "owner": "class-a",
                "people": {},
                "groups": {"students": "ro"},
                "bytes": None,
            },
        ],
        "people": [{**person, "bytes": 3 * 2**30, "running": 1, "launches": 80}],
        "trust": [trusted],
        "trusted_specs": ["gh/ocean/"],
        "banned_specs": ["gh/evil/.*"],
        "banned_networks": [{"network": "192.0.2.0/24", "why": "automated traffic"}],
        "days": 30,
        "currency": "EUR",
        "blind": True,
        "usage": [
            {"user": "maria", "groups": ["ocean"], **usage()["usage"]["totals"], **_quotas()},
            {"user": "o'neil_2", "groups": [], "server_hours": 2, "cost": 0, "quotas": []},
        ],
        "entries": [
            entry(
                hidden=True,
                reports=[
                    {
                        "user": "nora",
                        "reason": "It sells something.",
                        "made": "2026-11-20T08:00:00Z",
                    }
                ],
            ),
            entry(id="e2", reports=[]),
        ],
        "checks": [
            {"name": "Database", "ok": True, "required": True, "message": "", "fix": ""},
            {
                "name": Sentence("sandbox"),
                "ok": False,
                "required": True,
                "message": Sentence("bubblewrap is missing."),
                "fix": Sentence.verbatim("apt-get install -y bubblewrap"),
            },
            {
                "name": Sentence("private network"),
                "ok": False,
                "required": False,
                "message": Sentence("Servers have no internet, which takes more programs."),
                "fix": Sentence.verbatim("apt-get install -y passt"),
            },
        ],
        "settings": [
            {"section": "LaunchPolicy", "name": "max_memory", "value": "'8G'", "hidden": ""},
            {"section": "BinderApp", "name": "db_url", "value": "", "hidden": "yes"},
        ],
    }


SECTIONS = (
    "builds",
    "environments",
    "servers",
    "volumes",
    "people",
    "usage",
    "catalogue",
    "health",
    "settings",
)


def _quotas() -> dict[str, Any]:
    return {"quotas": usage()["usage"]["quotas"]}


def hostile(value: Any) -> Any:
    """The same context with every text of people or repositories turned against us."""
    if isinstance(value, dict):
        return {key: _keep(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) and value else value


_OURS = {"section", "phase", "state", "step", "access", "files"}


def _keep(key: str, item: Any) -> Any:
    return item if key in _OURS and isinstance(item, str) else hostile(item)


def volume(**changes: Any) -> dict[str, Any]:
    return {
        "id": "a1b2c3d4e5f6",
        "name": "field-data",
        "kind": "shared",
        "owner": "maria",
        "access": "rw",
        "owned": True,
        "users": {"jonas": "ro", "o'neil_2": "rw"},
        "groups": {"oceanographers-of-the-northern-hemisphere": "ro"},
        "place": "~/shared/field-data",
        "bytes": 3 * 2**30,
        "made": "2026-11-01T08:00:00Z",
        **changes,
    }


def volumes(**changes: Any) -> dict[str, Any]:
    others = {"owned": False, "users": {}, "groups": {}}
    group = {"id": "0f", "name": "class-a", "kind": "group", "owner": "", "access": "ro"}
    theirs = {"id": "0e", "name": "paper", "owner": "zoë", "bytes": None}
    return {
        "volumes": [volume(), volume(**others, **group), volume(**others, **theirs)],
        "deleted": [{"id": "1-0a", "name": "old-data", "deleted": "2026-11-19T08:00:00Z"}],
        "limit": 20,
        "owned": 1,
        "error": None,
        "values": {},
        **changes,
    }


def chosen_volumes() -> dict[str, Any]:
    entry = {"id": "0f", "name": "class-a", "writable": False, "access": "ro", "place": ""}
    mine = {"id": "0e", "name": "field-data", "writable": True, "access": "", "place": ""}
    return {
        "volumes": [{**entry, "usual": "shared/class-a"}, {**mine, "usual": "shared/field-data"}],
        "volumes_missing": ["tides-2024"],
    }


def folder(**changes: Any) -> dict[str, Any]:
    entry = {"kind": "file", "bytes": 2**20, "changed": "2026-11-20T09:30:00Z", "url": FOLDER}
    return {
        "of": "home",
        "volume": "",
        "way": [
            {"name": name, "url": FOLDER}
            for name in ("", "projects", "a-folder-with-a-name-as-long-as-names-of-folders-are")
        ],
        "entries": [
            {**entry, "name": "data", "kind": "folder", "bytes": None},
            {**entry, "name": "a & b.txt"},
            {**entry, "name": "x" * 200 + ".csv"},
            {**entry, "name": "elsewhere", "kind": "link", "bytes": None, "url": ""},
            {**entry, "name": "pipe", "kind": "other", "bytes": None, "url": ""},
        ],
        "more": True,
        "writable": True,
        "upload_url": "/services/binder/api/files/content?of=home&path=data",
        "form_url": "/services/binder/files/upload?of=home&path=data",
        "brought": [{"name": HOSTILE, "called": "x" * 200 + " (1).csv"}],
        "error": {"message": f"{HOSTILE} is larger than 2.0 GiB."},
        "limit": 2 * 2**30,
        **changes,
    }


def files(**changes: Any) -> dict[str, Any]:
    use = {"server": "tidal-analysis-1f0c2d3e", "url": "/user/maria/tidal/lab", "own": True}
    project = {
        "id": "maria/tidal-analysis",
        "title": "tidal-analysis",
        "url": "https://github.com/maria/tidal-analysis",
        "path": "projects/maria/tidal-analysis",
        "bytes": 734 * 2**20,
        "last_used": "2026-11-20T09:30:00Z",
        "used_by": [use],
        "again": again(),
        "update_url": "/services/binder/update?project=projects%2Fmaria%2Ftidal-analysis",
        "zip_url": "/services/binder/files/maria/tidal-analysis.zip",
        "files_url": FOLDER,
    }
    path = "projects/git.a-very-long-host-name.example.org/a-group-with-a-long-name/a-project"
    other = {"title": "a-project", "path": path, "used_by": [], "bytes": None, "update_url": ""}
    figures = {"limit": 4 * 2**30, "near": True, "over": False, "used_by": [], "files_url": FOLDER}
    return {
        "home": {
            "bytes": 19 * 2**30,
            "limit": 20 * 2**30,
            "near": True,
            "over": False,
            "words": "Your files take 19.0 GiB of 20.0 GiB.",
            "warning": "Your files take 19.0 GiB of 20.0 GiB. Make room before it is full.",
            "files_url": FOLDER,
        },
        "projects": [project, {**project, **other}],
        "volumes": [
            {**volume(), **figures, "used_by": [{**use, "url": ""}]},
            {**volume(id="0e", name="paper", owned=False), **figures, "over": True},
        ],
        "trash": [
            {
                "id": "1-0a",
                "name": "projects/maria/old-analysis",
                "kind": "project",
                "bytes": 2**20,
                "deleted": "2026-11-19T08:00:00Z",
                "until": "2026-12-19T08:00:00Z",
            },
            {
                "id": "1-0b",
                "name": "old-data",
                "kind": "volume",
                "bytes": None,
                "deleted": "2026-11-19T08:00:00Z",
                "until": "2026-12-19T08:00:00Z",
            },
        ],
        "error": None,
        **changes,
    }


PAGES = {
    "class.html": a_class,
    "classes.html": classes,
    "home.html": home,
    "catalogue.html": catalogue,
    "catalogue_entry.html": published,
    "catalogue_publish.html": publishing,
    "launch.html": launch,
    "confirm.html": confirm,
    "error.html": error,
    "settings.html": settings,
    "invitation.html": invitation,
    "usage.html": usage,
    "update.html": preview,
    "volumes.html": volumes,
    "files.html": files,
    "folder.html": folder,
    "admin.html": lambda: admin(SECTIONS[0]),
}
