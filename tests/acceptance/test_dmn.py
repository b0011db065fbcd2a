"""Policies leave as DMN, open in bpmn.io's viewer, and come back, as a user does it."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("EVENHAND_TEST_CHROMIUM", "/usr/bin/chromium")
STYLES = ("diagram-js", "dmn-js-shared", "dmn-js-drd", "dmn-js-decision-table", "dmn-js-literal-expression")

# opens a file and every view of it; says what was complained about and what is drawn
OPEN = """async (xml) => {
    const box = document.getElementById("box")
    box.innerHTML = ""
    const viewer = new DmnJS({ container: box })
    const said = (await viewer.importXML(xml, { open: false })).warnings.map(String)
    const views = []
    for (const view of viewer.getViews()) {
        const { warnings } = await viewer.open(view)
        said.push(...warnings.map(warning => warning.message || String(warning)))
        views.push({
            type: view.type,
            name: view.name || view.element.name,
            rows: box.querySelectorAll(".tjs-table tbody tr").length,
            shapes: box.querySelectorAll(".djs-shape").length,
            connections: box.querySelectorAll(".djs-connection").length,
        })
    }
    return { said, views }
}"""


def evenhand(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "evenhand", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
async def viewer() -> AsyncGenerator[Page]:
    """A page with dmn-js in it."""
    fetched = subprocess.run([ROOT / "scripts" / "dmn-js"], capture_output=True, text=True, check=False)
    if fetched.returncode:
        pytest.skip(fetched.stderr.strip() or "dmn-js could not be fetched")
    package = ROOT / ".cache" / "dmn-js" / "dist"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.set_content('<div id="box" style="width: 1280px; height: 800px"></div>')
        for style in STYLES:
            await page.add_style_tag(path=package / "assets" / f"{style}.css")
        await page.add_script_tag(path=package / "dmn-navigated-viewer.production.min.js")
        yield page
        await browser.close()


@pytest.mark.parametrize(
    ("policy", "shapes", "views"),
    [
        ("1688", 4, [("decisionTable", "Quality dispute", 2), ("decisionTable", "Ruling", 6)]),
        ("taobao@2024-08", 10, [("decisionTable", "Autonomy", 9), ("decisionTable", "Ruling", 19)]),
        ("pinduoduo", 8, [("decisionTable", "Ruling", 13)]),
        (
            "src/evenhand/accounts/scorecards/integrity.md",
            9,
            [("literalExpression", "buyer.integrity_score", 0), ("decisionTable", "Points", 17)],
        ),
    ],
)
async def test_an_exported_policy_opens_in_bpmn_ios_viewer(
    viewer: Page, tmp_path: Path, policy: str, shapes: int, views: list[tuple[str, str, int]]
) -> None:
    target = tmp_path / "policy.dmn"
    done = evenhand("policy", "export", policy, "--dmn", str(target))
    assert done.returncode == 0, done.stderr
    opened: dict[str, Any] = await viewer.evaluate(OPEN, target.read_text("utf-8"))
    assert opened["said"] == []
    diagram, *rest = opened["views"]
    assert (diagram["type"], diagram["shapes"]) == ("drd", shapes)
    assert diagram["connections"] > 0
    shown = [(view["type"], view["name"], view["rows"]) for view in rest]
    assert set(views) <= set(shown)


def test_a_policy_goes_out_and_comes_back(tmp_path: Path) -> None:
    out, back = tmp_path / "policy.dmn", tmp_path / "policy.md"
    assert evenhand("policy", "export", "taobao@2024-08", "--dmn", str(out)).returncode == 0
    done = evenhand("policy", "import", str(out), str(back))
    assert done.returncode == 0, done.stderr
    facts = tmp_path / "facts.ndjson"
    facts.write_text(
        '{"application": {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8000}, '
        '"merchant": {"experience_score": 4.79}}\n'
    )
    first, second = (evenhand("decide", "--policy", policy, str(facts)) for policy in ("taobao@2024-08", str(back)))
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout


def test_a_file_of_another_editor_becomes_a_document(tmp_path: Path) -> None:
    done = evenhand("policy", "import", str(ROOT / "tests/data/dmn/camunda.dmn"), "--effective", "2025-01-01")
    assert done.returncode == 0, done.stderr
    assert "effective: 2025-01-01" in done.stdout
    assert "→ desiredDish" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "none.dmn"), "there is no file none.dmn"),
        (("import", str(ROOT / "README.md")), "this is not XML"),
        (("import", str(ROOT / "tests/data/dmn/boxed.dmn")), "no lists of facts"),
        (("export", "1688", "--dmn", "/none/x.dmn"), "cannot write /none/x.dmn"),
        (("export", "no-such"), "--dmn"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: tuple[str, ...], message: str) -> None:
    done = evenhand("policy", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
