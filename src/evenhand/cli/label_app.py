"""The commands of `evenhand label` and their options."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

label_app = typer.Typer(
    help="Labels on accounts: warnings, watched, malicious; proposals and appeals.", no_args_is_help=True
)
Number = Annotated[int, typer.Argument(metavar="NO", help="Its number, from `label list`.")]
Market = Annotated[str, typer.Option("--market", help="The account's market.")]


@label_app.command("list")
def listed(
    market: Annotated[str | None, typer.Option("--market", help="One market only.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="Of one account only.")] = None,
    active: Annotated[bool, typer.Option("--active", help="Only those in effect.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Labels, and the proposals and appeals that wait for a person."""
    from evenhand.cli import labels

    labels.show(market, account, active=active, data=data, database=database, as_json=json)


@label_app.command("set")
def set_one(
    account: Annotated[str, typer.Argument(metavar="ID", help="The account, by the marketplace's id.")],
    market: Market,
    label: Annotated[str, typer.Option("--label", help="warning, watched or malicious.")],
    cause: Annotated[str, typer.Option("--cause", metavar="TEXT", help="What it is for, as the person is told.")],
    case: Annotated[list[int], typer.Option("--case", metavar="NO", help="A case it rests on; again for more.")],
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it lasts.")] = 90,
    kind: Annotated[str, typer.Option("--kind", help="buyer or merchant.")] = "buyer",
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Label an account by a person's judgement, resting on its own cases."""
    from evenhand.cli import labels

    labels.run_set(account, market, kind, label, cause, case, days, by, data=data, database=database)


@label_app.command("end")
def end(
    number: Number,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why.")],
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Take a label away now."""
    from evenhand.cli import labels

    labels.run_end(number, why, by, data=data, database=database)


@label_app.command("appeal")
def appeal(
    number: Number,
    says: Annotated[str, typer.Option("--says", metavar="TEXT", help="What the person says against it.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Take in an appeal against a label; a person who did not set it decides."""
    from evenhand.cli import labels

    labels.run_appeal(number, says, data=data, database=database)


@label_app.command("decide-appeal")
def decide_appeal(
    number: Annotated[int, typer.Argument(metavar="NO", help="The appeal's number.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")],
    lift: Annotated[bool, typer.Option("--lift", help="The label ends now.")] = False,
    uphold: Annotated[bool, typer.Option("--uphold", help="The label stays.")] = False,
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """A person's decision on an appeal, given once."""
    from evenhand.cli import labels

    labels.run_decide_appeal(number, note, by, lift=lift, uphold=uphold, data=data, database=database)


@label_app.command("judge")
def judge(
    number: Annotated[int, typer.Argument(metavar="NO", help="The proposal's number.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="The label counts from now.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="There is no label.")] = False,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why.")] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """A person's decision on a label that the market's document proposed, given once."""
    from evenhand.cli import labels

    labels.run_judge(number, note, by, confirm=confirm, dismiss=dismiss, data=data, database=database)


@label_app.command("configure")
def configure(
    market: Market,
    confirm: Annotated[
        str,
        typer.Option("--confirm", help="From which label on a person confirms: warning, watched, malicious or never."),
    ] = "malicious",
    document: Annotated[
        Path | None, typer.Option("--document", metavar="FILE", help="A labelling document; the package's unless told.")
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """How a market labels, from now on."""
    from evenhand.cli import labels

    labels.run_configure(market, confirm, document, by, data=data, database=database)
