"""The page of a policy: everything that decides is on it, in words of both languages, and nothing in a document becomes HTML."""

import re
from html.parser import HTMLParser

import pytest

from evenhand.policy import Policy, PolicyError, shipped
from evenhand.policy.page import page
from evenhand.policy.types import BOOLEAN, Type, bounded, choice
from evenhand.policy.wording import Said, Wording, wording_of
from evenhand.vocabulary import INTEGRITY, REASONS, word

DOCUMENT = """---
policy: hostile
version: 1
effective: 2026-04-01
---
# A <script>alert(1)</script> title

Prose with <img src=x onerror=alert(1)>, ![a picture](https://example.com/x.png) and [a link](javascript:alert(1)).

| for <b>people</b> | of |
|---|---|
| <i>a</i> | b |

## Ruling "><script>
| F | application.remedy | → outcome | → because |
|---|--------------------|-----------|-----------|
| 1 | "refund_only"      | review    | a.reason  |
| 2 | -                  | decline   | a.reason  |

## Reasons
| code     | en                                      | zh                                    |
|----------|-----------------------------------------|---------------------------------------|
| a.reason | You <b>ask</b> {application.amount} & more. | 您申请{application.amount}<script>。 |

## Promises
- never `payer = "merchant"` <script>
"""


class Reader(HTMLParser):
    """The elements of a page, its texts, and whether its tags are closed in order."""

    VOID = frozenset({"meta", "input", "br", "hr", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(params=shipped(), ids=lambda policy: f"{policy.name}@{policy.version}")
def policy(request: pytest.FixtureRequest) -> Policy:
    return request.param


def test_a_page_is_whole_and_says_which_document_it_is(policy: Policy) -> None:
    read = Reader(page(policy))
    assert read.open == []
    day = policy.effective
    for said in (policy.title, policy.hash, policy.version, f"{day.year}年{day.month}月{day.day}日"):
        assert said in read.text
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in read.tags}


def test_every_row_reason_promise_and_example_is_there(policy: Policy) -> None:
    read = Reader(page(policy))
    rows = sum(tag == "tr" for tag, _ in read.tags)
    grids = [*policy.document.tables, *([policy.document.examples] if policy.document.examples else [])]
    assert rows >= sum(len(grid.rows) + 1 for grid in grids)
    for reason in policy.model.reasons.values():
        assert reason.code in read.text
        for sentence in (reason.en, reason.zh):
            for piece in re.split(r"\{[^}]*\}", sentence):
                assert piece in read.text
    for promise in policy.document.promises:
        assert all(piece in read.text for piece in re.findall("`([^`]+)`", promise.text))


def test_every_link_within_the_page_leads_somewhere_and_no_id_is_used_twice(policy: Policy) -> None:
    tags = Reader(page(policy)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {(attributes.get("href") or "")[1:] for tag, attributes in tags if tag == "a"}
    assert links
    assert links <= set(ids)


def test_choices_are_said_in_both_languages() -> None:
    text = Reader(page(Policy.load("1688@2025-03"))).text
    for value in ("quality", "not_as_described", "received", "good", "subsidise", "merchant_decides"):
        assert word(value, "en") in text
        assert word(value, "zh") in text
    for heading in ("裁决理由", "承诺", "示例", "生效日期", "账号诚信状态"):
        assert heading in text


def test_nothing_in_a_document_becomes_html() -> None:
    html = page(Policy.parse(DOCUMENT))
    read = Reader(html)
    assert read.open == []
    assert not {"script", "img", "b", "i"} & {tag for tag, _ in read.tags}
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    hrefs = [attributes.get("href") or "" for tag, attributes in read.tags if tag == "a"]
    assert all(href.startswith(("#", "https://example.com/")) for href in hrefs)
    assert "<script>alert(1)</script>" in read.text


TYPES: dict[str, Type] = {
    "application.reason": choice(REASONS),
    "application.amount": bounded("number", 1, 10**9, unit="money"),
    "buyer.integrity": choice(INTEGRITY, ordered=True),
    "merchant.experience_score": bounded("number", 0, 500, scale=2),
    "merchant.high_quality": BOOLEAN,
}


@pytest.mark.parametrize(
    ("column", "cell", "en", "zh"),
    [
        ("application.reason", "-", "any", "不限"),
        ("application.reason", '"quality", "damaged"', "quality problem, damaged", "质量问题、商品破损"),
        ("application.reason", 'not("other")', "anything but other", "除其他以外"),
        ("application.reason", "not(null)", "known", "已知"),
        ("merchant.experience_score", ">= 4.80", "at least 4.80", "不低于4.80"),
        ("merchant.experience_score", "[4.50..4.80)", "4.50 to under 4.80", "4.50至4.80（不含）"),
        ("merchant.experience_score", "(4.50..4.80]", "over 4.50 to 4.80", "高于4.50至4.80"),
        ("merchant.experience_score", "< 4.00, null", "under 4.00, unknown", "低于4.00、未知"),
        ("application.amount", "<= 8000", "at most 80.00 CNY", "不高于80.00 CNY"),
        ("buyer.integrity", '>= "good"', "good or better", "良好及以上"),
        ("merchant.high_quality", "true", "yes", "是"),
    ],
)
def test_cells_in_words(column: str, cell: str, en: str, zh: str) -> None:
    said = Wording(TYPES, "CNY").test(cell, column)
    assert (said.en, said.zh, said.code) == (en, zh, False)


@pytest.mark.parametrize(
    ("condition", "en", "zh"),
    [
        ('payer = "merchant"', "the payer is the merchant", "承担方为“商家”"),
        ("return_required = false", "the goods need not go back", "商品无需退回"),
        ("return_required != false", "the goods must go back", "商品需要退回"),
        ('not(application.reason = "other")', "reason is not other", "申请原因不为“其他”"),
        (
            'application.reason in ("quality", "damaged")',
            "reason is quality problem or damaged",
            "申请原因为“质量问题”或“商品破损”",
        ),
        ('buyer.integrity >= "good"', "account integrity is good or better", "账号诚信状态为良好及以上"),
        (
            'merchant.experience_score >= 4.80 and (payer = "none" or outcome = "decline")',
            "store experience score is at least 4.80 and (the payer is nobody or the outcome is intercepted)",
            "店铺体验分不低于4.80，且(承担方为“无”，或裁决结果为“拦截”)",
        ),
    ],
)
def test_conditions_in_words(condition: str, en: str, zh: str) -> None:
    said = Wording(TYPES, "CNY").condition(condition)
    assert (said.en, said.zh, said.code) == (en, zh, False)


@pytest.mark.parametrize("formula", ["application.amount / 2 > 10", "abs(-1) = 1", "not(1 = 1 and 2 = 2)", "1 +"])
def test_what_has_no_simple_wording_is_shown_as_it_is_written(formula: str) -> None:
    said = Wording(TYPES, "CNY").condition(formula)
    assert (said.en, said.code) == (formula, True)


def test_pages_in_chinese_have_chinese_titles_tables_and_values(policy: Policy) -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    assert chinese.search(policy.title_in("zh"))
    assert policy.title_in("en") == policy.title
    words = wording_of(policy)
    for grid in policy.document.tables:
        assert chinese.search(policy.called(grid.heading, "zh")), grid.heading
        for cell in grid.header[1:]:
            name = cell.text.removeprefix("→").partition(":")[0].strip()
            assert chinese.search(words.name(name).zh), name
    for name, (_, output) in policy.model.outputs.items():
        for value in output.type.values if name != "because" else ():
            assert chinese.search(words.value(f'"{value}"', name).zh), value


NAMED = """---
policy: named
version: 1
effective: 2026-04-01
title_zh: 自己的规则
---
# A policy of one's own

## Parcel weight
| F | application.remedy | → parcel: "light", "heavy" |
|---|--------------------|----------------------------|
| 1 | "refund_only"      | "light"                    |
| 2 | -                  | "heavy"                    |

## Ruling
| F | parcel  | → outcome | → because |
|---|---------|-----------|-----------|
| 1 | "light" | review    | a.reason  |
| 2 | -       | decline   | a.reason  |

## Reasons
| code     | en   | zh   |
|----------|------|------|
| a.reason | So.  | 是。 |

## Names
| name          | zh   |
|---------------|------|
| Parcel weight | 包裹 |
| parcel        | 重量 |
| light         | 轻   |
"""


def test_a_document_gives_chinese_names_to_its_own_things() -> None:
    policy = Policy.parse(NAMED)
    assert policy.title_in("zh") == "自己的规则"
    assert (policy.called("Parcel weight", "zh"), policy.called("Ruling", "zh")) == ("包裹", "裁决")
    words = wording_of(policy)
    assert (words.name("parcel").zh, words.test('"light"', "parcel").zh) == ("重量", "轻")
    assert words.test('"heavy"', "parcel") == Said("heavy", "heavy")
    for wrong, message in (
        ("| lihgt         | 轻   |", "has no table, output or value 'lihgt' (did you mean light?)"),
        ("| light         |      |", "'light' has no Chinese name"),
        ("| parcel        | 轻   |", "'parcel' is named twice"),
    ):
        with pytest.raises(PolicyError, match=re.escape(message)):
            Policy.parse(NAMED.replace("| light         | 轻   |", wrong))
