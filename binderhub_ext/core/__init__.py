"""What are we talking about, and is it allowed?

Words (frozen dataclasses), grammars, names, keys, policy. Pure: no input or output, no
clock unless it is an argument, no tornado, traitlets, jupyterhub or database. Everything
that crosses the door of another room is defined here.
"""
