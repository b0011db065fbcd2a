"""`evenhand bench`: its commands and their options."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.arguments import Data, Database, Json

bench_app = typer.Typer(help="Measure, with the figures and the machine.", no_args_is_help=True)


@bench_app.command("rulings")
def bench_rulings(
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long each measurement lasts.")] = 10,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Measurements of each kind; medians are reported.")
    ] = 3,
    json: Json = False,
) -> None:
    """Durable rulings per second through the HTTP API, on a database of its own."""
    from evenhand.bench.rulings import run

    run(seconds=seconds, rounds=rounds, as_json=json)


@bench_app.command("policy")
def bench_policy(
    applications: Annotated[
        int, typer.Option("--applications", min=1_000, help="How many applications DuckDB decides.")
    ] = 20_000_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Measurements of each; medians are reported.")] = 5,
    json: Json = False,
) -> None:
    """Deciding one application at a time, against zen-engine, and tables of them on DuckDB."""
    from evenhand.bench.policy import run

    run(applications=applications, rounds=rounds, as_json=json)


@bench_app.command("check")
def bench_check(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Measurements of each; medians are reported.")] = 3,
    json: Json = False,
) -> None:
    """Checking documents of 30 to 1,000 rows, overlaps and gaps of tables with 1,500, and whether both provers agree."""
    from evenhand.bench.checking import run

    run(rounds=rounds, as_json=json)


@bench_app.command("evidence")
def bench_evidence(
    photos: Annotated[
        Path | None, typer.Option("--photos", metavar="DIR", help="Photographs of your own, one picture a file.")
    ] = None,
    hashes: Annotated[
        int, typer.Option("--hashes", min=1, help="How many hashes are searched for the speed.")
    ] = 10_000_000,
    json: Json = False,
) -> None:
    """How well reused photographs are found, how seldom others are taken for them, how fast."""
    from evenhand.bench.evidence import run

    run(photos=photos, hashes=hashes, as_json=json)


@bench_app.command("abuse")
def bench_abuse(data: Data = None, database: Database = None, json: Json = False) -> None:
    """What scoring a claim for abuse costs by a card learned from the synthetic marketplace of a database."""
    from evenhand.bench.abuse import run

    run(data=data, database=database, as_json=json)


@bench_app.command("history")
def bench_history(
    events: Annotated[int, typer.Option("--events", min=1000, help="Synthetic events.")] = 5_000_000,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Measurements of each; medians are reported.")] = 3,
    json: Json = False,
) -> None:
    """Windowed facts as of each application, by SQL in DuckDB and by the fold: events per second."""
    from evenhand.bench.history import run

    run(events=events, rounds=rounds, as_json=json)


@bench_app.command("accounts")
def bench_accounts(
    accounts: Annotated[
        int, typer.Option("--accounts", min=10_000, help="How many; 10,000,000 take some minutes and 10 GB.")
    ] = 1_000_000,
    lookups: Annotated[int, typer.Option("--lookups", min=100, help="Lookups of one account each.")] = 5_000,
    rulings: Annotated[int, typer.Option("--rulings", min=500, help="Rulings at each size.")] = 20_000,
    json: Json = False,
) -> None:
    """Bytes per account, lookups of 1 and of 500, rulings per second, and what a hundred million accounts would take."""
    from evenhand.bench.accounts import run

    run(accounts=accounts, lookups=lookups, rulings=rulings, as_json=json)


@bench_app.command("links")
def bench_links(
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The folder with tolokers.npz; else EVENHAND_TOLOKERS.")
    ] = None,
    json: Json = False,
) -> None:
    """What links are worth for telling abusers apart, on real accounts, and what grouping and peeling cost."""
    from evenhand.bench.links import run

    run(data=data, as_json=json)


@bench_app.command("rings")
def bench_rings(
    orders: Annotated[int, typer.Option("--orders", min=1, help="Synthetic orders a marketplace.")] = 100_000,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="So many marketplaces.")] = 5,
    json: Json = False,
) -> None:
    """How well links find planted rings of abusers and leave neighbours alone, and disputes gangs with the same stores."""
    from evenhand.bench.rings import run

    run(orders=orders, seeds=seeds, as_json=json)


@bench_app.command("panel")
def bench_panel(
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same jurors and cases.")] = 1,
    sure: Annotated[float, typer.Option("--sure", min=0.51, max=0.999, help="How sure weighed votes must be.")] = 0.95,
    json: Json = False,
) -> None:
    """Votes a panel needs, and how often it is right: counted to a majority, or weighed until it is sure."""
    from evenhand.bench.panel import run

    run(seed=seed, sure=sure, as_json=json)


@bench_app.command("faults")
def bench_faults(
    kills: Annotated[int, typer.Option("--kills", min=1, help="How many times something is killed.")] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed makes the same kills and faults.")] = 1,
    json: Json = False,
) -> None:
    """kill -9 of server and PostgreSQL under load, with a gateway and a receiver that fail: is everything still right?"""
    from evenhand.bench.faults import run

    run(kills=kills, seed=seed, as_json=json)
