"""The commands of `evenhand policy` and their options."""

from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

policy_app = typer.Typer(help="Policy documents.", no_args_is_help=True)


@policy_app.command("list")
def list_(
    market: Annotated[str | None, typer.Option("--market", help="What was published for this market, instead.")] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The shipped policies and their versions; or what rules a market, from when to when."""
    if market is not None:
        from evenhand.cli.publishing import show_published

        show_published(market, data=data, database=database, as_json=json)
        return
    from evenhand.cli import policies as policy_command

    policy_command.show_list(as_json=json)


@policy_app.command("show")
def show(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    target: Annotated[str, typer.Argument(metavar="[OUT]", help="A file to write; - is stdout.")] = "-",
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="The version in force that day.")] = None,
    source: Annotated[bool, typer.Option("--source", help="The Python it compiles to.")] = False,
    html: Annotated[bool, typer.Option("--html", help="A page to publish: one HTML file, in both languages.")] = False,
) -> None:
    """A policy document as it is written, as a page, or as the program it is."""
    from evenhand.cli import policies as policy_command

    policy_command.show(policy, at, target, python=source, html=html)


@policy_app.command("check")
def check(
    policies: Annotated[list[str], typer.Argument(metavar="POLICY...", help="NAME, NAME@VERSION or files.")],
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Time limit for each policy.")] = 30.0,
    json: Json = False,
) -> None:
    """Look for gaps, contradictions and idle rows, run the examples, prove the promises; exit code 1 when something is wrong."""
    from evenhand.cli import checking

    checking.run_check(policies, seconds, as_json=json)


@policy_app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="NAME, NAME@VERSION or a file.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="NAME, NAME@VERSION or a file.")],
    history: Annotated[
        str | None, typer.Option("--history", metavar="FILE", help="NDJSON facts: count what changes over them.")
    ] = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Another reason code is a difference too.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Time limit.")] = 30.0,
    json: Json = False,
) -> None:
    """What is ruled differently, in regions with examples; exit code 0 proves that nothing is, 1 says that something is."""
    from evenhand.cli import checking

    checking.run_diff(before, after, history, seconds, reasons=reasons, as_json=json)


@policy_app.command("recourse")
def recourse(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    facts: Annotated[str, typer.Argument(metavar="FACTS", help="A file with one JSON object of facts; - is stdin.")],
    changeable: Annotated[
        list[str] | None,
        typer.Option(
            "--changeable", metavar="FACT", help="A fact that may differ; again for more. A buyer's own unless told."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """What would have to be different for a ruling that is better for the buyer; exit code 1 when nothing helps."""
    from evenhand.cli import checking

    checking.run_recourse(policy, facts, changeable or [], as_json=json)


@policy_app.command("exploits")
def exploits(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    share: Annotated[str, typer.Option("--share", help="The part of applications that learn to lie.")] = "1%",
    applications: Annotated[int, typer.Option("--applications", min=1, help="Applications in all.")] = 100_000,
    average: Annotated[str, typer.Option("--average", metavar="AMOUNT", help="What one asks on average.")] = "100.00",
    json: Json = False,
) -> None:
    """The cheapest lies that win a refund without a return, and what they cost; exit code 1 when there is one."""
    from evenhand.cli import checking

    checking.run_exploits(policy, share, applications, average, as_json=json)


@policy_app.command("export")
def export(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    dmn: Annotated[str, typer.Option("--dmn", metavar="OUT", help="The DMN file to write; - is stdout.")],
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="The version in force that day.")] = None,
) -> None:
    """A policy as DMN, for Camunda, Drools, Trisotech and the like."""
    from evenhand.cli import exchange

    exchange.run_export(policy, at, dmn)


@policy_app.command("import")
def import_(
    source: Annotated[str, typer.Argument(metavar="FILE.dmn", help="A DMN file, of version 1.1 to 1.5.")],
    target: Annotated[str, typer.Argument(metavar="[OUT]", help="The policy document to write; - is stdout.")] = "-",
    effective: Annotated[
        str | None,
        typer.Option(
            "--effective", metavar="DATE", help="Its first day, where the file names none; today unless told."
        ),
    ] = None,
) -> None:
    """A DMN file as a policy document; what such a document cannot say is refused by name."""
    from evenhand.cli import exchange

    exchange.run_import(source, target, effective)


@policy_app.command("publish")
def publish(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    market: Annotated[str, typer.Option("--market", help="The market it is to rule.")],
    effective: Annotated[
        str | None,
        typer.Option("--effective", metavar="DATE", help="First day it rules; the document's own unless told."),
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Let a version rule a market from a day on, in the market's time zone; it never changes after."""
    from evenhand.cli.publishing import run_publish

    run_publish(policy, market, effective, by, data=data, database=database, as_json=json)


@policy_app.command("rescore")
def rescore(
    card: Annotated[str, typer.Argument(metavar="CARD", help="The scorecard's file.")],
    market: Annotated[str, typer.Option("--market", help="The market whose rulings are scored again.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What a scorecard would have made of a market's rulings: scores, levels, outcomes. Exit code 1 if an outcome changes."""
    from evenhand.cli.rescore import run

    run(card, market, data=data, database=database, as_json=json)


@policy_app.command("withdraw")
def withdraw(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    market: Annotated[str, typer.Option("--market", help="The market it was to rule.")],
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take back a published version that has not taken effect."""
    from evenhand.cli.publishing import run_withdraw

    run_withdraw(policy, market, by, data=data, database=database, as_json=json)
