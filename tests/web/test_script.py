"""What the script adds to pages that work without it: figures by pointer and keys, live numbers, present mode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from looking import looking
from playwright.sync_api import Browser, Page, expect
from serving_stories import Site
from waiting import HANG, wait_for

from syncd.service import LedgerReader
from syncd.web import events, make_app, serving
from syncd.web.daemon import Daemon

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall to 600
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {at_most: 2000}
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 5, target: 9}
  - id: speed
    title: Search is quick
    key_results:
      - {id: releases, title: 4 releases, kind: output, target: 4, drives: calls}
"""
CALLS = ("Day,Calls", "2026-10-05,1190", "2026-11-02,1150", "2026-11-16,1100")
VALUE = ".number data"
NOTED_STREAMS = """\
window.ends = [];
window.EventSource = class extends EventSource {
  constructor(address) {
    super(address);
    const isOffline = () => document.body.classList.contains("offline");
    this.addEventListener("error", () => queueMicrotask(() => window.ends.push(isOffline())));
  }
};
"""


class Live:
    """A project whose pages are open."""

    def __init__(self, folder: Path) -> None:
        self.project = CsvProject(folder, MAPPING, NOW)
        settings = folder / "syncd.yaml"
        settings.write_text(settings.read_text() + f"clock: {NOW.isoformat()}\n")
        self.project.write("calls.csv", *CALLS)
        self.project.cycle()
        self.reader = LedgerReader(settings, self.project.config)
        self.events: events.Events | None = None
        self.base = ""

    @property
    def streams(self) -> int:
        """How many are open."""
        assert self.events is not None
        return self.events._streams

    def new_value(self, value: int) -> None:
        """A cycle measures this number."""
        self.project.write("calls.csv", *CALLS[:-1], f"2026-11-16,{value}")
        self.project.now += timedelta(minutes=1)
        self.project.cycle()


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    live = Live(tmp_path)

    class Noted(events.Events):
        def __init__(self, daemon: Daemon, streams: events.Streams) -> None:
            super().__init__(daemon, streams)
            live.events = self

    monkeypatch.setattr(events, "_EVERY", 0.05)
    monkeypatch.setattr("syncd.web.project_routes.Events", Noted)
    thread = threading.Thread(target=live.reader.run, daemon=True)
    thread.start()
    with serving(make_app(live.reader), "127.0.0.1", 0) as port:
        live.base = f"http://127.0.0.1:{port}"
        yield live
        live.reader.stop()
        thread.join(HANG)


@contextmanager
def opened(browser: Browser, address: str, **options: object) -> Iterator[Page]:
    """A page in a window of its own. Afterwards its console must have been quiet."""
    context = browser.new_context(viewport={"width": 1200, "height": 500}, reduced_motion="reduce", **options)
    context.set_default_timeout(HANG * 1000)
    page, noticed = context.new_page(), []
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert noticed == []


@contextmanager
def left_open(browser: Browser, address: str) -> Iterator[Page]:
    """A page that is open while something changes, and is never loaded again."""
    with opened(browser, address) as page:
        page.evaluate("window.stillHere = true")
        yield page
        assert page.evaluate("window.stillHere")


def shows(page: Page, value: str) -> None:
    expect(page.locator(VALUE)).to_have_text(value, timeout=HANG * 1000)


class TestCharts:
    def test_pointer_shows_the_figures_of_the_nearest_day(self, site: Site, browser: Browser) -> None:
        with opened(browser, site.address("demo", "/key-results/calls")) as page:
            page.get_by_role("slider").hover()
            lines = page.locator(".reading p").all_inner_texts()
            assert lines == ["19 Nov", "value: 1,092", "pace: 873.79"]  # the middle of the axis
            page.mouse.move(0, 0)
            assert page.locator(".reading").is_hidden()

    def test_reading_stays_on_the_screen_of_a_phone(self, site: Site, browser: Browser) -> None:
        with opened(browser, site.address("troubled", "/key-results/calls")) as page:
            page.set_viewport_size({"width": 360, "height": 740})
            page.get_by_role("slider").scroll_into_view_if_needed()
            box = page.get_by_role("slider").bounding_box()
            assert box is not None
            for share in (0.02, 0.3, 0.49, 0.51, 0.7, 0.98):
                page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
                edges = page.locator(".reading p").evaluate_all(
                    "lines => lines.flatMap(line => [line.getBoundingClientRect().left, "
                    "line.getBoundingClientRect().right])"
                )
                assert edges
                assert 0 <= min(edges) <= max(edges) <= 360

    def test_keys_walk_from_day_to_day_and_screen_readers_hear_each(self, site: Site, browser: Browser) -> None:
        with opened(browser, site.address("demo", "/objectives/self-service")) as page:
            slider = page.get_by_role("slider")
            slider.focus()
            last = page.locator("tr[data-day]").count() - 1

            def heard(key: str) -> str:
                page.keyboard.press(key)
                text = slider.get_attribute("aria-valuetext") or ""
                assert ", ".join(page.locator(".reading p").all_inner_texts()) == text
                return text

            days = [
                heard(key).split(",")[0] for key in ("ArrowLeft", "PageDown", "ArrowRight", "Home", "ArrowLeft", "End")
            ]
            assert days == ["20 Nov", "13 Nov", "14 Nov", "1 Oct", "1 Oct", "21 Nov"]
            assert slider.get_attribute("aria-valuenow") == str(last)
            assert "calls: 1,092" in (slider.get_attribute("aria-valuetext") or "")

    def test_switch_changes_the_chart_in_place_and_back_undoes_it(self, site: Site, browser: Browser) -> None:
        with opened(browser, site.address("demo", "/key-results/calls")) as page:
            page.evaluate("window.stillHere = true; scrollTo(0, 150)")
            days, top = page.locator("tr[data-day]").count(), page.evaluate("scrollY")
            page.evaluate("[...document.querySelectorAll('.switch a')].at(-1).click()")
            page.wait_for_url("**by=week**")
            assert page.locator("tr[data-day]").count() < days / 6
            assert (page.evaluate("scrollY"), page.evaluate("window.stillHere")) == (top, True)
            page.go_back()
            expect(page.locator("tr[data-day]")).to_have_count(days)


class TestLive:
    def test_new_number_leaves_place_focus_details_and_a_typed_form_alone(self, live: Live, browser: Browser) -> None:
        with left_open(browser, f"{live.base}/key-results/calls") as page:
            shows(page, "1,100")
            note = page.locator(".check-in input[name=note]")
            note.fill("It was the holidays")
            page.locator("summary", has_text="The chart as a table").click()
            page.evaluate("scrollTo(0, 200)")
            note.evaluate("field => field.focus({preventScroll: true})")
            live.new_value(1050)
            shows(page, "1,050")
            assert note.input_value() == "It was the holidays"
            assert page.locator(".check-in input[name=value]").input_value() == "1050"  # nobody typed there
            assert page.evaluate("document.activeElement.name") == "note"
            assert page.evaluate("document.querySelector('details.table').open")
            assert page.evaluate("scrollY") == 200
            assert page.locator("tr[data-day='2026-11-20'] td").first.inner_text() == "1,050"

    def test_typed_form_stays_when_what_stood_before_it_goes(self, live: Live, browser: Browser) -> None:
        with opened(browser, f"{live.base}/key-results/calls") as page:
            page.locator(".check-in input[name=note]").fill("Asked before")
            page.get_by_role("button", name="Check in").click()
            expect(page.get_by_role("status")).to_contain_text("Asked before")
        with left_open(browser, f"{live.base}/key-results/calls") as page:
            assert page.locator("p.became").count() == 1  # it waits for the cycle
            page.locator(".check-in input[name=note]").fill("Typed since")
            live.new_value(1020)
            expect(page.locator("p.became")).to_have_count(0, timeout=HANG * 1000)
            assert page.locator(".check-in input[name=note]").input_value() == "Typed since"

    def test_refused_form_keeps_its_reason_and_what_was_typed(self, live: Live, browser: Browser) -> None:
        """A new number comes, a switch is used, and the way back: the form is as it was answered."""
        with looking(browser, f"{live.base}/key-results/calls") as look:
            page = look.page
            page.set_default_timeout(HANG * 1000)
            page.get_by_label("Value", exact=False).first.fill("3000")
            page.get_by_label("Note").fill("It was counted twice")
            page.get_by_role("button", name="Check in").click()

            def is_as_it_was() -> bool:
                reason = page.locator(".check-in [role=alert]").inner_text()
                value, note = (page.locator(f".check-in [name={name}]").input_value() for name in ("value", "note"))
                return "at most 2,000" in reason and (value, note) == ("3000", "It was counted twice")

            assert is_as_it_was()
            live.new_value(1040)
            shows(page, "1,040")
            assert is_as_it_was()
            page.get_by_role("link", name="by week").click()
            page.wait_for_url("**by=week**")
            assert is_as_it_was()
            page.go_back()
            expect(page.locator("tr[data-day='2026-11-19']")).to_have_count(1)
            assert is_as_it_was()
            assert page.locator(".check-in [role=alert]").count() == 1

    def test_selected_text_and_the_day_under_the_cursor_stay(self, live: Live, browser: Browser) -> None:
        with left_open(browser, f"{live.base}/key-results/calls") as page:
            slider = page.get_by_role("slider")
            slider.focus()
            page.keyboard.press("Home")
            page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
            live.new_value(1030)
            shows(page, "1,030")
            assert page.evaluate("String(getSelection())") == "Calls fall to 600"
            assert (slider.get_attribute("aria-valuetext") or "").startswith("1 Oct")
            assert page.evaluate("document.activeElement.role") == "slider"

    def test_edited_mapping_shows_without_a_cycle(self, live: Live, browser: Browser) -> None:
        with left_open(browser, f"{live.base}/") as page:
            live.project.edit("Customers find answers", "Customers help themselves")
            expect(page.get_by_text("Customers help themselves")).to_be_visible(timeout=HANG * 1000)

    def test_page_that_nobody_sees_gives_its_stream_back(self, live: Live, browser: Browser) -> None:
        """A browser opens six connections to a server in all, for all its tabs."""
        hide = """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
        with left_open(browser, f"{live.base}/key-results/calls") as page:
            wait_for(lambda: page.evaluate("true") and live.streams == 1)
            page.evaluate(hide, True)
            wait_for(lambda: page.evaluate("true") and live.streams == 0)
            live.new_value(1010)
            page.evaluate(hide, False)
            shows(page, "1,010")

    def test_stream_that_the_server_ends_is_no_lost_connection(
        self, live: Live, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "_LASTS", 0.2)
        context = browser.new_context()
        context.set_default_timeout(HANG * 1000)
        context.add_init_script(NOTED_STREAMS)
        page = context.new_page()
        page.goto(f"{live.base}/")
        wait_for(lambda: page.evaluate("ends.length") > 0)
        assert page.evaluate("ends[0]") is False
        context.close()

    def test_lost_connection_is_said(self, live: Live, browser: Browser) -> None:
        context = browser.new_context()
        context.set_default_timeout(HANG * 1000)
        page = context.new_page()
        page.goto(f"{live.base}/")
        assert page.locator(".connection-lost").is_hidden()
        context.set_offline(True)
        live.reader.stop()  # which ends the stream
        expect(page.locator(".connection-lost")).to_be_visible(timeout=HANG * 1000)
        context.close()


class TestPresentMode:
    def test_arrow_keys_turn_the_screens_and_escape_leaves(self, live: Live, browser: Browser) -> None:
        with opened(browser, f"{live.base}/reviews/week?present=1") as page:
            for key, number in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("PageDown", 3)):
                page.keyboard.press(key)
                page.wait_for_url(f"**present={number}")
            page.keyboard.press("Escape")
            page.wait_for_url(lambda address: "present" not in address)

    def test_note_is_kept_as_a_check_in_without_leaving_the_screen(self, live: Live, browser: Browser) -> None:
        with opened(browser, f"{live.base}/reviews/week?present=2") as page:
            for number, text in enumerate(("We ask support first", "And we meet again")):
                page.locator(".spot [name=note]").fill(text)
                page.keyboard.press("ArrowRight")  # within the text
                page.locator(".spot [name=author]").fill("Dana")
                page.get_by_role("button", name="calls", exact=True).click()
                expect(page.locator(".spot .outcome")).to_contain_text(text, timeout=HANG * 1000)
                assert page.locator(".spot [name=note]").input_value() == ""
                requests = live.project.ledger.requests.of_key_result("2026-Q4", "calls")
                assert len(requests) == number + 1
                live.new_value(1070 + number)
                shown = page.locator(".moves .outcome").first
                expect(shown).to_contain_text(f"{1070 + number:,}", timeout=HANG * 1000)
                assert text in page.locator(".spot .outcome").inner_text()  # a new number does not take it away
            assert "present=2" in page.url

    def test_note_that_is_not_kept_says_why(self, live: Live, browser: Browser) -> None:
        context = browser.new_context()
        context.set_default_timeout(HANG * 1000)
        page = context.new_page()
        page.goto(f"{live.base}/reviews/week?present=2")
        outcome = page.locator(".spot .outcome")
        page.locator(".spot [name=note]").fill("We ask support first")
        page.locator(".spot [name=form_token]").evaluate("field => field.value = 'old'")
        page.get_by_role("button", name="calls", exact=True).click()
        expect(outcome).to_contain_text("The page that this was sent from is too old", timeout=HANG * 1000)
        context.set_offline(True)
        page.get_by_role("button", name="calls", exact=True).click()
        expect(outcome).to_contain_text("syncd did not answer", timeout=HANG * 1000)
        assert page.locator(".spot [name=note]").input_value() == "We ask support first"
        context.close()

    def test_everything_works_without_the_script(self, live: Live, browser: Browser) -> None:
        with opened(browser, f"{live.base}/reviews/week?present=1", java_script_enabled=False) as page:
            page.get_by_role("link", name="Next").click()
            page.locator(".spot [name=note]").fill("Decided")
            page.get_by_role("button", name="trust", exact=True).click()
            expect(page.get_by_role("status")).to_contain_text("Decided")
            page.goto(f"{live.base}/key-results/calls")
            page.get_by_role("link", name="by week").click()
            assert "by=week" in page.url


@pytest.mark.sampled(1)
@pytest.mark.parametrize("screen", range(1, 7))
def test_screen_of_the_present_mode_fits_1080_lines(site: Site, browser: Browser, screen: int) -> None:
    with opened(browser, site.address("demo", f"/reviews/week?present={screen}")) as page:
        page.set_viewport_size({"width": 1920, "height": 1080})
        assert page.evaluate("document.documentElement.scrollHeight") == 1080


@pytest.mark.sampled(1)
@pytest.mark.parametrize("path", ["/reviews/week", "/reviews/period"])
def test_review_prints_on_two_sheets_of_a4(site: Site, browser: Browser, path: str) -> None:
    with opened(browser, site.address("demo", path)) as page:
        assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 2
