"""The rule-based writer: texts without a network and without a model, from sentences and tables.

It takes the built-in sentences and small situations of our own, and says them with openings,
closings and question words of an emotion's level, in a dialect's words, in a register. It is there
so that everything runs offline, and so that a model's texts have something to be held against.

What it cannot do. It knows some hundred and twenty situations a language, so a large set repeats
its themes (the report's distinct-n and self-BLEU say how much). Feeling stands beside a situation,
not in its words. English registers change contractions and openings, not the choice of words.
Japanese keigo is modest speech and requests by the ending alone, never speech that exalts others.
Cantonese and Sichuanese are Mandarin word by word with turns of phrase and particles of our own
lexicon, in simplified characters: no other word order, and what cannot be turned whole is left out.
There is no Korean. It was written and read by its makers, not by native speakers of each dialect.
"""

from lauter.teacher.writer.rules.writer import RuleWriter

__all__ = ["RuleWriter"]
