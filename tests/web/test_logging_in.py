"""Logging in and out in a browser, and who is not let in."""

from __future__ import annotations

from looking import Look, looking
from playwright.sync_api import Browser, expect
from serving_stories import Site


def log_in(look: Look, token: str) -> None:
    """By keyboard alone, as people do who know the page."""
    look.page.get_by_label("Token").focus()
    look.page.keyboard.type(token)
    look.page.keyboard.press("Enter")


def test_person_logs_in_sees_the_page_that_was_asked_for_and_logs_out(site: Site, browser: Browser) -> None:
    with looking(browser, site.address("login", "/sources")) as look:
        assert look.page.url.endswith("/login?next=%2Fsources")
        log_in(look, "token-of-ann")
        look.page.wait_for_url(site.address("login", "/sources"))
        assert look.faults() == []
        kept = look.page.context.cookies()
        assert [(cookie["name"], cookie["httpOnly"], cookie["sameSite"]) for cookie in kept] == [("syncd", True, "Lax")]
        look.page.get_by_role("button", name="Log out").click()
        look.page.wait_for_url(site.address("login", "/logged-out"))
        assert look.faults() == []
        look.page.context.add_cookies(kept)
        look.page.goto(site.address("login", "/reviews/week"))
        expect(look.page.get_by_role("heading")).to_have_text("Your session is over")
        look.page.get_by_role("link").click()
        look.page.wait_for_url(site.address("login", "/login?next=%2Freviews%2Fweek"))


def test_person_without_a_role_is_refused_and_can_log_out(site: Site, browser: Browser) -> None:
    with looking(browser, site.address("login", "/")) as look:
        log_in(look, "token-of-eve")
        expect(look.page.get_by_role("heading")).to_have_text("You are eve, and you have no role here")
        expect(look.page.get_by_text("Ask whoever runs syncd here: ann.")).to_be_visible()
        look.page.get_by_role("button", name="Log out").click()
        look.page.wait_for_url(site.address("login", "/logged-out"))


def test_wrong_token_is_refused_on_the_same_page(site: Site, browser: Browser) -> None:
    with looking(browser, site.address("login", "/login?next=/sources")) as look:
        log_in(look, "a guess")
        expect(look.page.get_by_role("alert")).to_have_text("No token of syncd is equal to this one.")
        log_in(look, "token-of-ann")
        look.page.wait_for_url(site.address("login", "/sources"))
