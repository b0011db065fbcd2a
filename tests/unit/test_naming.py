"""Where names are found: in texts of the person's own cases, and in those about others."""

import pytest

from evenhand.errors import BadInput
from evenhand.naming import person, same_person
from evenhand.spelling import Name

HIDDEN = ["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2066", "\ufe0f", "\u3164", "\u034f", "\u2800", "\x07"]


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("张伟", "张伟说杯子裂了，请张 伟补拍照片。", "X说杯子裂了，请X补拍照片。"),
        ("张伟", "姓名：张　伟  电话：无", "姓名：X  电话：无"),
        ("李娜", "已联系李娜女士（李娜），同意退款50元", "已联系X女士（X），同意退款50元"),
        ("欧阳娜娜", "经核实，欧阳娜娜并未寄出空包裹", "经核实，X并未寄出空包裹"),
        ("Bob", "bob says BOB is ＢＯＢ, not Bobby or kebob", "X says X is X, not Bobby or kebob"),
        ("Bob", "买家Bob说没收到", "买家X说没收到"),
        ("Zoë", "Zoe\u0308 wrote, and zoë again; Zoëlle did not", "X wrote, and X again; Zoëlle did not"),
        ("李2", "李2 and 李２, but not 李23", "X and X, but not 李23"),
        ("김철수", "김철수가 보냈습니다", "X가 보냈습니다"),
        ("wang-8472", "Wang-8472 has written, wang-84720 has not", "X has written, wang-84720 has not"),
        # they stand in sentences about other things
        ("12", "within 12 days", "within 12 days"),
        ("a", "a cup", "a cup"),
        ("伟", "伟大的商品", "伟大的商品"),
    ],
)
def test_in_its_own_cases_a_name_goes_however_it_is_written(name: str, text: str, left: str) -> None:
    assert Name(name).replaced(text, "X", mine=True) == left


def test_what_is_only_a_part_of_anothers_name_stays() -> None:
    name = Name("张伟", ["张伟明家居", "store-1"])
    assert name.replaced("张伟向张伟明家居买了杯子", "X", mine=True) == "X向张伟明家居买了杯子"


@pytest.mark.parametrize(
    ("name", "left"), [("张伟", "张伟"), ("欧阳娜娜", "欧阳娜娜"), ("Bob", "Bob"), ("wang-8472", "X")]
)
def test_where_others_are_spoken_of_only_a_name_nobody_else_bears_goes(name: str, left: str) -> None:
    assert Name(name).replaced(f"the same as with {name}.", "X", mine=False) == f"the same as with {left}."
    assert Name(name).replaced(name, "X", mine=False) == left


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("wang-8472", "WANG-8472, ＷＡＮＧ-８４７２ and Wang-8472; not wang-84720", "X, X and X; not wang-84720"),
        ("Zoë.Lang", "as ZOË.LANG says", "as X says"),
        ("张伟1990", "同张伟１９９０", "同X"),
        # in other case a single word is a word like any other
        ("Will", "Will you? I will, says Will.", "X you? I will, says X."),
        ("Rose Garden", "a rose garden", "a X"),
    ],
)
def test_elsewhere_another_spelling_goes_too_unless_it_is_a_word_like_any_other(
    name: str, text: str, left: str
) -> None:
    assert Name(name).replaced(text, "X", mine=False) == left


def test_texts_that_hold_another_spelling_are_like_one_of_those_that_are_looked_for() -> None:
    for text in ("WANG-8472", "Wang-8472", "ｗａｎｇ－８４７２", "ＷＡＮＧ－８４７２"):
        small = "".join(one.lower() if one.isascii() else one for one in text)
        assert small in Name("wang-8472").spellings, text
    assert Name("Will").spellings == ["will"]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_character_that_nobody_sees_makes_no_other_person(hidden: str) -> None:
    for name in (f"Anna Lee{hidden}", f"An{hidden}na Lee", f"Anna {hidden} Lee", f"{hidden}ＡＮＮＡ　lee"):
        assert same_person("Anna Lee", name), name
        with pytest.raises(BadInput, match=f"holds U\\+{ord(hidden):04X}, which cannot be seen"):
            person(name, "by")
    with pytest.raises(BadInput, match="cannot be seen"):
        person(hidden)
    assert not same_person("Anna Lee", "Anne Lee")


def test_a_person_has_a_name() -> None:
    assert [person(name) for name in (" Anna  Lee ", "张　伟", "Zoe\u0308")] == ["Anna Lee", "张 伟", "Zoe\u0308"]
    for name in ("", " ", "\u3000\t", "x" * 121):
        with pytest.raises(BadInput, match="say who it is") as caught:
            person(name, "by.id")
        assert caught.value.field == "by.id"
