"""What postBuild leaves in the repository's folder is in each person's new project."""

from __future__ import annotations

from sandboxhub import SandboxHub

POST_BUILD = """#!/bin/sh
mkdir -p data
echo built > data/made.txt
echo changed > readme.txt
"""
FILES = {"readme.txt": "from the repository", "postBuild": POST_BUILD}
READ = "print(open('readme.txt').read(), open('data/made.txt').read())"


async def test_files_of_a_build_come_with_a_new_project(sandbox_hub: SandboxHub) -> None:
    image = sandbox_hub.build(FILES)
    commit, project = sandbox_hub.repository(FILES, "o/made")
    async with sandbox_hub.client() as client:
        for person in ("mia", "max"):
            launch = sandbox_hub.launch(person, commit=commit, project=project, image=image)
            events = await client.start(launch)
            notes = [note for event in events for note in event.get("update", {}).get("notes", ())]
            assert notes == ["Files that the build made came with it: 1."], events
            told = await client.run(person, f"{READ}; open('data/made.txt', 'a').write('mine')")
            assert told.output.split() == ["from", "the", "repository", "built"], told
            await client.stop(person)
        await client.start(launch)
        assert (await client.run("max", READ)).output.split()[-2:] == ["built", "mine"]
        await client.stop("max")
