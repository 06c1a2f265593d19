"""A run as it is watched; numbers are those of the acceptance checks of the pages."""

from __future__ import annotations

import pytest
from browsing import PHONE, Process, until
from feeds import end, feed, rows, run_id
from playwright.sync_api import expect

from dc43_core.errors import BatchBlockedError
from dc43_core.vocabulary import RunType


def ids(page):
    """Return the batch ids of the cards, newest first."""
    cards = page.locator("#cards > li").evaluate_all("all => all.map(one => one.id)")
    return [int(card.removeprefix("b-")) for card in cards]


@pytest.fixture
def stream(world):
    return world.stream()


def path(stream):
    return f"/runs/{run_id(stream)}"


@pytest.mark.parametrize("size", [None, PHONE], ids=["desk", "phone"])
def test_2_state_share_and_unusual_batches_stand_at_the_top(world, served, visit, stream, size):
    for batch in range(14):
        stream.process(rows(batch, bad=6 if batch == 12 else 1), batch)
    options = {"viewport": size} if size else {}
    page = visit(served(), **options).open(path(stream))
    for text in ("Running", "rows rejected (13.6", "Unusual:"):
        box = page.get_by_text(text).first.bounding_box()
        assert box["y"] + box["height"] < page.viewport_size["height"] * 0.6


def test_3_the_first_card_and_the_counts_of_the_record_come_by_themselves(
    world, served, visit, stream
):
    page = visit(served()).open(path(stream))
    expect(page.get_by_text("Waiting for the first batch.")).to_be_visible()
    feed(stream, [0], bad=2)
    expect(page.locator("#b-0")).to_be_visible(timeout=3_000)
    [record] = world.runtime.governance.records()
    for said in (
        f"1 batch committed, {record.main_count} rows in flights.",
        f"{record.reject_count} of {record.row_count} rows rejected",
    ):
        expect(page.locator("#lead")).to_contain_text(said)
    assert (record.main_count, record.reject_count) == (8, 2)
    expect(page.locator("#more")).to_contain_text("The newest 1 of 1.")
    assert page.title().startswith("1 daily-flights")


def test_while_nothing_is_broken_the_count_of_rows_moves_at_once(served, visit, stream):
    feed(stream, [0], bad=0)
    page = visit(served()).open(path(stream))
    for batch in range(1, 4):
        feed(stream, [batch], bad=0)
        said = page.locator("#violations")
        expect(said).to_contain_text(f"{10 * batch + 10} rows were checked", timeout=3_000)


def test_6_a_block_appears_by_itself_with_its_way_out(world, served, visit):
    stream = feed(world.stream(run_type=RunType.ENFORCE), range(3))
    page = visit(served()).open(path(stream))
    expect(page.locator("#link")).to_have_text("Live")
    lacking = [{k: v for k, v in row.items() if k != "tailnum"} for row in rows(3)]
    with pytest.raises(BatchBlockedError):
        stream.process(lacking, 3)
    expect(page.get_by_role("alert")).to_contain_text("Batch 3 was blocked.")
    verdict = page.locator("#verdict")
    for said in ("tailnum", "Reason", "no dataset version exists", "What to do", "Restore tailnum"):
        expect(verdict).to_contain_text(said)
    expect(page.locator("#b-3")).to_contain_text("column tailnum: is missing")
    expect(page.locator("#link")).to_have_text("Ended")
    assert page.title().startswith("Blocked: ")
    assert page.locator(".stop").count() == 0
    page.get_by_role("link", name="flights", exact=True).first.click()
    expect(page.get_by_text("there is no version for it")).to_be_visible()


def test_9_after_the_server_was_killed_every_batch_is_there_once(world, visit, stream):
    feed(stream, range(3))
    server = Process(world.folder).start()
    visitor = visit(server, quiet=False)
    page = visitor.open(path(stream))
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate(
        "window.words = []; new MutationObserver(() => window.words.push(link.textContent))"
        ".observe(link, {childList: true, characterData: true, subtree: true})"
    )
    server.kill()
    expect(page.locator("#link")).to_have_text("Reconnecting")
    # The run is no part of the server: it goes on, and nobody looks.
    feed(stream, range(3, 8))
    server.start()
    expect(page.locator("#b-7")).to_be_visible()
    expect(page.locator("#link")).to_have_text("Live")
    assert ids(page) == [7, 6, 5, 4, 3, 2, 1, 0]
    end(stream)
    expect(page.locator("#link")).to_have_text("Ended")
    # Had the page been loaded again, these words would be gone.
    assert page.evaluate("window.words") == ["Reconnecting", "Live", "Ended"]
    row = visitor.open("/runs").locator("tbody tr")
    expect(row).to_contain_text("Finished")
    expect(row.locator("td").nth(3)).to_have_text("8")
    server.kill()
    # The browser itself tells of connections that it could not have.
    assert not [text for text in visitor.console if "net::ERR" not in text]


def test_10_who_comes_late_sees_the_same(served, visit, stream):
    server = served()
    early = visit(server).open(path(stream))
    feed(stream, range(6), bad=3)
    late = visit(server).open(path(stream))
    feed(stream, range(6, 9), bad=3)
    for page in (early, late):
        expect(page.locator("#b-8")).to_be_visible()
        expect(page.locator("#lead")).to_contain_text("27 of 90 rows rejected")
    assert ids(early) == ids(late) == list(range(8, -1, -1))


def test_counts_of_violations_move_at_once_and_rows_stay_under_the_pointer(served, visit, stream):
    feed(stream, range(2), bad=3)
    page = visit(served()).open(path(stream))
    first = page.locator("#violations tbody tr").first
    expect(first).to_contain_text("tailnum must not be missing")
    first.hover()
    for batch in range(2, 5):
        stream.process([{**row, "tailnum": "D-AIUA"} for row in rows(batch, bad=0)], batch)
    stream.run_log.beat()
    second = page.locator("#violations tbody tr").nth(1)
    expect(second).to_contain_text("32")
    expect(first).to_contain_text("tailnum must not be missing")


HIDE = """
  const hide = (value) => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => value});
    document.dispatchEvent(new Event('visibilitychange'));
  };
  hide(%s)
"""


def test_11_hidden_tabs_leave_connections_to_the_one_that_is_seen(served, visit, stream):
    feed(stream, [0])
    visitor = visit(served())
    hidden = []
    for _ in range(7):
        hidden.append(visitor.open(path(stream)))
        hidden[-1].evaluate(HIDE % "true")
        expect(hidden[-1].locator("#link")).to_have_text("Paused")
    seen = visitor.open(path(stream))
    feed(stream, [1])
    expect(seen.locator("#b-1")).to_be_visible()
    other = visitor.open("/runs")
    expect(other.get_by_role("heading", name="Runs")).to_be_visible()
    assert hidden[0].locator("#b-1").count() == 0


def test_12_a_hidden_tab_tells_in_its_title_and_catches_up(world, served, visit):
    stream = feed(world.stream(run_type=RunType.ENFORCE), range(3))
    page = visit(served()).open(path(stream))
    page.clock.install()
    page.reload()
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate(HIDE % "true")
    with pytest.raises(BatchBlockedError):
        stream.process([{"id": 1}], 3)
    page.clock.fast_forward(60_000)
    until(lambda: page.title().startswith("Blocked: "))
    page.evaluate(HIDE % "false")
    expect(page.get_by_role("alert")).to_contain_text("Batch 3 was blocked.", timeout=1_000)
    expect(page.locator("#b-3")).to_be_visible()


def test_13_a_run_ends_in_the_history_though_nobody_looks(served, visit, stream):
    visitor = visit(served())
    page = visitor.open(path(stream))
    feed(stream, range(2))
    page.close()
    feed(stream, range(2, 5))
    end(stream)
    row = visitor.open("/runs").locator("tbody tr")
    expect(row).to_contain_text("Finished")
    expect(row.locator("td").nth(3)).to_have_text("5")


def test_17_nothing_shifts_under_who_has_scrolled(served, visit, stream):
    feed(stream, range(60))
    page = visit(served(), viewport={"width": 1000, "height": 500}).open(path(stream))
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate(
        "new PerformanceObserver((list) => { for (const one of list.getEntries())"
        " window.shifted = (window.shifted ?? 0) + one.value; })"
        ".observe({type: 'layout-shift', buffered: false})"
    )
    page.locator("#b-40").scroll_into_view_if_needed()
    page.mouse.wheel(0, 300)
    at = page.evaluate("scrollY")
    feed(stream, range(60, 63))
    expect(page.locator("#waiting button")).to_have_text("3 new batches")
    assert page.evaluate("window.shifted ?? 0") == 0
    assert page.evaluate("scrollY") >= at
    page.locator("#waiting button").click()
    assert ids(page)[:3] == [62, 61, 60]
    assert len(ids(page)) == 50


def test_18_focus_and_typed_text_stay_while_batches_arrive(served, visit, stream):
    feed(stream, range(3))
    page = visit(served()).open(path(stream))
    expect(page.locator("#link")).to_have_text("Live")
    page.locator("#from").fill("12")
    page.locator("#from").select_text()
    feed(stream, range(3, 8))
    expect(page.locator("#lead")).to_contain_text("8 batches")
    assert page.evaluate("document.activeElement.id + getSelection().toString()") == "from12"
    assert page.locator("#from").input_value() == "12"
    page.locator("#b-7 a").focus()
    feed(stream, range(8, 13))
    expect(page.locator("#lead")).to_contain_text("13 batches")
    assert page.evaluate("document.activeElement.parentElement.id") == "b-7"
    page.locator("#panels").focus()
    page.keyboard.press("ArrowRight")
    feed(stream, [13])
    expect(page.locator("#lead")).to_contain_text("14 batches")
    assert page.evaluate("document.activeElement.id") == "panels"


def test_21_one_sentence_of_progress_and_one_alarm(world, served, visit):
    stream = feed(world.stream(run_type=RunType.ENFORCE), [0])
    page = visit(served()).open(path(stream))
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate(
        "window.heard = []; window.alarms = 0;"
        "new MutationObserver(() => window.heard.push(progress.textContent))"
        ".observe(progress, {childList: true});"
        "new MutationObserver((all) => { for (const one of all) for (const node of one.addedNodes)"
        " if (node.querySelector?.('[role=alert]') || node.matches?.('[role=alert]'))"
        " window.alarms += 1; }).observe(live, {childList: true, subtree: true})"
    )
    for batch in range(1, 8):
        feed(stream, [batch])
        expect(page.locator("#lead")).to_contain_text(f"{batch + 1} batches")
    assert len(page.evaluate("window.heard")) <= 1
    with pytest.raises(BatchBlockedError):
        stream.process([{"id": 1}], 8)
    expect(page.locator("#link")).to_have_text("Ended")
    assert page.evaluate("window.alarms") == 1
