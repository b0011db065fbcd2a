"""`evenhand policy show --html` in a real browser: readable on a phone, in one language or both, with nothing fetched or run."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from evenhand.policy import shipped

CHROMIUM = os.environ.get("EVENHAND_TEST_CHROMIUM", "/usr/bin/chromium")
WIDTHS = (320, 390, 768, 1280)


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of every shipped version, as the command writes it."""
    folder = tmp_path_factory.mktemp("pages")
    made: dict[str, Path] = {}
    for name in (f"{policy.name}@{policy.version}" for policy in shipped()):
        made[name] = folder / f"{name}.html"
        subprocess.run([sys.executable, "-m", "evenhand", "policy", "show", name, "--html", made[name]], check=True)
    return made


async def opened(browser: Browser, path: Path, width: int, said: list[str]) -> Page:
    page = await browser.new_page(viewport={"width": width, "height": 800})
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
    await page.goto(path.as_uri())
    return page


async def test_no_page_is_wider_than_the_screen_and_none_says_or_fetches_anything(
    browser: Browser, pages: dict[str, Path]
) -> None:
    for name, path in pages.items():
        for width in WIDTHS:
            said: list[str] = []
            page = await opened(browser, path, width, said)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert said == []
            await page.close()


async def test_on_a_phone_every_cell_stands_beside_its_label(browser: Browser, pages: dict[str, Path]) -> None:
    page = await opened(browser, pages["1688@2025-03"], 390, [])
    assert not await page.locator("thead").first.is_visible()
    cell = page.locator("#ruling-row-1 td").first
    label = await cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert "remedy asked" in label
    assert "申请类型" in label
    # a column that the row does not ask for is left out
    assert not await page.locator("#ruling-row-6 td.any").first.is_visible()
    await page.close()


async def test_one_language_or_both(browser: Browser, pages: dict[str, Path]) -> None:
    page = await opened(browser, pages["1688@2025-03"], 1280, [])
    outcome = page.locator("#ruling-row-1 .outcome")
    assert await outcome.inner_text() == "subsidised by the platform\n平台补贴"
    await page.get_by_text("English", exact=True).click()
    assert await outcome.inner_text() == "subsidised by the platform"
    await page.get_by_text("中文", exact=True).click()
    assert await outcome.inner_text() == "平台补贴"
    assert not await page.get_by_text("From late March 2025").is_visible()
    await page.close()


async def test_a_row_leads_to_its_reason_and_examples_open(browser: Browser, pages: dict[str, Path]) -> None:
    page = await opened(browser, pages["1688@2025-03"], 390, [])
    await page.locator("#ruling-row-1 td.because a").click()
    assert page.url.endswith("#reason-quality.subsidised")
    examples = page.locator("details table")
    assert not await examples.is_visible()
    await page.locator("summary").click()
    assert await examples.is_visible()
    await page.close()
