"""Reading aloud: numerals, dates, times and prices become the words a reader says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.studio import reading


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2024年3月15日", "二零二四年三月十五日"),
        ("2024-05-06", "二零二四年五月六日"),
        ("10年", "十年"),
        ("下午3:45", "下午三点四十五分"),
        ("2:05", "两点零五分"),
        ("２２：００", "二十二点"),
        ("比分是3:2", "比分是三比二"),
        ("25.5℃", "二十五点五摄氏度"),
        ("-5℃", "负五摄氏度"),
        ("12.5%", "百分之十二点五"),
        ("¥1,250", "一千二百五十元"),
        ("$20", "二十美元"),
        ("¥1.5万", "一点五万元"),
        ("2个人", "两个人"),
        ("2月2日", "二月二日"),
        ("2.5小时", "二点五小时"),
        ("3/4", "四分之三"),
        ("100~200元", "一百到二百元"),
        ("13812345678", "一三八一二三四五六七八"),
        ("010-62345678", "零一零六二三四五六七八"),
        ("007", "零零七"),
        ("5km", "五公里"),
        ("第Ⅲ章", "第三章"),
        ("1+1=2", "一加一等于二"),
    ],
)
def test_mandarin_numerals_become_words(written: str, said: str) -> None:
    assert reading.mandarin(written) == said


@given(st.text(alphabet="0123456789.:,/-~%¥$年月日时个 万第℃km", max_size=30))
def test_mandarin_leaves_no_numeral_unread(text: str) -> None:
    assert not any(character.isdigit() for character in reading.mandarin(text))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("午後3:45に", "午後3時45分に"),
        ("2:1で勝つ", "2対1で勝つ"),
        ("1,980円", "1980円"),
        ("$20と¥50", "20ドルと50円"),
        ("3/4", "4分の3"),
        ("5〜6人", "5から6人"),
        ("2024/3/15", "2024年3月15日"),
        ("−5度", "マイナス5度"),
        ("tom@example.com", "tomアットexampleドットcom"),
        ("第Ⅲ章", "第3章"),
    ],
)
def test_signs_that_open_jtalk_skips_become_words(written: str, said: str) -> None:
    assert reading.japanese(written) == said
