"""Pages that stand still, in a real browser; numbers are those of the acceptance checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve
from axe_playwright_python.sync_playwright import Axe
from browsing import DESK, PHONE, Server, tab_to
from feeds import CONTRACT, World, end, feed, rows, run_id
from playwright.sync_api import expect
from test_actions import Noted

import dc43_demo_app
from dc43_core.errors import BatchBlockedError
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import make_run
from dc43_core.vocabulary import Outcome, RunOutcome, RunType
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
        stopped = feed(world.stream("stopped-flights"), [0])
        end(stopped, RunOutcome.STOPPED)
        silent = feed(world.stream("silent-flights"), [0])
        long_ago = evolve(silent.run_log.run, heartbeat_at="2026-01-01T00:00:00.000Z")
        world.runtime.governance.save_run(long_ago)
        waiting = world.stream("waiting-flights")
        launch = Launch(launch_id="launch1", title="it", started_at="2026-11-28T16:00:00.000Z")
        launched = Noted(launched=evolve(launch, problem="Java was not found."))
        server = Server(world.site(launcher=launched)).start()
        yield (
            server,
            [
                *PLAIN,
                path(running),
                path(blocked),
                path(failed),
                path(stopped),
                path(silent),
                path(waiting),
                f"{path(running)}?view=table&panel=rejected",
                "/datasets/flights?view=table",
                "/launches/launch1",
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
    for one in paths:
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


@pytest.mark.parametrize(
    ("where", "counts"),
    [("", 3), ("/batches", 6), ("/batches/2", 3), ("/runs", 1), ("/datasets/flights", 7)],
)
def test_7_every_count_of_rejects_leads_to_exactly_these_rows(world, served, visit, where, counts):
    stream = feed(world.stream(), range(6), bad=3)
    address = where if where in ("/runs", "/datasets/flights") else path(stream) + where
    page = visit(served()).open(address)
    links = page.locator('main a[href^="/rejects/"]').filter(has_text=re.compile(r"\d"))
    expect(links).to_have_count(counts)
    for at in range(counts):
        said = int(re.findall(r"[\d,]+", links.nth(at).inner_text())[0].replace(",", ""))
        links.nth(at).click()
        expect(page.get_by_text(re.compile(f"^{said} rows? rejected")).first).to_be_visible()
        assert page.locator("table.rows tbody tr").count() == said
        assert page.locator("table.rows .reasons p").count() >= said
        page.go_back()


def test_4_the_two_days_of_the_blizzard_are_unusual_and_no_other(world, served, visit, year):
    """Real flights of 29 January to 10 February, each value judged by the rules' own words."""
    contracts = Path(dc43_demo_app.__file__).parent / "contracts"
    stream = world.stream("streaming-dq-rejects", contract="flights", folder=contracts)
    for batch in range(28, 41):
        stream.process(world.flights(year, batch, stream), batch)
    stream.run_log.beat()
    page = visit(served()).open(path(stream))
    space = "\N{NARROW NO-BREAK SPACE}"
    marks = page.locator("#panel-rejected .t-unusual")
    expect(marks).to_have_text([f"23.3{space}%", f"27.8{space}%"])
    expect(page.locator("#lead")).to_contain_text(f"(8 Feb) 23.3{space}%, batch 39 (9 Feb) 27.8")
    page.locator("#panels").focus()
    for batch in (38, 39, 38):
        page.keyboard.press("u")
        expect(page.locator("#readout")).to_contain_text(f"Batch {batch}, ")
    page.goto(f"{page.url}/batches?state=unusual")
    expect(page.locator("tbody th")).to_have_text(["39", "38"])


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
    page.get_by_role("link", name="Show as table: Rejected rows").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.go_back()
    page.get_by_role("link", name="Table", exact=True).click()
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
    page.get_by_role("button", name="Set").first.click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert not page.locator(".copy").first.is_visible()
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
    expect(page.locator("#timeline .caption").first).to_contain_text("1 column = 34 batches")
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
    server = served(launcher=launcher)
    page = visit(server).open("/")
    page.on("dialog", lambda dialog: dialog.accept())

    def press(target):
        tab_to(target)
        page.keyboard.press("Enter")

    press(page.get_by_role("button", name="Start streaming-valid"))
    page.wait_for_url("**/launches/launch1")
    assert launcher.told[0][0] == "start"
    page.goto(server.url + path(stream))
    tab_to(page.locator("#panels"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#readout")).to_contain_text("Batch 2, 3 Jan: Rejected, 10 rows, 2 rej")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/2")
    press(page.get_by_role("link", name="2 rejected rows"))
    page.wait_for_url("**/rejects/**")
    press(page.get_by_role("button", name="Replay 2 rows"))
    page.wait_for_url("**/launches/launch1")
    assert launcher.told[-1][0] == "replay"
    page.goto(server.url + path(stream))
    press(page.get_by_role("button", name="Stop run"))
    expect(page.get_by_text("Stopping after the batch at hand.")).to_be_visible()


SMALL = """(least) => [...document.querySelectorAll(
    'main a, button, select, input:not([type=hidden]), nav a, summary')]
  .filter((e) => e.offsetParent)
  .map((e) => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
  .filter(([, r]) => r.width && (r.height < least || r.width < least))
  .map(([html, r]) => `${Math.round(r.width)}x${Math.round(r.height)} ${html}`)"""


CUT = """() => [...document.querySelectorAll('main *')]
  .filter((e) => getComputedStyle(e).overflowY === 'hidden' && !e.closest('.quiet, svg')
    && e.scrollHeight > e.clientHeight + 1)
  .map((e) => e.outerHTML.slice(0, 120))"""


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
        if found := page.evaluate(CUT):
            wrong[f"{one} is cut"] = found
    assert wrong == {}


HOSTILE = """\
\r\n\r\nevent: end\ndata: gone\u2028\n\n\
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
    stream.process([{**row, "tailnum": HOSTILE} for row in rows(2)], 2)
    visitor = visit(served())
    # What a name says does not end the stream of events, nor begin an event of its own.
    live = visitor.open(path(stream))
    expect(live.locator("#link")).to_have_text("Live")
    feed(stream, [3])
    expect(live.locator("#b-3")).to_be_visible()
    expect(live.locator("#link")).to_have_text("Live")
    assert live.evaluate("window.pwned") is None
    live.close()
    asked = []
    for one in [
        "/streams",
        "/runs",
        path(stream),
        f"{path(stream)}/batches/1",
        f"{path(stream)}/batches/2",
        f"{path(stream)}?view=table",
        "/rejects/hostile?batch=2",
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
    page.locator(".brush").scroll_into_view_if_needed()
    strip = page.locator(".brush").bounding_box()
    y = strip["y"] + strip["height"] / 2
    page.mouse.move(strip["x"] + 2, y)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.25, y)
    page.mouse.up()
    assert (page.input_value("#from"), page.input_value("#to")) == ("0", "10")
