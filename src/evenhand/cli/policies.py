"""`evenhand policy list | show`."""

from pathlib import Path

import msgspec

from evenhand.cli.options import chatter, day, listing, print_listing
from evenhand.errors import BadInput
from evenhand.policy import Policy, shipped
from evenhand.policy.page import page


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
    table = listing(
        ("policy", "version", "in force from", "picked by", "title"), whole=("policy", "version", "in force from")
    )
    for policy in policies:
        table.add_row(policy.name, policy.version, policy.effective.isoformat(), policy.anchor, policy.title)
    print_listing(table)


def show(name: str, at: str | None, target: str, *, python: bool, html: bool) -> None:
    if python and html:
        raise BadInput("choose --source or --html", field="--html")
    policy = Policy.load(name, at=day(at, "--at"))
    text = page(policy) if html else policy.row_source if python else policy.source
    if target == "-":
        print(text)  # noqa: T201
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}", field="OUT") from None
    chatter.print(f"{policy.name}@{policy.version} is in {target}", markup=False, soft_wrap=True)
