"""Options that many commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Where the embedded database lives.", show_default="your user data directory"
    ),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="EVENHAND_DATABASE_URL",
        help="A PostgreSQL to use instead of the embedded one.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who does it; your user name unless told.")]
