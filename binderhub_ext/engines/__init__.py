"""Where is it built, kept and run?

`base` is the interface, `spawner` the part every engine's spawner shares; each engine is a
folder of its own, found by entry point, and no engine imports another.
"""
