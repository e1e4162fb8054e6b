"""What people read in their language: catalogues, whose language it is, and saying it.

A sentence is English and knows what it was made of (:mod:`..core.sentences`). It is put into
another language where it is shown, by that language's catalogue: a `.po` file beside this module.
"""
