"""HTTP: a handler parses, calls one thing, answers. No policy, naming or engine in here."""
