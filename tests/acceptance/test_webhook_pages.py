"""The pages about webhooks, in a real browser: made, the secret seen once, tried, stopped, deleted."""

from playwright.async_api import expect

# the marketplace, the browser and what must not be complained about are those of the other pages
from tests.acceptance.test_console import HOSTILE, Look, address, browser, look  # noqa: F401  # pyright: ignore[reportUnusedImport]


async def test_a_webhook_is_made_and_its_secret_shown_once(look: Look) -> None:  # noqa: F811
    async with look() as page:
        await page.goto("/webhooks")
        await page.get_by_label("URL").fill("https://hooks.example/evenhand")
        await page.get_by_label("rulings").check()
        await page.get_by_label("Note").fill(HOSTILE.replace("\u202e", ""))
        await page.get_by_role("button", name="Make it").click()
        secret = page.locator(".secret code")
        await expect(secret).to_contain_text("whsec_")
        shown = await secret.inner_text()
        assert await page.evaluate("window.hacked") is None
        await page.goto("/webhooks")
        await page.locator(".hooks a.main").click()
        await expect(page.locator("h1")).to_contain_text("<script>")
        assert shown not in await page.content()
        await page.get_by_role("button", name="Send a test event").click()
        await expect(page.locator(".failed")).to_contain_text("did not arrive")
        await page.get_by_role("button", name="Disable").click()
        await expect(page.locator("h1 .state")).to_have_text("disabled")
        await page.get_by_role("button", name="Enable").click()
        await expect(page.locator("h1 .state")).to_have_text("enabled")
        await page.locator(".sure summary").click()
        await page.get_by_role("button", name="Yes, delete it").click()
        await expect(page.locator(".hooks")).to_have_count(0)


async def test_a_private_address_is_refused_and_what_was_filled_in_stays(look: Look) -> None:  # noqa: F811
    async with look(lang="zh-CN", width=390) as page:
        await page.goto("/webhooks")
        await page.get_by_label("URL").fill("https://169.254.169.254/latest")
        await page.get_by_label("基金").check()
        await page.get_by_role("button", name="创建").click()
        await expect(page.get_by_role("alert")).to_contain_text("推送地址：169.254.169.254不是公网地址")
        await expect(page.get_by_label("URL")).to_have_value("https://169.254.169.254/latest")
        await expect(page.get_by_label("基金")).to_be_checked()
        wide = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide
