"""What scripts add to every page: keys, copies, local times."""

from __future__ import annotations

import hashlib

from feeds import CONTRACT, end, feed
from playwright.sync_api import expect


def test_keys_of_the_page_are_listed_and_can_be_turned_off(world, served, visit):
    end(feed(world.stream(), [0]))
    page = visit(served()).open("/runs")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("?/")
    assert page.input_value("#q") == "?/"
    page.locator("h1").click()
    page.keyboard.press("?")
    page.get_by_label("Keys are off").check()
    page.get_by_label("Keys are off").evaluate("one => one.blur()")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_have_count(0)


def test_a_digest_is_copied_whole(world, served, visit):
    end(feed(world.stream(), [0]))
    visitor = visit(served())
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("/contracts/flights/1.0.0")
    page.get_by_role("button", name="Copy the digest").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == hashlib.sha256(CONTRACT.encode()).hexdigest()


def test_where_nothing_can_be_copied_the_whole_digest_is_selected(world, served, visit):
    end(feed(world.stream(), [0]))
    page = visit(served()).open("/contracts/flights/1.0.0")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy the digest").click()
    selected = page.evaluate("getSelection().toString()")
    assert selected == hashlib.sha256(CONTRACT.encode()).hexdigest()


def test_local_time_is_that_of_the_browser(world, served, visit):
    end(feed(world.stream(), [0]))
    page = visit(served(), timezone_id="Asia/Tokyo").open("/runs")
    expect(page.locator("td time")).to_contain_text("UTC")
    page.get_by_label("Times").select_option("local")
    expect(page.locator("td time")).to_contain_text("JST")
