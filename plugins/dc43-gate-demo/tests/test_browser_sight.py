"""States told apart by whoever sees few colours or none; the number is that of the check."""

from __future__ import annotations

import base64
import math

import pytest

from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, Verdict
from dc43_demo_app import formats
from dc43_demo_app.charts import panels
from dc43_demo_app.charts.columns import columns
from dc43_demo_app.reading.batch import brief
from dc43_demo_app.web.render import environment

STATES = ["ok", "warning", "rejected", "blocked", "error", "idle", "running"]
SIGHTS = ["none", "achromatopsia", "protanopia", "deuteranopia", "tritanopia"]
UNLIKE = """async ([one, other]) => {
  const pixels = await Promise.all([one, other].map(async (url) => {
    const image = await createImageBitmap(await (await fetch(url)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.getContext('2d').getImageData(0, 0, image.width, image.height).data;
  }));
  let unlike = 0;
  for (let at = 0; at < pixels[0].length; at += 4)
    if (Math.abs(pixels[0][at] - pixels[1][at]) + Math.abs(pixels[0][at + 1] - pixels[1][at + 1])
      + Math.abs(pixels[0][at + 2] - pixels[1][at + 2]) > 90) unlike += 1;
  return unlike / (pixels[0].length / 4);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_22_every_two_states_differ_however_colours_are_seen(served, visit, browser, scheme):
    assert len({formats.word(state) for state in STATES}) == len(STATES)
    assert (formats.icon("brand-new"), formats.word("brand-new")) == ("idle", "Brand-new")
    server = served()
    # All of them are in the window at once.
    tall = {"width": 1000, "height": 2000}
    page = visit(server, color_scheme=scheme, viewport=tall).open("/plugins")
    made = page_templates(server)
    shown = [made("parts").chip(state) for state in STATES]
    # A strip of one column for each state that a batch has.
    strips = [
        made("chart").panel(panels.states(columns([a_batch(state)], ())), "#")
        for state in STATES
        if state != "running"
    ]
    page.evaluate(
        "([chips, strips]) => { document.querySelector('main').innerHTML = ["
        "...chips.map((one) => `<p class='surface' data-chip>${one}</p>`),"
        "...strips.map((one) => `<div class='surface' data-strip>${one}</div>`)].join('') }",
        [list(map(str, shown)), list(map(str, strips))],
    )
    page.add_style_tag(url=page.locator("link[rel=stylesheet]").get_attribute("href"))
    tools, judge = page.context.new_cdp_session(page), browser.new_page()
    for sight in SIGHTS:
        tools.send("Emulation.setEmulatedVisionDeficiency", {"type": sight})
        for what, least in (("[data-chip] .icon", 0.1), ("[data-strip] .plot", 0.1)):
            taken = [seen(page, one) for one in page.locator(what).all()]
            for at, one in enumerate(taken):
                for other in taken[at + 1 :]:
                    assert judge.evaluate(UNLIKE, [one, other]) > least, (sight, what, at)
    judge.close()


def page_templates(server):
    """Return the macros of the pages by the name of their file."""
    made = environment(server.site)
    return lambda name: made.get_template(f"macros/{name}.html").module


def a_batch(state):
    facts = {
        "ok": {"reject_count": 0, "verdict": Verdict.OK},
        "warning": {"reject_count": 0},
        "rejected": {},
        "blocked": {"outcome": Outcome.BLOCKED},
        "error": {"verdict": Verdict.UNKNOWN},
        "idle": {"reject_count": 0, "row_count": 0, "verdict": Verdict.OK},
    }[state]
    made = brief(make_record(**facts), 1, ())
    assert made.state == state
    return made


def seen(page, one):
    """Return the picture of an icon, or of the cell at the left end of a strip."""
    box = one.bounding_box()
    x, y = math.floor(box["x"]), math.floor(box["y"])
    size = {"width": 16, "height": 16}
    if box["width"] > 20:
        y += math.floor(box["height"]) - 24
        size = {"width": 20, "height": 24}
    page.mouse.move(0, 0)
    shot = page.screenshot(clip={"x": x, "y": y, **size}, animations="disabled")
    return "data:image/png;base64," + base64.b64encode(shot).decode()
