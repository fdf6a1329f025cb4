"""Texts as scorers compare them: what sounds the same is written the same.

A recogniser writes 7:45 where the prompt says *seven forty-five*; neither is wrong. Each language
has one form into which both are brought. What a form treats as equal, and what not, stands in
``pairs/<language>.tsv``, with the reason for each.
"""

from lauter.filters.normalisation.normalise import NORMALISED_LANGUAGES, fingerprint, normalise

__all__ = ["NORMALISED_LANGUAGES", "fingerprint", "normalise"]
