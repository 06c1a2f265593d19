"""What the server refuses, and what browsers must obey."""

from __future__ import annotations

import re

import pytest
from feeds import feed, run_id

from dc43_demo_app.web.security import COOKIE, CSP, FIELD


def token(client, path="/runs"):
    return re.search(rf'name="{FIELD}" value="([^"]+)"', client.get(path).text)[1]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8043", ""])
def test_25_a_foreign_host_is_refused_with_a_sentence(browse, host):
    answer = browse().get("/streams", headers={"host": host})
    assert answer.status_code == 400
    assert "This server does not answer for the host" in answer.text


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:8043"])
def test_this_machine_is_answered(browse, host):
    assert browse().get("/streams", headers={"host": host}).status_code == 200


def test_25_a_form_without_its_token_is_refused_and_nothing_happens(world, browse):
    stream = feed(world.stream(), [0])
    client = browse()
    client.get("/runs")
    answer = client.post(f"/runs/{run_id(stream)}/stop", data={"sure": "yes"})
    assert answer.status_code == 403
    assert "does not carry the token of your browser" in answer.text
    assert world.runtime.governance.runs()[0].stop_request is None


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
def test_a_form_from_elsewhere_is_refused(world, browse, origin):
    stream = feed(world.stream(), [0])
    client = browse()
    fields = {FIELD: token(client), "sure": "yes"}
    headers = {"origin": origin}
    answer = client.post(f"/runs/{run_id(stream)}/stop", data=fields, headers=headers)
    assert answer.status_code == 403
    assert f"was sent from {origin}" in answer.text


def test_a_token_of_another_browser_is_refused(world, browse):
    stream = feed(world.stream(), [0])
    mine, other = browse(), browse()
    mine.get("/runs")
    answer = mine.post(f"/runs/{run_id(stream)}/stop", data={FIELD: token(other)})
    assert answer.status_code == 403


def test_a_form_that_is_too_long_is_refused(browse):
    client = browse()
    answer = client.post("/theme", data={FIELD: token(client), "back": "x" * 70_000})
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/streams", "/runs/none", "/static/app.css", "/nowhere"])
def test_every_answer_carries_the_policy(browse, path):
    headers = browse().get(path).headers
    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_kept_and_named_files_are(browse):
    client = browse()
    page = client.get("/streams")
    style = re.search(r'href="(/static/app\.css\?v=[0-9a-f]{12})"', page.text)[1]
    assert page.headers["cache-control"] == "no-store"
    assert "immutable" in client.get(style).headers["cache-control"]


def test_no_template_holds_a_script_or_a_style_of_its_own(browse):
    from dc43_demo_app.web.assets import Assets

    for file in Assets().templates.rglob("*.html"):
        text = file.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), file


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_theme_leads_back_to_this_server_only(browse, back):
    client = browse()
    fields = {FIELD: token(client), "theme": "dark", "back": back}
    answer = client.post("/theme", data=fields, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_the_theme_is_kept(browse):
    client = browse()
    fields = {FIELD: token(client), "theme": "dark", "back": "/runs"}
    assert 'data-theme="dark"' in client.post("/theme", data=fields).text


def test_the_token_is_out_of_reach_of_scripts(browse):
    cookie = browse().get("/streams").headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
