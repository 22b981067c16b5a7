"""The HTML report in a real Chromium: it opens, sorts, filters, prints, and no name becomes a script."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from generator.reconcile.plan import Plan
from generator.report.html import plan_html

MakePlan = Callable[..., Plan]
README_IMAGE = Path(__file__).resolve().parents[2] / "docs" / "images" / "plan.png"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture
def opened(browser: Browser, make_plan: MakePlan, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the report of a plan; every request beyond the file and every error of the page fails the test."""
    trouble: list[str] = []
    contexts = []

    def open_page(customers: int = 60, *, plan: Plan | None = None, **context: Any) -> Page:
        file = tmp_path / "plan.html"
        file.write_text(plan_html(plan or make_plan(customers)), encoding="utf-8")
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.on("request", lambda request: None if request.url == file.as_uri() else trouble.append(request.url))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def rows(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.eval_on_selector_all(
        "tbody tr", "lines => lines.map(line => [...line.children].map(cell => cell.textContent))"
    )
    return found


def test_it_shows_the_plan(opened: Callable[..., Page]) -> None:
    page = opened()
    assert page.title().startswith("bqnctl plan: ")
    assert page.locator("h2").all_inner_texts() == ["bqn-north"]
    words = page.locator(".figures").inner_text()
    assert "newly blocked" in words
    assert "to delete" in words
    assert len(rows(page)) > 40


def test_it_sorts_searches_and_filters(opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_role("button", name="Object").click()
    ascending = [row[2] for row in rows(page)]
    page.get_by_role("button", name="Object").click()
    descending = [row[2] for row in rows(page)]
    assert ascending != descending
    assert sorted(ascending) == sorted(descending)
    addresses = [text for text in ascending if text.startswith("10.0.0.")]
    assert addresses == sorted(addresses, key=lambda text: int(text.rsplit(".", 1)[1]))
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.get_by_label("Search").fill("home_100m")
    assert all("home_100m" in " ".join(row[2:4]).lower() for row in rows(page))
    page.get_by_label("Search").fill("")
    page.locator("select").nth(2).select_option("blocked")
    assert len(rows(page)) == 5
    assert page.get_by_role("status").inner_text().startswith("5 of ")
    page.locator("select").nth(2).select_option("")
    page.locator("select").nth(0).select_option("-")
    assert {row[0] for row in rows(page)} == {"- delete"}
    page.locator("select").nth(1).select_option("group")
    assert rows(page) == []


def test_no_name_becomes_a_script_or_markup(opened: Callable[..., Page]) -> None:
    page = opened()
    page.wait_for_timeout(200)
    assert page.title().startswith("bqnctl plan: ")
    assert page.locator("main img, main b, main script, main a").count() == 0
    assert "<img_src=x_onerror=document.title='owned'>" in page.locator("main").inner_text()


def test_the_policy_of_the_page_forbids_other_scripts(browser: Browser, make_plan: MakePlan, tmp_path: Path) -> None:
    file = tmp_path / "plan.html"
    whole = plan_html(make_plan())
    file.write_text(whole.replace("</main>", "</main><script>document.title = 'owned'</script>"), encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert page.title() != "owned"
    page.close()


def test_charts_show_before_and_after(opened: Callable[..., Page]) -> None:
    page = opened()
    captions = page.locator("figcaption").all_inner_texts()
    assert captions == [
        "Subscribers by policy", "Blocked subscribers by source", "Sold downlink by site", "Sold uplink by site",
    ]  # fmt: skip
    sold = page.locator("figure", has_text="Sold downlink by site")
    assert ": 1" in sold.inner_text()
    assert sold.locator("rect.over").count() == 1


def test_twenty_thousand_changes_stay_responsive(opened: Callable[..., Page]) -> None:
    page = opened(40_000)
    total = int(page.get_by_role("status").inner_text().split()[0])
    assert total > 20_000
    assert len(rows(page)) <= 400, "rows are made as they are looked at"
    page.get_by_label("Search").fill("10.0.77.7")
    assert 1 <= len(rows(page)) <= 100
    page.get_by_label("Search").fill("")
    page.locator(".scroll").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length > 200")
    frames = page.evaluate(
        "() => new Promise(done => { let n = 0; "
        "const next = () => (n += 1) < 30 ? requestAnimationFrame(next) : done(n); requestAnimationFrame(next); })"
    )
    assert frames == 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_readable_on_a_phone_and_in_the_dark_by_axe(opened: Callable[..., Page], scheme: str, width: int) -> None:
    page = opened(viewport={"width": width, "height": 740}, color_scheme=scheme)
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_prints_every_row(opened: Callable[..., Page]) -> None:
    page = opened(2000)
    before = len(rows(page))
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF")
    assert len(rows(page)) > before
    page.emulate_media(media="print")
    assert not page.locator(".tools").first.is_visible()


def test_the_readme_has_a_picture_of_it(opened: Callable[..., Page], make_plan: MakePlan) -> None:
    if os.environ.get("BQNCTL_WRITE_README"):
        README_IMAGE.parent.mkdir(exist_ok=True)
        page = opened(plan=make_plan(400, hostile=()), viewport={"width": 1000, "height": 900})
        page.locator("select").nth(1).select_option("subscriber")
        page.screenshot(path=README_IMAGE)
    assert README_IMAGE.read_bytes().startswith(b"\x89PNG")
    assert README_IMAGE.stat().st_size < 300_000
