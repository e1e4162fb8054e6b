"""`binder-at-home sync` with an archive, which has versions and no Git."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fakesite import FakeSite

DOI = "10.5281/zenodo.3242074"
CONFIG = """
c = get_config()
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
c.ZenodoProvider.doi_resolver = {url!r}
c.ZenodoProvider.installations = [{url!r}]
"""


def publish(site: FakeSite, record: str, **files: str) -> None:
    """A version of a record, to which the DOI leads from now on."""
    site.doi(DOI, f"{site.url}/record/{record}")
    site.answers[f"/api/records/{record}"] = {"id": int(record), "metadata": {"title": "Waves"}}
    entries = []
    for name, content in files.items():
        path = f"/api/records/{record}/files/{name}/content"
        entries.append({"key": f"{name}.txt", "links": {"content": site.url + path}})
        site.answers[path] = content.encode()
    site.answers[f"/api/records/{record}/files"] = {"entries": entries}


def sync(config: Path, into: Path) -> dict[str, object]:
    words = ["--repo", f"https://doi.org/{DOI}", "--into", str(into), "-f", str(config), "--json"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "binderhub_ext", "sync", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_another_version_of_an_archive(site: FakeSite) -> None:
    with TemporaryDirectory(prefix="bh-sync-") as folder:
        config, into = Path(folder, "config.py"), Path(folder, "data")
        config.write_text(CONFIG.format(url=site.url))
        publish(site, "1", a="a1", b="b1", gone="g")
        assert sync(config, into)["counts"] == {"added": 3}
        (into / "a.txt").write_text("mine")
        assert sync(config, into)["state"] == "unchanged"
        publish(site, "2", a="a2", b="b2")
        assert sync(config, into)["counts"] == {"beside": 1, "updated": 1, "removed": 1}
        texts = {path.name: path.read_text() for path in into.glob("*.txt")}
        assert (texts.pop("a.txt"), texts.pop("b.txt")) == ("mine", "b2")
        assert list(texts.values()) == ["a2"]
