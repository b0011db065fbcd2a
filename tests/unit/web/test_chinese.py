"""What goes wrong at the console is told in Chinese: every sentence that the code behind its pages raises has one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import evenhand
from evenhand.cases.words import CASE_WORDS
from evenhand.errors import BadInput, Conflict
from evenhand.web.console.chinese import DETAILS, sentence, told

_SOURCE = Path(evenhand.__file__).parent
_ERRORS = {"BadInput", "Conflict", "NotAllowed", "OutOfDate", "UnknownThing", "Refused", "ValueError"}
# What people at the console set off. Parties act through the API: what is said to them alone is not here.
_BEHIND = (
    "cases/actions.py",
    "cases/adjudication.py",
    "cases/machine.py",
    "casework/loading.py",
    "accounts/links/findings.py",
    "events/addresses.py",
    "events/deliveries.py",
    "events/types.py",
    "events/webhooks.py",
    "evidence/fresh.py",
    "money.py",
    "naming.py",
    "profiles.py",
    "web/accounts.py",
    "web/api.py",
    "web/guard.py",
    "web/lookup.py",
    "web/console/casework.py",
    "web/console/links.py",
    "web/console/site.py",
    "web/console/webhooks.py",
)
# Sentences put together of parts, as they come.
_WHOLE = {
    "{} is{} not a public address": "shop.test is 10.0.0.1, which is not a public address",
    "{}: webhooks go to the public internet": "10.0.0.1 is not a public address: webhooks go to the public internet",
    "policy {} has no {}": "policy taobao has no version '9'",
}
# An appeal is the parties'.
_PARTIES = {"appeal"}


def _raised(path: Path) -> Iterator[str]:
    """The sentences of a module's errors, with `{}` for what is filled in."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name in _PARTIES:
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _ERRORS and call.args:
                detail = call.args[1 if call.func.id == "Refused" and len(call.args) > 1 else 0]
                if isinstance(detail, ast.Constant):
                    yield str(detail.value)
                elif isinstance(detail, ast.JoinedStr):
                    yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in detail.values)


@pytest.mark.parametrize("module", _BEHIND)
def test_every_error_behind_a_page_has_its_chinese(module: str) -> None:
    raised = set(_raised(_SOURCE / module))
    assert raised
    said = {detail: _WHOLE.get(detail) or detail.replace("{}", "x") for detail in raised}
    assert {detail for detail, english in said.items() if sentence(english, "zh") == english} == set()


def test_nothing_in_the_list_is_english() -> None:
    for key, zh in DETAILS.items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh), key
        assert zh.count("{") <= key.count("{}"), key


def test_what_is_filled_in_is_chinese_where_it_is_a_word_of_ours() -> None:
    for states in (["escalated", "under_review"], ["opened"]):
        english = f"the case is closed now, and claim is possible only when it is {', '.join(states)}"
        said = told(Conflict(english, field="action"), "zh")
        assert said == (
            f"案件当前状态为“已结案”；“领取案件”只能在以下状态进行：{'、'.join(CASE_WORDS[one][1] for one in states)}"
        )
    english = "the case is escalated now, and confirm is possible only when it is under_review"
    assert "“同意并裁决”只能在以下状态进行" in told(Conflict(english, field="action"), "zh")
    assert told(BadInput("'12,x' is not an amount like 12.50", field="amount"), "zh").startswith("金额：“12,x”不是金额")
    promised = (
        'the policy promises never payer = "merchant", and the merchant has not accepted: rule subsidise or decline'
    )
    assert sentence(promised, "zh") == '规则承诺 never payer = "merchant"，而商家未同意承担：可裁决为平台补贴、拦截'


def test_english_stays_as_it_is_raised() -> None:
    assert told(BadInput("is required", field="why"), "en") == "why: is required"
    assert told(Conflict("a panel is voting on this case", field="action"), "en") == "a panel is voting on this case"


def test_what_nobody_translated_is_shown_as_it_is() -> None:
    assert sentence("something {odd} happened", "zh", field="odd.field") == "something {odd} happened"
