"""A start of a container brings the project to the launched commit, as the files' owner."""

from __future__ import annotations

from dockerhub import DockerHub

from binderhub_ext.core.updates import State, Update, What
from binderhub_ext.engines.docker.build import DockerBuilder

FIRST = {"a.txt": "a1\n", "b.txt": "b1\n", "gone.txt": "g\n"}
SECOND = {"a.txt": "a2\n", "b.txt": "b2\n", "new/c.txt": "c\n"}


async def test_an_edited_project_and_another_commit(docker_hub: DockerHub) -> None:
    hub = docker_hub
    (one, folder), (two, _) = hub.repository(FIRST, "upd/r"), hub.repository(SECOND, "upd/r")
    first = hub.launch("upd", commit=one, project=folder)
    second = hub.launch("upd", commit=two, project=folder)
    builder = DockerBuilder(data_dir=str(hub.data))
    project = hub.layout.home("upd") / folder
    async with hub.client() as client:
        assert await builder.preview(first) is None, "there is no project yet"
        await client.start(first)
        same = await builder.preview(first)
        assert same and same.state is State.UNCHANGED
        await client.run("upd", "open('a.txt', 'w').write('mine')")
        await client.stop("upd")

        planned = await builder.preview(second)
        assert planned and planned.edited == ("a.txt",)
        assert (project / "b.txt").read_text() == "b1\n"
        events = await client.start(second)
        (told,) = [event["update"] for event in events if "update" in event]
        assert Update.from_fields(told).counts == planned.counts
        assert planned.counts == {What.BESIDE: 1, What.UPDATED: 1, What.ADDED: 1, What.REMOVED: 1}
        beside = f"a.incoming-{two.short}.txt"
        code = f"print([open(n).read() for n in ('a.txt', {beside!r}, 'b.txt', 'new/c.txt')])"
        seen = await client.run("upd", code)
        assert seen.output.strip() == str(["mine", "a2\n", "b2\n", "c\n"])
        owner = project.stat().st_uid
        assert {path.lstat().st_uid for path in project.rglob("*")} == {owner}
        await client.stop("upd")
        assert not [event for event in await client.start(second) if "update" in event]
        await client.stop("upd")
