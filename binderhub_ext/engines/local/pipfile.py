"""A Pipfile or its lock as lines of a requirements file.

repo2docker runs `pipenv install --system --dev` (with the lock when there is one); uv takes
the same packages without pipenv, from the formats that pipenv documents
(https://pipenv.pypa.io/en/latest/pipfile.html).
"""

from __future__ import annotations

from typing import Any

from ...core.errors import BuildFailed
from ...core.jsontext import parse_json
from ...core.requirements import decode
from ...core.tomltext import parse_toml

_VCS = ("git", "hg", "svn", "bzr")
_MARKERS = (
    "sys_platform",
    "platform_system",
    "platform_machine",
    "python_version",
    "python_full_version",
    "os_name",
    "implementation_name",
)


def from_lock(content: bytes) -> list[str]:
    """Lines for `Pipfile.lock`.

    Raises:
        BuildFailed: not a lock file.
    """
    try:
        lock = parse_json(decode(content))
        sources = lock.get("_meta", {}).get("sources", [])
        packages = {**lock.get("develop", {}), **lock.get("default", {})}
        return _lines(sources, packages)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BuildFailed("Pipfile.lock cannot be read. Run `pipenv lock` again.") from error


def from_pipfile(content: bytes) -> list[str]:
    """Lines for `Pipfile`.

    Raises:
        BuildFailed: not a Pipfile.
    """
    try:
        pipfile = parse_toml(content)
        packages = {**pipfile.get("dev-packages", {}), **pipfile.get("packages", {})}
        return _lines(pipfile.get("source", []), packages)
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise BuildFailed("Pipfile cannot be read as pipenv would read it.") from error


def _lines(sources: list[dict[str, Any]], packages: dict[str, Any]) -> list[str]:
    # The usual source is the machine's own default index, which may be a mirror.
    urls = [str(source["url"]) for source in sources if "pypi.org" not in str(source["url"])]
    return [f"--extra-index-url {url}" for url in urls] + [
        line(name, entry) for name, entry in sorted(packages.items())
    ]


def line(name: str, entry: str | dict[str, Any]) -> str:
    """One package of a Pipfile as a requirement."""
    fields = {"version": entry} if isinstance(entry, str) else entry
    extras = f"[{','.join(fields['extras'])}]" if fields.get("extras") else ""
    if "path" in fields or "file" in fields:
        place = str(fields.get("path", fields.get("file")))
        return f"-e {place}{extras}" if fields.get("editable") else f"{place}{extras}"
    for vcs in _VCS:
        if vcs in fields:
            ref = f"@{fields['ref']}" if fields.get("ref") else ""
            sub = f"#subdirectory={fields['subdirectory']}" if fields.get("subdirectory") else ""
            return f"{name}{extras} @ {vcs}+{fields[vcs]}{ref}{sub}{_marker(fields)}"
    version = fields.get("version", "*")
    wanted = "" if version == "*" else version
    hashes = "".join(f" --hash={digest}" for digest in fields.get("hashes", []))
    return f"{name}{extras}{wanted}{_marker(fields)}{hashes}"


def _marker(fields: dict[str, Any]) -> str:
    markers = [str(fields["markers"])] if fields.get("markers") else []
    markers += [f"{name} {fields[name]}" for name in _MARKERS if fields.get(name)]
    return " ; " + " and ".join(f"({marker})" for marker in markers) if markers else ""
