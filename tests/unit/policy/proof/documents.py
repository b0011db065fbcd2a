"""Documents written out where a test needs one."""

from evenhand.policy import Policy

HEAD = "---\npolicy: mine\nversion: 1\neffective: 2025-01-01\ncurrency: CNY\n---\n# Mine\n"


def policy(body: str) -> Policy:
    return Policy.parse(HEAD + body, "mine.md")


def ruling(
    rows: str, more: str = "", inputs: str = "application.stage | buyer.integrity | merchant.experience_score"
) -> Policy:
    """A document of one ruling table; `rows` are lines of cells, `inputs | → outcome` its columns."""
    columns = inputs.count("|") + 1
    lines = [f"| F | {inputs} | → outcome |", f"|{'---|' * (columns + 2)}"]
    lines += [f"| {number} | {row.strip()} |" for number, row in enumerate(rows.strip().splitlines(), start=1)]
    return policy("## Ruling\n" + "\n".join(lines) + "\n" + more)
