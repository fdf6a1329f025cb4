"""Mandarin turned into Cantonese and Sichuanese: what is said otherwise, and what is left out."""

import re

import pytest

from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.teacher.writer.rules.chinese import turned
from lauter.teacher.writer.rules.word_tables import lexicon


@pytest.mark.parametrize(
    ("mandarin", "cantonese"),
    [
        ("打印机又没有纸了。", "打印机又冇纸喇。"),
        ("我宁愿走路，也不想再等公交车了。", "我宁愿行路，都唔想再等巴士喇。"),
        ("我们输了决赛", "我哋输咗决赛"),  # 了 within is aspect
        ("我们坐火车去北京。", "我哋坐火车去北京。"),
        ("他们在教室里看书。", "佢哋喺课室睇书。"),
        ("小兔子在洗耳朵", "兔仔洗紧耳仔"),  # being done, not a place
        ("“这么说你辞职了？”", "“噉讲你辞咗职？”"),  # so, as an adverb of manner
        ("“水已经烧开了，”他说", "“水已经滚咗，”佢讲"),
        ("可以刷卡吗？", "可唔可以刷卡呀？"),
        ("李娜会说法语、德语和一点日语。", "李娜识讲法语、德语同少少日语。"),
        ("你们什么时候回来？", "你哋几时返嚟呀？"),
        ("我的气球是一只小猪", "我个气球系一只猪仔"),  # the other word means breasts
        ("“你迟到了。”她说。", "“你迟到喇。”佢讲。"),
    ],
)
def test_cantonese_has_words_aspects_and_particles_of_its_own(
    mandarin: str, cantonese: str
) -> None:
    assert turned(mandarin, "yue") == cantonese


@pytest.mark.parametrize(
    ("mandarin", "sichuanese"),
    [
        ("打印机又没有纸了。", "打印机又莫得纸了。"),
        ("我没有坐过飞机。", "我没坐过飞机。"),  # 莫得 is for things
        ("谁在厨房里做饭？", "哪个在灶房头煮饭？"),
        ("你们什么时候回来？", "你们啥子时候回来？"),
        ("我们星期天去公园玩。", "我们星期天去公园耍。"),
        ("大家干得漂亮！", "大家搞得好！"),  # well done, not prettily
        (
            "警报一响，就从最近的楼梯离开，不要回去拿东西。",
            "警报一响，就从最近的楼梯离开，莫回去拿东西。",
        ),
    ],
)
def test_sichuanese_has_words_of_its_own(mandarin: str, sichuanese: str) -> None:
    assert turned(mandarin, "sichuan") == sichuanese


@pytest.mark.parametrize(
    "mandarin",
    [
        "天津比南京大吗？",  # another order of words
        "把纸对折一次，再对折一次，让四个角对齐。",
        "你锁门了吗？",
        "那是谁的自行车，怎么挂在我们家的树上？",
        "她以为没有人在听的时候，唱得多好听啊！",
    ],
)
def test_what_cantonese_would_only_say_by_half_is_left_out(mandarin: str) -> None:
    assert turned(mandarin, "yue") is None


def test_no_turned_text_has_a_word_that_betrays_mandarin() -> None:
    betrays = re.compile(r"[的吗他她们这那哪没很喝吃]|什么|怎么|(?<!唔)是(?!味)")
    count = 0
    for row in builtin_texts().to_pylist():
        if row["language"] == "zh" and (spoken := turned(row["text"], "yue")):
            assert not betrays.search(spoken.replace("的士", "")), spoken
            count += 1
    assert count > 50


def test_lexicons_are_tables_of_two_columns_without_repetition() -> None:
    for dialect in ("yue", "sichuan"):
        words = lexicon(dialect)
        assert all(mandarin and spoken for mandarin, spoken in words.items())
        assert len(words) > 100
