"""Whose files are these, and what happens to them?

Volumes, homes, projects and their update. Runs only as trusted code; never imports an
engine or the service.
"""
