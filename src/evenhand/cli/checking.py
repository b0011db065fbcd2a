"""`evenhand policy check | diff | recourse | exploits`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from rich.markup import escape

from evenhand.accounts.labelling import is_labelling
from evenhand.accounts.labelling.lasting import unfit
from evenhand.accounts.scores import SCORECARDS
from evenhand.cli import scores
from evenhand.cli.options import answer, number_of, progress
from evenhand.errors import BadInput, EvenhandError
from evenhand.money import parse, written
from evenhand.policy import Policy, PolicyError
from evenhand.policy.proof.diff import Change, Diff, Ruled
from evenhand.policy.proof.exploit import Lie, costs
from evenhand.policy.proof.recourse import Recourse
from evenhand.policy.proof.report import Report

_json: Final = msgspec.json.Encoder(decimal_format="number")
_facts: Final = msgspec.json.Decoder(dict[str, Any])
_PROVERS: Final = {"grid": "every combination", "boxes": "boxes", "z3": "Z3"}
_MOST_FACTS: Final = 1_000_000


def run_check(names: list[str], seconds: float, *, as_json: bool) -> None:
    """Check policies; exits 1 when one of them has an error, 2 when one cannot be read, once all are told of."""
    reports: list[Report] = []
    faults: list[tuple[str, EvenhandError]] = []
    for name in names:
        try:
            reports.append(_checked(Policy.load(name), seconds))
        except (PolicyError, BadInput) as error:
            faults.append((name, error))
            continue
        if not as_json:
            _show_report(reports[-1])
    good = not faults and all(report.good for report in reports)
    if as_json:
        unread = [{"policy": name, "detail": str(error)} for name, error in faults]
        print(_json.encode({"good": good, "reports": reports, "unread": unread}).decode())  # noqa: T201
    for _, error in faults:
        typer.echo(f"evenhand: {error}", err=True)
    if not good:
        raise typer.Exit(2 if faults else 1)


def _checked(policy: Policy, seconds: float) -> Report:
    with progress() as bar:
        task = bar.add_task(f"checking {policy.name} {policy.version}", total=None)
        report = policy.check(seconds, lambda done, total: bar.update(task, completed=done, total=total))
    if not is_labelling(policy):
        return report
    findings = sorted((*report.findings, *unfit(policy)), key=lambda one: (one.severity, one.line))
    return msgspec.structs.replace(report, findings=tuple(findings))


def _show_report(report: Report) -> None:
    answer.print(f"[bold]{report.policy} {report.version}[/bold]  {escape(report.file)}", soft_wrap=True)
    for finding in report.findings:
        colour = "red" if finding.severity == "error" else "yellow"
        severity = f"[{colour}]{finding.severity}[/{colour}]"
        answer.print(f"{escape(finding.place)}: {severity}: {escape(finding.message)}", soft_wrap=True)
    for kept in report.promises:
        if kept.status == "proven":
            by = " and ".join(_PROVERS[prover] for prover in kept.provers)
            answer.print(f"  [green]proven[/green]  {escape(kept.text)}  ({by}, {kept.seconds:.2f} s)", soft_wrap=True)
    proven = sum(kept.status == "proven" for kept in report.promises)
    answer.print(
        f"  {proven} of {number_of(len(report.promises), 'promise')} proven, {number_of(report.examples, 'example')} run, "
        f"{number_of(len(report.errors), 'error')}, {number_of(len(report.warnings), 'warning')}, {report.seconds:.2f} s"
    )


def run_diff(before: str, after: str, history: str | None, seconds: float, *, reasons: bool, as_json: bool) -> None:
    """Compare two policies or two scorecards; exits 1 when they rule or score differently."""
    first, second = _document(before), _document(after)
    if not first.model.ruling and not second.model.ruling:
        if history is not None:
            raise BadInput(
                "counts rulings; what a scorecard would have moved in a market shows `evenhand policy rescore`",
                field="--history",
            )
        scores.run(first, second, seconds, as_json=as_json)
        return
    facts = _read_history(history) if history is not None else None
    found = first.diff(second, seconds, reasons=reasons, history=facts)
    if as_json:
        print(_json.encode(found).decode())  # noqa: T201
    else:
        _show_diff(found, first.currency or second.currency or "XXX")
    if not found.same:
        raise typer.Exit(1)


def _document(name: str) -> Policy:
    """A policy by its name or a file, or a scorecard of the package by its name."""
    cards = {card.name: card for card in SCORECARDS}
    return cards[name] if name in cards and not Path(name).exists() else Policy.load(name)


def _show_diff(found: Diff, currency: str) -> None:
    title = f"[bold]{escape(found.before)}[/bold] and [bold]{escape(found.after)}[/bold]"
    by = " and ".join(_PROVERS[prover] for prover in found.provers)
    if found.same:
        answer.print(f"{title} rule every application alike: proven by {by}", soft_wrap=True)
    else:
        whole = f"no other application is: proven by {by}" if found.complete else "there may be more"
        regions = number_of(len(found.changes), "region")
        answer.print(f"{title} rule differently in {regions}; {whole}", soft_wrap=True)
    for number, change in enumerate(found.changes, start=1):
        _show_change(number, change)
    if found.history is not None:
        answer.print(
            f"\n{found.history.touched:,} of {found.history.applications:,} applications of the history are ruled differently"
        )
        for moved in found.history.changes:
            answer.print(f"{moved.applications:>9,}  {moved.before} -> {moved.after}", soft_wrap=True, markup=False)
            before, after = (_paid(paid, currency) for paid in (moved.paid_before, moved.paid_after))
            asked = written(moved.claimed, currency)
            answer.print(f"{'':>11}asked {asked}; paid before: {before}; after: {after}", soft_wrap=True)


def _paid(paid: Mapping[str, int], currency: str) -> str:
    return ", ".join(f"{written(amount, currency)} by the {payer}" for payer, amount in paid.items()) or "nothing"


def _show_change(number: int, change: Change) -> None:
    answer.print(f"\n{number}.", end=" ")
    if change.where is None:
        answer.print("in some applications, such as the example", markup=False)
    elif not change.where:
        answer.print("every application", markup=False)
    for place, (name, cell) in enumerate((change.where or {}).items()):
        answer.print(f"{'   ' if place else ''}{name}: {cell}", markup=False, soft_wrap=True)
    answer.print(f"   before  {_ruled(change.before)}", markup=False, soft_wrap=True)
    answer.print(f"   after   {_ruled(change.after)}", markup=False, soft_wrap=True)
    answer.print(f"   example {_json.encode(change.example).decode()}", markup=False, soft_wrap=True)


def _ruled(ruled: Ruled) -> str:
    parts = [ruled.outcome]
    if ruled.payer != "none" or ruled.amount:
        parts.append(f"{ruled.payer if ruled.payer != 'none' else 'nobody'} pays {ruled.amount}")
    if ruled.return_required:
        parts.append("goods go back")
    if ruled.respond_within_hours is not None:
        parts.append(f"answer within {ruled.respond_within_hours} h")
    if ruled.on_silence is not None:
        parts.append(f"on silence {ruled.on_silence}")
    return f"{', '.join(parts)}  ({ruled.rule})"


def run_recourse(name: str, source: str, changeable: list[str], *, as_json: bool) -> None:
    """Say what would bring a better ruling; exits 1 when nothing would."""
    policy = Policy.load(name)
    found = policy.recourse(_read_facts(source), tuple(changeable) or None)
    if as_json:
        print(_json.encode(found).decode())  # noqa: T201
    else:
        _show_recourse(found)
    if not found.ways:
        raise typer.Exit(1)


def _show_recourse(found: Recourse) -> None:
    answer.print(f"ruled {found.outcome} by {found.rule}", markup=False)
    for way in found.ways:
        answer.print(f"  {way.says.en}", markup=False, soft_wrap=True)
        answer.print(f"  {way.says.zh}", markup=False, soft_wrap=True)
    if not found.ways:
        answer.print(
            "  Nothing that this person can change brings a better ruling.\n  此人可改变的事实均不会带来更有利的裁决。"
        )


def run_exploits(name: str, share: str, applications: int, average: str, *, as_json: bool) -> None:
    """Show the cheapest lies and their price; exits 1 when there is one."""
    policy = Policy.load(name)
    currency = policy.currency or "XXX"
    part = _share(share)
    try:
        amount = parse(average, currency)
    except ValueError as error:
        raise BadInput(str(error), field="--average") from None
    if amount < 0:
        raise BadInput("must be zero or more", field="--average")
    lies = policy.exploits()
    price = costs(lies, part, applications, amount)
    if as_json:
        print(_json.encode({"policy": policy.name, "version": policy.version, "lies": lies, "costs": price}).decode())  # noqa: T201
    else:
        for number, lie in enumerate(lies, start=1):
            _show_lie(number, lie)
        for one in price:
            answer.print(
                f"if {share} of {applications:,} applications learn it, {one.applications:,} are paid "
                f"{written(one.amount, currency)} by the {one.payer}",
                soft_wrap=True,
            )
        if not lies:
            answer.print(
                f"{policy.name} {policy.version}: no lie that a buyer can tell alone wins a refund without a return: proven",
                soft_wrap=True,
            )
    if lies:
        raise typer.Exit(1)


def _show_lie(number: int, lie: Lie) -> None:
    answer.print(
        f"{number}. lying about {' and '.join(lie.facts)} makes the {lie.payer} pay ({lie.rule})",
        markup=False,
        soft_wrap=True,
    )
    for where in lie.circumstances:
        told = "; ".join(f"{name}: {cell}" for name, cell in where.items()) or "always"
        answer.print(f"   where  {told}", markup=False, soft_wrap=True)
    answer.print(
        f"   honest {_json.encode(lie.honest).decode()} gets {lie.outcome_honest}", markup=False, soft_wrap=True
    )
    changed = {name: _at(lie.told, name) for name in lie.facts if _at(lie.told, name) != _at(lie.honest, name)}
    if _at(lie.told, "application.remedy") != _at(lie.honest, "application.remedy"):
        changed["application.remedy"] = _at(lie.told, "application.remedy")
    told = ", ".join(f"{name} = {_json.encode(value).decode()}" for name, value in changed.items())
    answer.print(f"   lie    {told} gets {lie.outcome_told}", markup=False, soft_wrap=True)


def _at(facts: Mapping[str, Any], name: str) -> Any:
    value: Any = facts
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _share(text: str) -> float:
    number = text.removesuffix("%")
    try:
        share = float(number) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise BadInput(f"expected a share like 1% or 0.01, got {text!r}", field="--share")
    return share


def _read_facts(source: str) -> dict[str, Any]:
    try:
        data = Path(source).read_bytes() if source != "-" else typer.get_binary_stream("stdin").read(_MOST_FACTS)
    except OSError as error:
        raise BadInput(f"cannot read {source}: {error.strerror}", field="FACTS") from None
    return _decoded(data)


def _decoded(data: bytes) -> dict[str, Any]:
    if len(data) > _MOST_FACTS:
        raise BadInput(f"facts may hold {_MOST_FACTS:,} bytes", field="FACTS")
    try:
        return _facts.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"expected one JSON object of facts: {error}", field="FACTS") from None


def _read_history(source: str) -> Iterator[dict[str, Any]]:
    """NDJSON facts, one object a line."""
    try:
        with Path(source).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    try:
                        yield _decoded(line)
                    except BadInput as error:
                        error.line, error.field = number, ""
                        raise
    except OSError as error:
        raise BadInput(f"cannot read {source}: {error.strerror}", field="--history") from None
