"""The commands of `evenhand abuse` and their options."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

abuse_app = typer.Typer(
    help="The abuse score: learned from labelled claims, measured, put to use.", no_args_is_help=True
)

History = Annotated[
    Path | None,
    typer.Option("--history", metavar="FILE", help="Labelled claims as NDJSON; else the rulings of the database."),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="NDJSON that says which of the database's applications were abusive."
    ),
]
Market = Annotated[str | None, typer.Option("--market", help="Only this market's claims.")]
OneMarket = Annotated[str, typer.Option("--market", help="Whose applications are meant.")]


@abuse_app.command("train")
def train(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where card and report are written.")],
    history: History = None,
    labels: Labels = None,
    market: Market = None,
    held_out: Annotated[
        str | None,
        typer.Option("--held-out", metavar="DATE", help="First day that nothing is learned from; a fifth unless told."),
    ] = None,
    wronged: Annotated[float, typer.Option("--wronged", help="What refusing an honest buyer costs.")] = 10.0,
    robbed: Annotated[
        float, typer.Option("--robbed", help="What paying an abusive claim costs, in the same unit.")
    ] = 1.0,
    miscoverage: Annotated[
        float,
        typer.Option(
            "--miscoverage", min=0.001, max=0.4, help="How often the card may be sure and wrong, for each kind."
        ),
    ] = 0.05,
    capacity: Annotated[
        float,
        typer.Option(
            "--capacity",
            min=0,
            max=1,
            help="The share of claims the card may leave to persons; how many a day they get is `evenhand market capacity`.",
        ),
    ] = 0.05,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Learn a points card from labelled claims and measure it on later ones, beside boosted trees."""
    from evenhand.cli import abuse

    source = abuse.Source(history, labels, market, data, database)
    abuse.train(source, out, held_out, wronged, robbed, miscoverage, capacity, as_json=json)


@abuse_app.command("evaluate")
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="What `train` wrote.")],
    history: History = None,
    labels: Labels = None,
    market: Market = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Measure a card on the claims that are later than all it was learned from."""
    from evenhand.cli import abuse

    abuse.evaluate(model, abuse.Source(history, labels, market, data, database), as_json=json)


@abuse_app.command("explain")
def explain(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="What `train` wrote.")],
    facts: Annotated[str, typer.Argument(metavar="FACTS", help="A file with one JSON object of facts; - is stdin.")],
    json: Json = False,
) -> None:
    """How a card scores a claim, and what each fact contributed."""
    from evenhand.cli import abuse

    abuse.explain(model, facts, as_json=json)


@abuse_app.command("activate")
def activate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="What `train` wrote (DIR), or a version stored before.")
    ],
    market: OneMarket,
    by: By = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Though it is no better than chance on held-out claims, or has no report.")
    ] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Store a card and let it score a market's applications from now on."""
    from evenhand.cli import abuse

    abuse.activate(model, market, by, yes=yes, data=data, database=database)


@abuse_app.command("deactivate")
def deactivate(market: OneMarket, by: By = None, data: Data = None, database: Database = None) -> None:
    """Let the documented scorecard score a market's applications again."""
    from evenhand.cli import abuse

    abuse.deactivate(market, by, data=data, database=database)


@abuse_app.command("list")
def show_list(data: Data = None, database: Database = None, json: Json = False) -> None:
    """The cards that are stored, and which markets use them."""
    from evenhand.cli import abuse

    abuse.show_list(data=data, database=database, as_json=json)
