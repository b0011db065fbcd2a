"""`evenhand evidence`: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

evidence_app = typer.Typer(
    help="Evidence: files that parties show, who had them in hand, and how long they are kept.", no_args_is_help=True
)
Case = Annotated[int, typer.Argument(metavar="CASE", min=1, help="The case's number.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; it stays written down.")]


@evidence_app.command("add")
def evidence_add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An image, a text, a PDF, or tracking events as JSON.")],
    market: Annotated[str, typer.Option("--market", help="The market it is shown in.")],
    party: Annotated[
        str, typer.Option("--party", help="Who shows it: buyer, merchant, platform or inspector.")
    ] = "buyer",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take a file in; says what it is like of all that was shown before."""
    from evenhand.cli import evidence as command

    command.add(file, market, party, data=data, database=database, as_json=json)


@evidence_app.command("show")
def evidence_show(
    evidence: Annotated[str, typer.Argument(metavar="ID", help="As the upload was answered.")],
    original: Annotated[
        Path | None, typer.Option("--original", metavar="FILE", help="Write the sealed original there.")
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What is known of a piece of evidence."""
    from evenhand.cli import evidence as command

    command.show(evidence, original, by=by, data=data, database=database, as_json=json)


@evidence_app.command("custody")
def evidence_custody(
    evidence: Annotated[str, typer.Argument(metavar="ID", help="As the upload was answered.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Who had a piece of evidence in hand. Exit code 1 when the log was tampered with."""
    from evenhand.cli import custody

    custody.show_log(evidence, data=data, database=database, as_json=json)


@evidence_app.command("hold")
def evidence_hold(
    case: Case, why: Why, by: By = None, data: Data = None, database: Database = None, json: Json = False
) -> None:
    """Place a case under legal hold: nothing shown in it is removed, none of its parties is erased."""
    from evenhand.cli import custody

    custody.hold(case, why, by=by, data=data, database=database, as_json=json)


@evidence_app.command("lift")
def evidence_lift(
    case: Case, why: Why, by: By = None, data: Data = None, database: Database = None, json: Json = False
) -> None:
    """Lift the legal hold of a case."""
    from evenhand.cli import custody

    custody.lift(case, why, by=by, data=data, database=database, as_json=json)


@evidence_app.command("holds")
def evidence_holds(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Legal holds that stand."""
    from evenhand.cli import custody

    custody.show_holds(data=data, database=database, as_json=json)


@evidence_app.command("retention")
def evidence_retention(
    market: Annotated[str, typer.Option("--market", help="The market.")],
    months: Annotated[
        int | None,
        typer.Option(
            "--months", metavar="N", help="Keep evidence so long after the last case it was shown in has ended."
        ),
    ] = None,
    as_appeal: Annotated[
        bool, typer.Option("--as-appeal", help="Keep it as long as a closed case can be appealed (the default).")
    ] = False,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """How long a market keeps evidence; with --months or --as-appeal, from now on so long."""
    from evenhand.cli import custody

    custody.show_retention(market, months, as_appeal=as_appeal, by=by, data=data, database=database, as_json=json)


@evidence_app.command("expire")
def evidence_expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Remove files whose time is over, as a server does by itself. Hash and custody log stay."""
    from evenhand.cli import custody

    custody.expire(dry_run=dry_run, data=data, database=database, as_json=json)
