"""A policy: a document that has been understood and compiled, ready to rule."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from evenhand.errors import BadInput, UnknownThing
from evenhand.policy.build import build
from evenhand.policy.document import Document, read
from evenhand.policy.errors import Fault, PolicyError, suggestion
from evenhand.policy.names import chinese
from evenhand.policy.picking import compile_picker
from evenhand.policy.reasons import NO_REASON_GIVEN, NO_ROW, Teller, placeholders, teller
from evenhand.policy.row import Row, compile_row
from evenhand.policy.ruling import Ruling, TraceStep
from evenhand.policy.tracing import compile_trace, compile_trace_text, outward_all
from evenhand.policy.types import Type
from evenhand.policy.values import nested
from evenhand.vocabulary import Lang

if TYPE_CHECKING:
    from evenhand.policy.proof.diff import Diff
    from evenhand.policy.proof.exploit import Lie
    from evenhand.policy.proof.recourse import Recourse
    from evenhand.policy.proof.report import Report

_MAX_FILE: Final = 4_000_000
# of a ruling, in the order of its fields
_PARTS: Final = ("outcome", "payer", "return_required", "amount", "respond_within_hours")
Facts = Mapping[str, Any]


class Policy:
    """A compiled policy document. Ruling is a pure function of the facts."""

    def __init__(self, document: Document) -> None:
        """Understand and compile a document; raises `PolicyError` with every fault in it."""
        self.document = document
        self.model, self.examples = build(document)
        self._row: Row = compile_row(self.model)
        self._decide = self._row.decide
        # where outputs and parts of the ruling stand in the row function's answer
        self._places = {**self._row.parts, **self._row.outputs}
        self._reasons = self._tellers()
        self._trace = compile_trace(self.model, self._row)
        self._trace_text = compile_trace_text(self.model, self._row)
        self._parts = itemgetter(*(self._row.parts[part] for part in _PARTS)) if self.model.ruling else None
        self._because, self._silence = self._row.parts.get("because", 0), self._row.parts.get("on_silence")
        self._hit = self._row.hits[self.model.deciding.name] if self.model.deciding else 0

    @classmethod
    def parse(cls, source: str, file: str = "policy.md") -> "Policy":
        """Compile the text of a document; `file` names it in errors."""
        return cls(read(source, file))

    @classmethod
    def load(cls, name: str | Path, at: date | None = None) -> "Policy":
        """A shipped policy by name (`1688`, `1688@2025-03`), or a document from a file.

        Of a name alone, the version in force on the day `at`, the newest unless told. Raises `UnknownThing` when there is no such
        policy, `PolicyError` when the document is wrong.
        """
        at = at.date() if isinstance(at, datetime) else at
        text = str(name)
        named = [policy for policy in shipped() if policy.name == text.partition("@")[0]]
        if named and not isinstance(name, Path) and "/" not in text:
            return _chosen(named, text.partition("@")[2], at)
        path = Path(name)
        try:
            if not path.exists():
                names = sorted({policy.name for policy in shipped()})
                raise UnknownThing(
                    f"there is no policy or file {text!r}{suggestion(text, names)}; shipped are {', '.join(names)}",
                    field="policy",
                )
            if path.stat().st_size > _MAX_FILE:
                raise PolicyError(text, [Fault(1, 1, f"a policy document may hold {_MAX_FILE:,} bytes")])
            source = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise PolicyError(text, [Fault(1, 1, f"the document is not UTF-8 (byte {error.start})")]) from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UnknownThing(f"cannot read {text!r}: {reason}", field="policy") from None
        return _in_force(cls.parse(source, text), at)

    name = property(lambda self: cast("str", self.model.name))
    version = property(lambda self: cast("str", self.model.version))

    @property
    def effective(self) -> date:
        """First day it rules, in the market's time zone."""
        return self.model.effective

    @property
    def anchor(self) -> str:
        """Which moment picks the version: "application" or "order"."""
        return self.model.anchor

    @property
    def currency(self) -> str | None:
        return self.model.currency

    @property
    def title(self) -> str:
        return self.model.title

    def title_in(self, lang: Lang) -> str:
        """The title in a language; English where the document has no other."""
        return self.title if lang == "en" else self.document.title_zh or self.called(self.title, lang)

    def called(self, name: str, lang: Lang) -> str:
        """What a heading, an output or a value of the document's own is called in a language."""
        return name if lang == "en" else chinese(self.document.names, name)

    @property
    def source(self) -> str:
        """The document, word for word."""
        return self.document.source

    @property
    def file(self) -> str:
        return self.document.file

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the document, in hexadecimal."""
        return sha256(self.source.encode()).hexdigest()

    @property
    def row_source(self) -> str:
        """The Python it was compiled to."""
        return self._row.source

    def sql(self, dialect: str) -> str:
        """A SELECT list for "duckdb", "spark" or "postgres" over columns named like the facts; see `evenhand.policy.columns`."""
        from evenhand.policy.columns import select_list  # sqlglot takes its time to load

        return select_list(self.model, dialect)

    def query(self, dialect: str, table: str, keep: Iterable[str] = ()) -> str:
        """The same as a whole SELECT from a table, often faster; `keep` are columns of the table to put in front."""
        from evenhand.policy.columns import query

        return query(self.model, dialect, table, keep)

    def check(self, seconds: float | None = None, progress: Callable[[int, int], None] | None = None) -> "Report":
        """Look for everything that can be wrong, and prove every promise; see `evenhand.policy.proof`.

        Bounded by `seconds` (30 unless told); `progress` is called with the parts done and the parts in all. Raises `PolicyError`
        when a promise cannot be read.
        """
        from evenhand.policy.proof.check import SECONDS, check  # the provers take their time to load

        return check(self, SECONDS if seconds is None else seconds, progress)

    def diff(
        self,
        other: "Policy",
        seconds: float | None = None,
        *,
        reasons: bool = False,
        history: Iterable[Facts] | None = None,
    ) -> "Diff":
        """The applications that `other` rules differently, in regions; or the proof that there are none.

        With `reasons`, other reason codes are differences too; over a `history` of facts it is counted what changes. Raises
        `BadInput` where the two cannot be compared, or no prover has an answer in time.
        """
        from evenhand.policy.proof.diff import SECONDS, diff

        return diff(self, other, SECONDS if seconds is None else seconds, reasons=reasons, history=history)

    def recourse(self, facts: Facts, changeable: tuple[str, ...] | None = None) -> "Recourse":
        """What would have to be different for a better ruling, among the facts that this person can change.

        Raises `BadInput` as `rule` does.
        """
        from evenhand.policy.proof.recourse import recourse

        return recourse(self, facts, changeable)

    def exploits(self) -> "tuple[Lie, ...]":
        """The cheapest lies that win a refund without a return; `evenhand.policy.proof.exploit.costs` says what they cost.

        Raises `BadInput` where that cannot be said.
        """
        from evenhand.policy.proof.exploit import exploits

        return exploits(self)

    def rule(self, facts: Facts, currency: str | None = None) -> Ruling:
        """Rule one set of nested facts; what is missing is null.

        `currency` (ISO 4217) is what the reasons write amounts in. Raises `BadInput` naming the fact that is unknown,
        of the wrong type or out of range.
        """
        return self.rule_trusted(nested(facts, self.model.facts, self._needed), currency)

    def rule_many(self, facts: Iterable[Facts], currency: str | None = None) -> list[Ruling]:
        """Rule many; raises as `rule`, with the place in the list."""
        rulings: list[Ruling] = []
        for index, one in enumerate(facts):
            try:
                rulings.append(self.rule(one, currency))
            except BadInput as error:
                raise BadInput(
                    error.detail, field=f"[{index}].{error.field}" if error.field else f"[{index}]"
                ) from None
        return rulings

    def rule_trusted(self, facts: Facts, currency: str | None = None) -> Ruling:
        """Rule facts that are complete and of the right types already, as the desk builds them."""
        answer = self._decide(facts)
        return self._ruling(facts, answer, currency, self._trace(facts, answer))

    def rule_told(self, facts: Facts, currency: str | None = None) -> tuple[Ruling, str]:
        """The same, with the trace beside the ruling, as JSON text: what the desk stores and answers."""
        answer = self._decide(facts)
        return self._ruling(facts, answer, currency, []), self._trace_text(facts, answer)

    def _ruling(self, facts: Facts, answer: tuple[Any, ...], currency: str | None, trace: list[TraceStep]) -> Ruling:
        model = self.model
        if self._parts is None:
            raise BadInput(f"{model.name} decides no outcome: it is a scorecard, not a policy", field="policy")
        deciding = model.deciding
        row = answer[self._hit] if deciding else None
        code = answer[self._because]
        # no row matched, or the row that did gives no reason of its own
        tell = self._reasons[code if code is not None or row else ""]
        outcome, payer, returned, amount, hours = self._parts(answer)
        rule = f"{deciding.name}/{row}" if deciding else "formula/1"
        return Ruling(
            outcome,
            payer,
            returned,
            amount,
            hours,
            model.name,
            model.version,
            rule,
            tell(facts, answer, currency or model.currency),
            trace,
            answer[self._silence] if self._silence is not None else None,
        )

    def decide(self, facts: Facts) -> dict[str, Any]:
        """The value of every output, by name, for facts that are complete and of the right types (scorecards)."""
        found = self._row.by_name(self._decide(facts))
        for name, kind in self._rewritten:
            found[name] = outward_all(kind, found[name])
        return found

    @cached_property
    def _rewritten(self) -> list[tuple[str, Type]]:
        """The outputs that are held otherwise than the outside reads them."""
        kinds = {name: output.type for name, (_, output) in self.model.outputs.items()}
        return [(name, kind) for name, kind in kinds.items() if not _plain(kind)]

    def picker(self, *names: str, known: Collection[str] = ()) -> Callable[[Facts], tuple[Any, ...]]:
        """A function from facts, as for `decide`, to the values of these outputs; `known` are facts that are never null."""
        return compile_picker(self.model, names, known)

    @cached_property
    def _needed(self) -> tuple[str, ...]:
        """Facts that the row function or a reason reads."""
        mentioned = [
            name
            for reason in self.model.reasons.values()
            for text in (reason.en, reason.zh)
            for name in placeholders(text)
            if name in self.model.facts and name not in self._places
        ]
        return tuple(dict.fromkeys((*self.model.read, *mentioned)))

    def _tellers(self) -> dict[str | None, Teller]:
        model = self.model
        if not model.ruling:
            return {}
        types: dict[str, Type] = dict(model.facts) | {name: output.type for name, (_, output) in model.outputs.items()}
        types |= {name: expr.type for name, expr in model.ruling.items() if name not in types}
        texts: dict[str | None, tuple[str, str]] = {code: (one.en, one.zh) for code, one in model.reasons.items()}
        texts |= {code: (said["en"], said["zh"]) for code, said in ((None, NO_REASON_GIVEN), ("", NO_ROW))}
        return {code: teller(en, zh, types, self._places) for code, (en, zh) in texts.items()}


def _plain(kind: Type) -> bool:
    """Whether values are held inside as the outside reads them."""
    return kind.kind in ("text", "boolean") or (kind.kind, kind.scale) == ("number", 0)


def _in_force(policy: Policy, at: date | None) -> Policy:
    """The one version that was named; a day before it ruled is refused, not passed over."""
    if at is not None and at < policy.effective:
        version = f"{policy.name}@{policy.version}"
        raise UnknownThing(f"{version} was not in force on {at}: it is effective from {policy.effective}", field="at")
    return policy


def _chosen(named: list[Policy], version: str, at: date | None) -> Policy:
    if version:
        for policy in named:
            if policy.version == version:
                return _in_force(policy, at)
        known = ", ".join(policy.version for policy in named)
        raise UnknownThing(f"policy {named[0].name} has no version {version!r}; it has {known}", field="policy")
    if at is None:
        return named[-1]
    for policy in reversed(named):
        if policy.effective <= at:
            return policy
    first = named[0]
    raise UnknownThing(
        f"no version of policy {first.name} was in force on {at}; the first is of {first.effective}", field="policy"
    )


@lru_cache(maxsize=1)
def shipped() -> tuple[Policy, ...]:
    """Every policy version in the package, by name and then by effective date."""
    folder = files("evenhand.policy") / "shipped"
    documents = sorted((one for one in folder.iterdir() if one.name.endswith(".md")), key=lambda one: one.name)
    policies = [Policy.parse(one.read_text("utf-8"), one.name) for one in documents]
    return tuple(sorted(policies, key=lambda policy: (policy.name, policy.effective)))
