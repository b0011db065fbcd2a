"""Cells and conditions of a document in words, English and Chinese, for people who do not read FEEL.

What a document names itself is said as the document calls it. Anything that has no simple wording (arithmetic,
functions) is shown as it is written: words that are nearly right would be worse than a formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from evenhand.money import written
from evenhand.policy import syntax
from evenhand.policy.names import chinese
from evenhand.policy.parser import parse_expression, parse_test
from evenhand.policy.syntax import CellError
from evenhand.policy.types import Type
from evenhand.vocabulary import FACTS, Lang, word

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

# The parts of a ruling, as columns and conditions name them.
PARTS: Final[Mapping[str, Mapping[Lang, str]]] = {
    "outcome": {"en": "outcome", "zh": "裁决结果"},
    "payer": {"en": "who pays", "zh": "承担方"},
    "amount": {"en": "amount refunded", "zh": "退款金额"},
    "return_required": {"en": "goods go back", "zh": "需要退货"},
    "respond_within_hours": {"en": "answer within", "zh": "答复时限"},
    "because": {"en": "reason", "zh": "裁决理由"},
}
_COMPARED: Final[Mapping[Lang, Mapping[str, str]]] = {
    "en": {"<": "under {}", "<=": "at most {}", ">": "over {}", ">=": "at least {}"},
    "zh": {"<": "低于{}", "<=": "不高于{}", ">": "高于{}", ">=": "不低于{}"},
}
_RANKED: Final[Mapping[Lang, Mapping[str, str]]] = {
    "en": {">=": "{} or better", "<=": "{} or worse"},
    "zh": {">=": "{}及以上", "<=": "{}及以下"},
}
# How a sentence calls them.
_SUBJECTS: Final[Mapping[str, str]] = {"outcome": "the outcome", "payer": "the payer", "amount": "the amount refunded"}
_GOES_BACK: Final[Mapping[object, Mapping[Lang, str]]] = {
    True: {"en": "the goods must go back", "zh": "商品需要退回"},
    False: {"en": "the goods need not go back", "zh": "商品无需退回"},
}
# Values that mean something else than elsewhere.
_OF_PART: Final[Mapping[tuple[str, object], Mapping[Lang, str]]] = {
    ("payer", "none"): {"en": "nobody", "zh": "无"},
    ("payer", "platform"): {"en": "the platform", "zh": "平台"},
    ("payer", "merchant"): {"en": "the merchant", "zh": "商家"},
    ("order.category", "fresh"): {"en": "fresh (perishable)", "zh": "生鲜"},
}
_COMMA: Final[Mapping[Lang, str]] = {"en": ", ", "zh": "、"}


class _Unsayable(Exception):
    """There is no simple wording."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something in both languages; `code` when it is the text of the document in both."""

    en: str
    zh: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """Says what a document means by its cells.

    `types` are those of the facts and outputs, by name; `names` what the document calls its own things in Chinese.
    """

    types: Mapping[str, Type]
    currency: str | None
    names: Mapping[str, str] = field(default_factory=dict[str, str])

    def name(self, name: str) -> Said:
        """What a fact, an output or a part of the ruling is called."""
        return Said(self._name(name, "en"), self._name(name, "zh"))

    def test(self, text: str, column: str) -> Said:
        """An input cell of a column headed `column`."""
        kind = self.types.get(column)
        try:
            node = parse_test(text)
            return Said(self._test(node, kind, column, "en"), self._test(node, kind, column, "zh"))
        except (CellError, _Unsayable):
            return Said(text, text, code=True)

    def value(self, text: str, column: str) -> Said:
        """An output cell, or an example's value, of a column named `column`."""
        kind = self.types.get(column)
        try:
            node = parse_expression(text)
            if column == "respond_within_hours" and isinstance(node, syntax.Literal) and node.value is not None:
                return Said(f"{node.value} h", f"{node.value}小时")
            if isinstance(node, syntax.Name) and node.value not in self.types:
                node = syntax.Literal(node.value)
            return Said(self._value(node, kind, column, "en"), self._value(node, kind, column, "zh"))
        except (CellError, _Unsayable):
            return Said(text, text, code=True)

    def condition(self, text: str) -> Said:
        """A condition, such as a promise's."""
        try:
            node = parse_expression(text)
            return Said(self._condition(node, "en"), self._condition(node, "zh"))
        except (CellError, _Unsayable):
            return Said(text, text, code=True)

    def _name(self, name: str, lang: Lang) -> str:
        if name in PARTS:
            return PARTS[name][lang]
        if name in FACTS:
            return FACTS[name].zh if lang == "zh" else FACTS[name].en
        return self._own(name, lang)

    def _own(self, name: str, lang: Lang) -> str:
        said = chinese(self.names, name) if lang == "zh" else name
        return said.replace("_", " ") if said == name else said

    def _subject(self, name: str, lang: Lang) -> str:
        return _SUBJECTS[name] if lang == "en" and name in _SUBJECTS else self._name(name, lang)

    def _value(self, node: syntax.Expression, kind: Type | None, of: str, lang: Lang) -> str:
        match node:
            case syntax.Literal(value=Decimal() as number):
                if kind and kind.unit == "money" and number == int(number):
                    return written(int(number), self.currency or "XXX")
                return f"{number:,}"
            case syntax.Literal(value=value):
                if (of, value) in _OF_PART:
                    return _OF_PART[of, value][lang]
                said = word(value, lang)
                return (self._own(said, lang) if said == value else said) or '""'
            case syntax.Negate(operand=syntax.Literal(value=Decimal() as number)):
                return f"-{number:,}"
            case syntax.Name(value=name):
                return self._name(name, lang)
            case _:
                raise _Unsayable

    def _test(self, node: syntax.Test, kind: Type | None, of: str, lang: Lang) -> str:
        match node:
            case syntax.Anything():
                return "any" if lang == "en" else "不限"
            case syntax.Equal(value=value):
                return self._value(value, kind, of, lang)
            case syntax.Compare(operator=operator, value=value):
                said = self._value(value, kind, of, lang)
                if kind and kind.ordered and operator in _RANKED[lang]:
                    return _RANKED[lang][operator].format(said)
                return _COMPARED[lang][operator].format(said)
            case syntax.Interval(low=low, high=high):
                first, last = self._value(low, kind, of, lang), self._value(high, kind, of, lang)
                if lang == "en":
                    return f"{'over ' if node.low_open else ''}{first} to {'under ' if node.high_open else ''}{last}"
                return f"{'高于' if node.low_open else ''}{first}至{last}{'（不含）' if node.high_open else ''}"
            case syntax.AnyOf(tests=tests):
                return _COMMA[lang].join(self._test(test, kind, of, lang) for test in tests)
            case syntax.Not(tests=tests):
                inner = _COMMA[lang].join(self._test(test, kind, of, lang) for test in tests)
                if inner == word(None, lang):
                    return "known" if lang == "en" else "已知"
                return f"anything but {inner}" if lang == "en" else f"除{inner}以外"

    def _condition(self, node: syntax.Expression, lang: Lang) -> str:
        match node:
            case syntax.Binary(operator="and" | "or" as joint, left=left, right=right):
                sides = [self._condition(side, lang) for side in (left, right)]
                for place, side in enumerate((left, right)):
                    if joint == "and" and isinstance(side, syntax.Binary) and side.operator == "or":
                        sides[place] = f"({sides[place]})"
                joined = {"en": f" {joint} ", "zh": "，且" if joint == "and" else "，或"}[lang]
                return joined.join(sides)
            case syntax.Binary(operator=operator, left=syntax.Name(value=name), right=right):
                return self._comparison(name, operator, right, lang)
            case syntax.Within(value=syntax.Name(value=name), test=syntax.AnyOf(tests=tests)):
                said = [self._test(test, self.types.get(name), name, lang) for test in tests]
                if lang == "en":
                    return f"{self._subject(name, lang)} is {' or '.join(said)}"
                return f"{self._subject(name, lang)}为{'或'.join(f'“{one}”' for one in said)}"
            case syntax.Within(value=syntax.Name(value=name), test=test):
                said = self._test(test, self.types.get(name), name, lang)
                subject = self._subject(name, lang)
                return f"{subject} is {said}" if lang == "en" else f"{subject}为{said}"
            case syntax.Call(function="not", arguments=(inner,)):
                return self._condition(_negated(inner), lang)
            case _:
                raise _Unsayable

    def _comparison(self, name: str, operator: str, right: syntax.Expression, lang: Lang) -> str:
        subject, kind = self._subject(name, lang), self.types.get(name)
        if name == "return_required" and isinstance(right, syntax.Literal) and right.value in (True, False):
            return _GOES_BACK[right.value == (operator == "=")][lang]
        if operator in ("=", "!="):
            said = self._value(right, kind, name, lang)
            if lang == "en":
                return f"{subject} is {said}" if operator == "=" else f"{subject} is not {said}"
            return f"{subject}为“{said}”" if operator == "=" else f"{subject}不为“{said}”"
        if operator not in _COMPARED[lang]:
            raise _Unsayable
        said = self._test(syntax.Compare(operator, right), kind, name, lang)
        if lang == "en":
            return f"{subject} is {said}"
        return f"{subject}为{said}" if kind and kind.ordered else f"{subject}{said}"


def wording_of(policy: "Policy") -> Wording:
    """The wording of a policy's document."""
    model = policy.model
    types: dict[str, Type] = dict(model.facts) | {name: output.type for name, (_, output) in model.outputs.items()}
    types |= {name: expr.type for name, expr in model.ruling.items() if name not in types}
    return Wording(types, policy.currency, policy.document.names)


def _negated(node: syntax.Expression) -> syntax.Expression:
    """The opposite of a simple comparison."""
    match node:
        case syntax.Binary(operator="="):
            return syntax.Binary("!=", node.left, node.right)
        case syntax.Within(value=value, test=syntax.AnyOf(tests=tests)):
            return syntax.Within(value, syntax.Not(tests))
        case _:
            raise _Unsayable
