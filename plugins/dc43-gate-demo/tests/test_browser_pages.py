"""Pages that stand still, in a real browser; numbers are those of the acceptance checks."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import DESK, PHONE, Server
from feeds import CONTRACT, World, end, feed, rows, run_id
from playwright.sync_api import expect
from test_actions import Noted

from dc43_core.errors import BatchBlockedError
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import make_run
from dc43_core.vocabulary import Outcome, RunOutcome, RunType
from dc43_demo_app import formats
from dc43_demo_app.launch import Launch

PLAIN = ["/", "/streams", "/runs", "/datasets", "/contracts", "/products", "/plugins"]


def path(stream):
    return f"/runs/{run_id(stream)}"


def blocked_stream(world, name="blocked-flights"):
    stream = feed(world.stream(name, run_type=RunType.ENFORCE), range(3))
    lacking = [{k: v for k, v in row.items() if k != "tailnum"} for row in rows(3)]
    with pytest.raises(BatchBlockedError):
        stream.process(lacking, 3)
    return stream


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """Pages over runs in every state; tests only look at them."""
    with World.at(tmp_path_factory.mktemp("gallery")) as world:
        running = feed(world.stream(), range(12), bad=2, late=1)
        blocked = blocked_stream(world)
        failed = feed(world.stream("failed-flights"), [0])
        end(failed, RunOutcome.FAILED)
        server = Server(world.site(launcher=Noted())).start()
        yield (
            server,
            [
                *PLAIN,
                path(running),
                path(blocked),
                path(failed),
                f"{path(running)}/batches",
                f"{path(running)}/batches/3",
                f"{path(blocked)}/batches/3",
                "/datasets/flights",
                "/rejects/flights?batch=1",
                "/contracts/flights/1.0.0",
                "/runs?q=nothing-like-it",
                "/runs/none",
            ],
        )
        server.stop()


def test_1_and_20_every_page_is_quiet_and_axe_finds_nothing(gallery, visit):
    server, paths = gallery
    visitor = visit(server, quiet=False)
    page, found = visitor.open("/"), {}
    for one in paths:
        page.goto(server.url + one)
        for violation in Axe().run(page).response["violations"]:
            where = [node["html"][:160] for node in violation["nodes"][:2]]
            found.setdefault(violation["id"], (one, violation["help"], where))
    assert found == {}
    # Of an address that is not there, the last one, the browser complains by itself.
    assert [text for text in visitor.console if "404 (Not Found)" not in text] == []


def test_20_colours_have_contrast_in_the_dark(gallery, visit):
    server, paths = gallery
    page, found = visit(server, color_scheme="dark", quiet=False).open("/"), {}
    for one in paths[7:14]:
        page.goto(server.url + one)
        only = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
        for violation in Axe().run(page, options=only).response["violations"]:
            found[one] = [node["html"][:160] for node in violation["nodes"][:2]]
    assert found == {}


def test_20_axe_finds_nothing_where_there_is_nothing(served, visit):
    server = served()
    page = visit(server).open("/")
    for one in PLAIN[1:4]:
        page.goto(server.url + one)
        assert [v["id"] for v in Axe().run(page).response["violations"]] == []


def test_7_every_count_of_rejects_leads_to_exactly_these_rows(world, served, visit):
    stream = feed(world.stream(), range(6), bad=3)
    page = visit(served()).open(path(stream))
    counts = page.locator('a[href^="/rejects/"]')
    expect(counts).to_have_count(3)
    for at in range(3):
        said = int(counts.nth(at).inner_text().replace(",", ""))
        counts.nth(at).click()
        expect(page.get_by_text(f"{said} rows rejected").first).to_be_visible()
        assert page.locator("table.rows tbody tr").count() == said
        assert page.locator("table.rows .reasons p").count() >= said
        page.go_back()


def test_8_from_a_batch_all_is_one_click_away_and_back_is_where_one_was(world, served, visit):
    stream = feed(world.stream(), range(40))
    page = visit(served(), viewport={"width": 1000, "height": 500}).open(
        f"{path(stream)}?from=5&to=30"
    )
    card = page.locator("#b-36 a")
    card.scroll_into_view_if_needed()
    at = page.evaluate("scrollY")
    card.click()
    for name, goes in [
        ("Governed input", "#input"),
        ("1 rejected row", "/rejects/flights"),
        ("flights 1.0.0", "/contracts/flights/1.0.0"),
    ]:
        page.get_by_role("link", name=name).click()
        page.wait_for_url(f"**{goes}*")
        page.go_back()
        page.wait_for_url("**/batches/36")
    page.go_back()
    page.wait_for_url("**?from=5&to=30")
    expect(page.locator(".caption").first).to_contain_text("batches 5 to 30 of 40")
    assert abs(page.evaluate("scrollY") - at) < 40


def test_14_without_scripts_everything_is_there(world, served, visit):
    stream = feed(world.stream(), range(30))
    done = feed(world.stream("done-flights"), range(3))
    end(done)
    page = visit(served(), java_script_enabled=False).open(path(done))
    expect(page.get_by_text("3 batches published")).to_be_visible()
    assert page.locator("#panel-rejected path.m-rejected").get_attribute("d").count("M") == 3
    page.get_by_role("link", name="Table").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("State").select_option("ok")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No batch matches.")).to_be_visible()
    page.goto(f"{page.url.split('/runs')[0]}{path(stream)}")
    page.get_by_label("From").fill("4")
    page.get_by_label("to", exact=True).fill("9")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".caption").first).to_contain_text("batches 4 to 9 of 30")
    page.get_by_label("Theme").select_option("dark")
    page.get_by_role("button", name="Set").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.url.endswith("from=4&to=9")
    page.get_by_role("button", name="Stop run").click()
    expect(page.get_by_text("What is published stays")).to_be_visible()
    page.get_by_role("button", name="Stop after the current batch").click()
    expect(page.get_by_text("Stopping after the batch at hand.")).to_be_visible()


@pytest.fixture
def large(world):
    """A run of 10,000 batches, one of them blocked, straight in the ledger."""
    client = world.runtime.governance
    client.save_run(make_run(outcome=RunOutcome.BLOCKED, ended_at="2026-11-23T19:03:12.004Z"))
    stream_id = make_run().stream_id
    records = [make_record(batch_id=at, stream_id=stream_id) for at in range(10_000)]
    records[4_321] = make_record(batch_id=4_321, stream_id=stream_id, outcome=Outcome.BLOCKED)
    client.record_many(records)
    return make_run().run_id


def test_15_and_16_ten_thousand_batches_stay_few_nodes_and_one_block_is_found(large, served, visit):
    page = visit(served()).open(f"/runs/{large}")
    nodes = "document.querySelectorAll('#timeline *, #cards *, #violations *').length"
    assert page.evaluate(nodes) < 400
    expect(page.locator(".caption").first).to_contain_text("1 column = 34 batches")
    expect(page.locator("#panel-states text", has_text="Blocked")).to_be_visible()
    page.locator("#panels").focus()
    page.keyboard.press("b")
    expect(page.locator("#readout")).to_contain_text("Blocked")
    first, last = map(int, re.findall(r"Batches (\d+) to (\d+)", page.inner_text("#readout"))[0])
    assert first <= 4_321 <= last
    page.goto(f"{page.url}/batches?state=blocked")
    expect(page.locator("tbody th")).to_have_text(["4321"])


def test_19_by_keys_alone(world, served, visit):
    stream = feed(world.stream(), range(4), bad=2)
    waiting = Launch(launch_id="launch1", title="it", started_at="2026-11-28T16:00:00.000Z")
    launcher = Noted(launched=waiting)
    page = visit(served(launcher=launcher)).open("/")
    page.get_by_role("button", name="Start streaming-valid").press("Enter")
    page.wait_for_url("**/launches/launch1")
    assert launcher.told[0][0] == "start"
    page.goto(f"{page.url.split('/launches')[0]}{path(stream)}")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "panels":
            break
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#readout")).to_contain_text("Batch 2, 3 Jan: Rejected, 10 rows, 2 rej")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/2")
    page.get_by_role("link", name="2 rejected rows").press("Enter")
    page.get_by_role("button", name="Replay 2 rows").press("Enter")
    page.wait_for_url("**/launches/launch1")
    assert launcher.told[-1][0] == "replay"
    page.goto(f"{page.url.split('/launches')[0]}{path(stream)}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop run").press("Enter")
    expect(page.get_by_text("Stopping after the batch at hand.")).to_be_visible()


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


def test_22_no_two_states_share_word_and_picture():
    states = ["ok", "warning", "rejected", "blocked", "error", "idle", "running"]
    assert len({formats.word(state) for state in states}) == len(states)
    assert len({formats.icon(state) for state in states}) == len(states)
    assert formats.icon("brand-new") == "idle"
    assert formats.word("brand-new") == "Brand-new"


SMALL = """(least) => [...document.querySelectorAll(
    'main a, button, select, input:not([type=hidden]), nav a, summary')]
  .filter((e) => e.offsetParent)
  .map((e) => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
  .filter(([, r]) => r.width && (r.height < least || r.width < least))
  .map(([html, r]) => `${Math.round(r.width)}x${Math.round(r.height)} ${html}`)"""


@pytest.mark.parametrize("touch", [False, True], ids=["pointer", "touch"])
def test_23_narrow_and_large_text_fit_and_targets_are_large_enough(gallery, visit, touch):
    server, paths = gallery
    narrow = {"width": 320, "height": 640}
    visitor = visit(server, viewport=narrow, has_touch=touch, is_mobile=touch, quiet=False)
    page, wrong = visitor.open("/"), {}
    for one in paths:
        page.goto(server.url + one)
        if found := page.evaluate(SMALL, 44 if touch else 24):
            wrong[one] = found
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > narrow["width"]:
            wrong[f"{one} is wide"] = wide
    assert wrong == {}


HOSTILE = """\
<script>window.pwned = 1</script><img src=x onerror="window.pwned = 1"><a href="javascript:1">\
</a><p hx-get="/theme" hx-trigger="load">\u202egnp.exe"""


def test_24_what_a_contract_says_is_text(world, served, visit):
    name = HOSTILE + "y" * 10_000
    text = CONTRACT.replace("id: flights", "id: hostile").replace("A few flights", repr(name))
    quoted = "name: '" + name.replace("'", "''") + "'"
    text = re.sub(r"name: '.*'", lambda _: quoted, text, count=1)
    text = text.replace(
        "logicalType: string", f"logicalType: string\n        description: {name!r}"
    )
    (world.folder / "contracts" / "hostile.odcs.yaml").write_text(text)
    stream = feed(world.stream(HOSTILE, contract="hostile"), range(2), bad=2)
    visitor = visit(served())
    asked = []
    for one in [
        "/streams",
        "/runs",
        path(stream),
        f"{path(stream)}/batches/1",
        "/datasets/hostile",
        "/rejects/hostile",
        "/contracts",
        "/contracts/hostile/1.0.0",
    ]:
        page = visitor.open(one)
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(100)
        assert page.evaluate("window.pwned") is None, one
        assert page.evaluate("document.documentElement.scrollWidth") <= DESK["width"], one
        assert page.locator("main script, main img, [hx-get]").count() == 0, one
        page.close()
    assert not [url for url in asked if "theme" in url]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_the_brush_takes_a_window_by_dragging(world, served, visit, size):
    stream = feed(world.stream(), range(20))
    end(stream)
    page = visit(served(), viewport=size).open(path(stream))
    strip = page.locator(".brush").bounding_box()
    y = strip["y"] + strip["height"] / 2
    page.mouse.move(strip["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.25, y)
    page.mouse.up()
    assert (page.input_value("#from"), page.input_value("#to")) == ("0", "10")
