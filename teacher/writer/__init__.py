"""Who writes what is to be said: a model behind a chat endpoint, or rules without a network.

Section 5.1.1 of Step-Audio (arXiv 2502.11946): a text model writes and rewrites into the idiom of a
language or dialect, or so that a text expresses an emotion. Its templates were never published;
ours lie in ``templates/``, and those of the rules in ``rules/tables/``.
"""
