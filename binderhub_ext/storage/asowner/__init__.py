"""Looking into somebody's folders, reading and writing files there: by a program, as their owner.

A service that is root could read what the person may not, and would write past the limits that
the file system keeps for them. So it opens only the home or the volume, and hands that to a program
that first becomes the owner of the files and then walks on by descriptor, through no link.

What is asked is one line of JSON on the program's standard input, so that no list of processes
shows a name; for a file to be written its pieces follow, each with its size, and at last that it is
whole. It answers with one line of JSON; where a file is read, its bytes follow.

- `words`: what is asked and what is answered
- `work`: what is done, without a word to anybody
- `__main__`: the program
"""
