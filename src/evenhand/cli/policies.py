"""`evenhand policy list | show`."""

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, day
from evenhand.policy import Policy, shipped


def show_list(*, as_json: bool) -> None:
    policies = shipped()
    if as_json:
        listed = [
            {
                "policy": p.name,
                "version": p.version,
                "effective": p.effective,
                "anchor": p.anchor,
                "title": p.title,
                "hash": p.hash,
            }
            for p in policies
        ]
        print(msgspec.json.encode({"policies": listed}).decode())  # noqa: T201
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("policy", "version", "in force from", "picked by", "title"):
        table.add_column(column)
    for policy in policies:
        table.add_row(policy.name, policy.version, policy.effective.isoformat(), policy.anchor, policy.title)
    answer.print(table)


def show(name: str, at: str | None, *, python: bool) -> None:
    policy = Policy.load(name, at=day(at, "--at"))
    print(policy.row_source if python else policy.source)  # noqa: T201
