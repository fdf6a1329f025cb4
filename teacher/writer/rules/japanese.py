"""Plain speech, teineigo and keigo by rule on the endings of Japanese sentences.

Open JTalk says what the last predicate is; its lemma and class give the other forms. Keigo is what
can be said of oneself, one's own and of things (teichougo: おります, まいります, ございます) and
polite requests; the speech that exalts others is left out, for it needs to know who is who: a
sentence that names somebody to be honoured is not turned. Nor is one whose ending no rule knows.
"""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Final

from lauter.teacher.writer.rules.conjugation import (
    Word,
    dictionary_form,
    negative,
    negative_past,
    past,
    stem_of,
    volitional,
    words_of,
)

_SENTENCE: Final = re.compile(r"([^。！？…]+)([。！？…]*)")
_POLITE: Final = re.compile(r"(です|ます|ました|ません|でした|ましょう|でしょう)$")
_POLITE_END: Final = re.compile(
    r"(です|ます|ました|ません|でした|ましょう|でしょう|ください)(か|ね|よ)?$"
)
_OTHERS: Final = re.compile(
    r"彼|あなた|君|さん|様|先生|教授|社長|お客|皆|みんな|あいつ|誰|相手|市長|医師|選手|警察"
)
_BLUNT: Final = re.compile(r"死|あいつ")
_MODEST: Final = {
    "いる": "おり", "くる": "まいり", "来る": "まいり", "ある": "ござい",
}  # fmt: skip
"""Verbs of which things and one's own are subjects as well as oneself."""
_MODEST_OF_ONESELF: Final = {
    "思う": "存じ", "言う": "申し", "食べる": "いただき", "飲む": "いただき", "もらう": "いただき",
    "見る": "拝見し", "する": "いたし",
}  # fmt: skip


def polite(text: str) -> str | None:
    """Return a text in teineigo; None where a sentence cannot be turned."""
    return _each(text, _polite)


def plain(text: str) -> str | None:
    """Return a text in plain speech; None where a sentence cannot be turned."""
    return _each(text, _plain)


def honorific(text: str) -> str | None:
    """Return a text in keigo, from teineigo; None where no sentence of it can be turned."""
    if _OTHERS.search(text):
        return None
    made = [
        (_honorific(body), body, end) for body, end in (found.groups() for found in _parts(text))
    ]
    if not any(keigo for keigo, _, _ in made):
        return None
    said = []
    for keigo, body, end in made:
        if keigo is None and not is_polite(body):
            return None
        said.append((keigo or body) + ("。" if keigo and keigo.endswith("でしょうか") else end))
    return "".join(said)


def is_blunt(text: str) -> bool:
    """Say whether a text has a word that has no place in keigo, such as the bare one for dying."""
    return _BLUNT.search(text) is not None


def is_polite(text: str) -> bool:
    """Say whether every sentence ends in teineigo."""
    return all(_POLITE_END.search(found[1]) for found in _parts(text))


def is_plain(text: str) -> bool:
    """Say whether every sentence ends in a predicate of plain speech."""
    return all(_polite(found[1]) not in (None, found[1]) for found in _parts(text))


def _parts(text: str) -> list[re.Match[str]]:
    return list(_SENTENCE.finditer(text))


def _each(text: str, turn: Callable[[str], str | None]) -> str | None:
    said = []
    for found in _parts(text):
        body, end = found.groups()
        other = turn(body)
        if other is None:
            return None
        said.append(other + end)
    return "".join(said)


@functools.lru_cache(maxsize=8192)
def _polite(body: str) -> str | None:
    if _POLITE.search(body):
        return body
    nodes = words_of(body)
    last = nodes[-1]
    if last.kind == "動詞" and last.written == last.lemma:
        return _joined(body, nodes, 1, stem_of(last), "ます")
    if last.kind == "形容詞" and last.written == last.lemma:
        if last.lemma == "ない" and len(nodes) > 1 and nodes[-2].kind == "助詞":
            return _joined(body, nodes, 1, "", "ありません")
        return body + "です"
    if last.written in ("て", "で") and last.finer == "接続助詞":
        return body + "ください"
    if last.finer == "形容動詞語幹" or last.lemma == "たい":
        return body + "です"
    if last.kind != "助動詞" or len(nodes) < 2:
        return None
    if last.written == "だ" and last.conjugation == "特殊・ダ":
        return _joined(body, nodes, 1, "", "です")
    if last.written in ("た", "だ"):
        return _polite_past(body, nodes)
    if last.written == "ない" and nodes[-2].kind == "動詞":
        return _joined(body, nodes, 2, stem_of(nodes[-2]), "ません")
    return None


def _polite_past(body: str, nodes: Sequence[Word]) -> str | None:
    before = nodes[-2]
    if before.kind == "動詞":
        return _joined(body, nodes, 2, stem_of(before), "ました")
    if before.lemma == "だ":
        return _joined(body, nodes, 2, "", "でした")
    if before.kind == "形容詞" or before.lemma == "たい":
        return body + "です"
    if before.lemma == "ない" and len(nodes) > 2 and nodes[-3].kind == "動詞":
        return _joined(body, nodes, 3, stem_of(nodes[-3]), "ませんでした")
    return None


@functools.lru_cache(maxsize=8192)
def _plain(body: str) -> str | None:
    said = _plain_end(body)
    # A sentence with two predicates of teineigo would be turned by half.
    rest = r"です|ます|ました|ません|でし|ござる|様"
    return None if said is None or re.search(rest, said) else said


def _plain_end(body: str) -> str | None:
    asks = body.endswith("か")
    core = body.removesuffix("か")
    nodes = words_of(core)
    ends = tuple(node.written for node in nodes)
    for tail, form in _POLITE_TAILS.items():
        if ends[-len(tail) :] == tail and len(ends) > len(tail):
            verb = nodes[-len(tail) - 1]
            said = form(verb) if verb.kind == "動詞" else None
            return _joined(core, nodes, len(tail) + 1, said, "")
    if ends[-2:] in (("て", "ください"), ("で", "ください")) and not asks:
        return _joined(core, nodes, 1, "", "")
    if ends[-1] == "です" and len(nodes) > 1:
        before = nodes[-2]
        bare = asks or before.kind == "形容詞" or before.lemma in ("たい", "ない", "た")
        return _joined(core, nodes, 1, "", "" if bare else "だ")
    if ends[-2:] == ("でし", "た") and not asks:
        return _joined(core, nodes, 2, "", "だった")
    if ends[-2:] == ("でしょ", "う"):
        return _joined(core, nodes, 2, "", "だろう")
    return None


_POLITE_TAILS: Final[dict[tuple[str, ...], Callable[[Word], str | None]]] = {
    ("ませ", "ん", "でし", "た"): negative_past,
    ("まし", "た"): past,
    ("ませ", "ん"): negative,
    ("ましょ", "う"): volitional,
    ("ます",): dictionary_form,
}
"""Tails of teineigo behind a verb, the longest first, and how plain speech says them."""


@functools.lru_cache(maxsize=8192)
def _honorific(body: str) -> str | None:
    if body.endswith("ないでください"):
        return body.removesuffix("でください") + "ようお願いいたします"
    if body.endswith(("てください", "でください")):
        return body.removesuffix("ください") + "いただけますでしょうか"
    if re.search(r"(で|じゃ)(は)?ありません$", body):
        return re.sub(r"(で|じゃ)(は)?ありません$", "ではございません", body)
    nodes = words_of(body)
    ends = tuple(node.written for node in nodes)
    if ends[-1] == "です" and len(nodes) > 1 and nodes[-2].kind == "名詞":
        return _joined(body, nodes, 1, "", "でございます")
    if ends[-2:] == ("でし", "た") and len(nodes) > 2 and nodes[-3].kind == "名詞":
        return _joined(body, nodes, 2, "", "でございました")
    for tail in _POLITE_TAILS:
        if ends[-len(tail) :] == tail and len(nodes) > len(tail):
            verb = nodes[-len(tail) - 1]
            modest = _modest(verb, nodes[: -len(tail) - 1])
            return _joined(body, nodes, len(tail) + 1, modest, "".join(tail))
    return None


def _modest(verb: Word, before: Sequence[Word]) -> str | None:
    """Return the stem before masu with which one speaks of oneself; None where there is none."""
    of_oneself = not any(node.written in ("は", "が") for node in before) or any(
        node.written == "私" for node in before
    )
    forms = _MODEST | (_MODEST_OF_ONESELF if of_oneself else {})
    lemma = "する" if verb.conjugation.startswith("サ変") else verb.lemma
    needs = lemma == "いる" and verb.conjugation.startswith("五段")  # 要る, written alike
    if verb.kind != "動詞" or lemma not in forms or needs:
        return None
    # サ変 words such as 発表する are one word in Open JTalk, or two.
    return (verb.lemma.removesuffix("する") if lemma == "する" else "") + forms[lemma]


def _joined(
    body: str, nodes: Sequence[Word], count: int, stem: str | None, tail: str
) -> str | None:
    """Return ``body`` with its last ``count`` words replaced by ``stem`` and ``tail``.

    What stays is cut from the text itself, for Open JTalk writes figures as numerals. None where
    there is no stem, or the words are not those of the text.
    """
    end = "".join(node.written for node in nodes[len(nodes) - count :])
    if stem is None or not body.endswith(end):
        return None
    return body[: len(body) - len(end)] + stem + tail
