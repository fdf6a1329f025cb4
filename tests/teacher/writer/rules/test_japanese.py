"""Plain speech, teineigo and keigo by the ending of the sentence."""

import pytest

from lauter.teacher.writer.rules.japanese import (
    honorific,
    is_blunt,
    is_plain,
    is_polite,
    plain,
    polite,
)

PAIRS = [
    ("妹が明日帰ってくる。", "妹が明日帰ってきます。"),
    ("試験に受かった！", "試験に受かりました！"),
    ("駅前に図書館ができた。", "駅前に図書館ができました。"),
    ("大人の体には骨が206本ある。", "大人の体には骨が206本あります。"),
    ("電車が遅れている。", "電車が遅れています。"),
    ("誰も思わなかった。", "誰も思いませんでした。"),
    ("橋は渡らない。", "橋は渡りません。"),
    ("16キロを5時間で泳いだ。", "16キロを5時間で泳ぎました。"),
    ("ピアノを五階まで運んだ。", "ピアノを五階まで運びました。"),
    ("ベネチアに行った。", "ベネチアに行きました。"),
    ("政府は計画を発表する。", "政府は計画を発表します。"),
    ("明日は雨だ。", "明日は雨です。"),
    ("夏の間ずっと雨だった。", "夏の間ずっと雨でした。"),
    ("ベルリンは大きい。", "ベルリンは大きいです。"),
]


@pytest.mark.parametrize(("simple", "courteous"), PAIRS)
def test_plain_and_polite_are_turned_into_each_other(simple: str, courteous: str) -> None:
    assert polite(simple) == courteous
    assert plain(courteous) == simple
    assert is_polite(courteous) and not is_polite(simple)
    assert is_plain(simple) and not is_plain(courteous)


@pytest.mark.parametrize(
    ("courteous", "keigo"),
    [
        ("部屋は12階です。", "部屋は12階でございます。"),
        ("電車が遅れています。", "電車が遅れております。"),
        ("大人の体には骨が206本あります。", "大人の体には骨が206本ございます。"),
        ("猫が帰ってきません。", "猫が帰ってまいりません。"),
        ("雨が降る前に窓を閉めてください。", "雨が降る前に窓を閉めていただけますでしょうか。"),
        ("下を見ないでください。", "下を見ないようお願いいたします。"),
        ("これは売り物ではありません。", "これは売り物ではございません。"),
    ],
)
def test_keigo_is_modest_and_asks_kindly(courteous: str, keigo: str) -> None:
    assert honorific(courteous) == keigo


@pytest.mark.parametrize(
    "courteous",
    [
        "彼は毎日新聞を読んでいます。",  # who would have to be exalted
        "田中先生は午後に電話をくださいます。",
        "この料理には小麦粉が250グラムいります。",  # needs, not is
        "裁判所は契約を無効としました。",  # modest for somebody else
        "葉が全部落ちました。",
    ],
)
def test_what_has_no_keigo_by_rule_is_left_out(courteous: str) -> None:
    assert honorific(courteous) is None


@pytest.mark.parametrize("courteous", ["うちの犬が死にました。", "あいつがまた猫を蹴りました。"])
def test_blunt_words_have_no_place_in_keigo(courteous: str) -> None:
    assert is_blunt(courteous) and not is_blunt("猫が帰ってまいりません。")


def test_a_sentence_that_would_be_turned_by_half_is_left_out() -> None:
    assert plain("窓を開けてもいいですか、それとも寒いですか？") is None
    assert plain("山本様、おはようございます。") is None
    assert polite("ありがとう、マリア。") is None
