"""Each page shows what is in the ledger, and nothing else."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import pytest
from attrs import evolve
from browsing import until
from feeds import end, feed, rows, run_id
from test_security import token

from dc43_core.errors import BatchBlockedError
from dc43_core.governance.approvals import give_status
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.vocabulary import RunType, VersionStatus
from dc43_demo_app.web.pages.tables import csv_of
from dc43_demo_app.web.security import FIELD


def test_the_pages_of_an_empty_ledger_say_what_will_be_there(browse):
    client = browse()
    for path, said in [
        ("/", "This ledger has no streams."),
        ("/streams", "write_stream_with_contract"),
        ("/runs", "This ledger has no runs."),
        ("/datasets", "This ledger has no datasets."),
        ("/products", "No data product is registered."),
        ("/contracts", "flights"),
        ("/plugins", "plugins loaded"),
    ]:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert said in answer.text, path


def test_a_run_leads_with_its_counts(world, browse):
    stream = feed(world.stream(), range(12), bad=2, count=20)
    text = browse().get(f"/runs/{run_id(stream)}").text
    assert "12 batches committed" in text
    assert ">24</a> of 240 rows rejected (10.0\N{NARROW NO-BREAK SPACE}%)" in text
    assert "nothing blocked" in text
    assert "Stop run" in text


def test_an_unusual_batch_is_named_and_no_other(world, browse):
    stream = world.stream()
    for batch in range(14):
        stream.process(rows(batch, bad=6 if batch == 12 else 1), batch)
    text = browse().get(f"/runs/{run_id(stream)}").text
    assert text.count("unusual,") == 1
    assert "batch 12</a> (13 Jan) 60.0" in text


def test_a_blocked_batch_says_why_what_did_not_happen_and_what_to_do(world, browse):
    stream = feed(world.stream(run_type=RunType.ENFORCE), range(3))
    lacking = [{k: v for k, v in row.items() if k != "tailnum"} for row in rows(3)]
    with pytest.raises(BatchBlockedError):
        stream.process(lacking, 3)
    client = browse()
    text = client.get(f"/runs/{run_id(stream)}").text
    assert "Batch 3 was blocked." in text
    assert "The feed of 4 Jan lacks the required column tailnum." in text
    assert "No row of 10 was published, no dataset version exists" in text
    assert "tailnum" in text.split("Expected and found</h3>")[1].split("</table>")[0]
    assert "Stop run" not in text
    dataset = client.get("/datasets/flights").text
    assert "is blocked; there is no version for it" in dataset
    assert f"/runs/{run_id(stream)}/batches/3" in dataset
    # Started again, it is blocked again: the same incident, with the same ways out.
    again = world.stream(run_type=RunType.ENFORCE)
    with pytest.raises(BatchBlockedError):
        again.process(lacking, 3)
    assert run_id(again) != run_id(stream)
    text = client.get(f"/runs/{run_id(again)}").text
    assert "Batch 3 came back, and was blocked again." in text
    assert "The feed of 4 Jan lacks the required column tailnum." in text
    assert f'href="/runs/{run_id(stream)}/batches/3">The whole batch' in text


def test_the_rejects_of_a_batch_are_exactly_those_that_are_counted(world, browse):
    stream = feed(world.stream(), range(3), bad=3)
    text = browse().get(f"/rejects/flights?run={run_id(stream)}&batch=1").text
    assert "3 rows rejected" in text
    table = text.split('<table class="rows">')[1].split("</table>")[0]
    assert table.count("<tr>") - 1 == 3
    assert "D-AIUA" in table


def test_a_count_of_a_rule_leads_to_exactly_its_rows(world, browse):
    feed(world.stream(), range(5), bad=4)
    text = browse().get("/rejects/flights?check=tailnum.pattern").text
    assert "10 rows rejected for" in text
    table = text.split('<table class="rows">')[1].split("</table>")[0]
    assert table.count("D-AIUA") == 10


def test_rejects_are_paged_over_batches(world, browse):
    feed(world.stream(), range(12), bad=10)
    client = browse()
    first = client.get("/rejects/flights").text
    third = client.get("/rejects/flights?page=3").text
    assert "1 to 50 of 120" in first
    assert "101 to 120 of 120" in third


def test_rejects_of_several_streams_of_one_dataset_are_read_from_each(world, browse):
    feed(world.stream("one"), range(2), bad=2)
    feed(world.stream("two"), range(3), bad=3)
    text = browse().get("/rejects/flights").text
    assert "13 rows rejected" in text
    table = text.split('<table class="rows">')[1].split("</table>")[0]
    assert table.count("<tr>") - 1 == 13


def test_where_the_reject_sink_is_gone_the_counts_stand(world, browse):
    feed(world.stream(), range(2))
    (world.folder / "daily-flights" / "rejects").rename(world.folder / "moved")
    text = browse().get("/rejects/flights").text
    assert "The reject sink cannot be read: the folder is gone." in text
    assert "2 rows rejected" in text


def test_rows_are_not_shown_where_other_machines_can_look(world, browse):
    feed(world.stream(), range(2), bad=2)
    text = browse(shows_rows=False).get("/rejects/flights").text
    assert "it shows no values of rows" in text
    assert "D-AIUA" not in text


def test_a_batch_shows_its_lanes_its_findings_and_its_record(world, browse):
    stream = feed(world.stream(), range(2), bad=2)
    text = browse().get(f"/runs/{run_id(stream)}/batches/1").text
    assert "2 of 10 rows rejected" in text
    assert "2013-01-02.csv" in text
    assert f"{stream.protocol.identity.stream_id}-1" in text


def test_a_batch_that_is_not_recorded_names_the_newest(world, browse):
    stream = feed(world.stream(), range(2))
    answer = browse().get(f"/runs/{run_id(stream)}/batches/412")
    assert answer.status_code == 404
    assert "Batch 412 is not recorded. The newest is 1." in answer.text


def test_a_dataset_lists_each_batch_as_a_version(world, browse):
    feed(world.stream(), range(3))
    text = browse().get("/datasets/flights").text
    assert "The newest version is 2" in text
    assert text.count("/batches/") >= 3


def test_a_version_says_what_its_steward_said(world, browse):
    feed(world.stream(), range(2))
    client = world.runtime.governance
    record = client.records(newest=1)[0]
    word = give_status(
        LocalFileStore(), record, status=VersionStatus.APPROVED, reason="looked at", by="anna"
    )
    client.add_approvals([word])
    text = browse().get("/datasets/flights").text
    assert text.count("approved by anna") == 1


def test_a_run_that_is_not_there_leads_back_to_the_runs(browse):
    answer = browse().get("/runs/7f3a20c1")
    assert answer.status_code == 404
    assert "There is no run 7f3a20c1 in this ledger." in answer.text
    assert 'href="/runs"' in answer.text


def test_a_contract_shows_its_plan_and_who_uses_it(world, browse):
    feed(world.stream(), [0])
    text = browse().get("/contracts/flights/1.0.0").text
    assert "enforced" in text
    assert "tailnum must not be missing" in text
    assert "delay_present" in text
    assert "/datasets/flights" in text


def test_runs_are_filtered_by_state_and_text(world, browse):
    end(feed(world.stream("one"), [0]))
    feed(world.stream("two"), [0])
    client = browse()
    assert ">one</a>" in client.get("/runs?state=finished").text
    assert ">two</a>" not in client.get("/runs?state=finished").text
    assert ">two</a>" in client.get("/runs?q=TWO").text
    assert "No run matches." in client.get("/runs?q=three").text


def test_an_ended_run_leads_to_the_newest_of_its_stream(world, browse):
    first = feed(world.stream(), [0])
    end(first)
    second = feed(world.stream(), [1])
    client = browse()
    assert f'href="/runs/{run_id(second)}">a newer run' in client.get(f"/runs/{run_id(first)}").text
    assert "a newer run" not in client.get(f"/runs/{run_id(second)}").text


def test_a_run_whose_contract_is_not_there_says_what_it_cannot_tell(world, browse):
    stream = feed(world.stream(), range(2))
    (world.folder / "contracts" / "flights.odcs.yaml").unlink()
    text = browse().get(f"/runs/{run_id(stream)}").text
    assert "Which rules only warn stands in the contract" in text
    assert "tailnum.required" in text


def test_a_ledger_that_was_made_anew_is_read_anew(world, browse):
    stream = feed(world.stream(), range(5))
    client = browse()
    assert "5 batches committed" in client.get(f"/runs/{run_id(stream)}").text
    # The records of the batches come back in another order, and fewer of them.
    kept = list(world.runtime.governance.records())[3::-1]
    with sqlite3.connect(world.folder / "ledger.db") as database:
        database.execute("delete from dc43_records")
    database.close()
    world.runtime.governance.record_many(kept)
    until(lambda: "4 batches committed" in client.get(f"/runs/{run_id(stream)}").text, 5)


def test_the_batches_of_a_run_are_a_table_and_a_file(world, browse):
    stream = feed(world.stream(), range(3))
    client = browse()
    table = client.get(f"/runs/{run_id(stream)}/batches").text
    lines = client.get(f"/runs/{run_id(stream)}/batches.csv").text.splitlines()
    assert "3 Jan" in table
    assert lines[0].startswith("batch,label,state,rows")
    assert lines[3].startswith("2,3 Jan,rejected,10,9,1")


def test_a_run_without_sign_of_life_is_never_running(world, browse):
    stream = feed(world.stream(), range(2))
    run = evolve(stream.run_log.run, heartbeat_at="2026-01-01T00:00:00.000Z")
    world.runtime.governance.save_run(run)
    text = browse().get(f"/runs/{run_id(stream)}").text
    assert "No sign of life from the run since 1 Jan 2026, 00:00 UTC." in text
    assert "Running" not in text


def test_a_stream_s_trend_is_drawn_and_told(world, browse):
    feed(world.stream(), range(12), bad=2)
    text = browse().get("/streams").text
    trend = text.split('class="trend"')[1].split("</svg>")[0]
    assert 'aria-label="Rejected share of the newest 12 batches, highest 20.0' in trend
    assert trend.split('class="m-rejected" d="')[1].split('"')[0].count("M") == 12


def test_every_chart_of_a_run_has_its_table_and_file(world, browse):
    stream = feed(world.stream(), range(130), bad=2, late=1)
    client, page = browse(), f"/runs/{run_id(stream)}"
    for panel, title, cells in [
        ("states", "State", ["Rejected"]),
        ("rows", "Rows per batch", ["10", "8", "2"]),
        ("rejected", "Rejected rows", ["2", "20.0\N{NARROW NO-BREAK SPACE}%", "1.0"]),
        ("warnings", "Rows with warnings", ["1", "10.0\N{NARROW NO-BREAK SPACE}%"]),
        ("durations", "Time per batch", []),
    ]:
        assert f'href="{page}?view=table&amp;panel={panel}"' in client.get(page).text
        text = client.get(f"{page}?view=table&panel={panel}").text
        assert f"{title} of daily-flights</h1>" in text
        assert "1 to 100 of 130" in text
        row = text.split("<tbody>")[1].split("</tr>")[0]
        assert "/batches/129" in row
        for cell in cells:
            assert f">{cell}</td>" in row or f"</svg>{cell}</span>" in row, (panel, cell)
    file = client.get(f"{page}?view=table&panel=rejected&from=3&to=5&as=csv").text.splitlines()
    assert file[0] == "Batch,Feed,Rejected,% of rows,Times usual"
    assert [line.split(",")[:4] for line in file[1:]] == [
        ["5", "6 Jan", "2", "0.2"],
        ["4", "5 Jan", "2", "0.2"],
        ["3", "4 Jan", "2", "0.2"],
    ]
    assert client.get(f"{page}?view=table&panel=none").status_code == 404


def test_every_chart_of_a_dataset_has_its_table(world, browse):
    feed(world.stream(), range(3))
    client = browse()
    for panel, cell in [("rejected", "10.0\N{NARROW NO-BREAK SPACE}%"), ("rows", "9")]:
        address = f"/datasets/flights?view=table&amp;panel={panel}"
        assert f'href="{address}"' in client.get("/datasets/flights").text
        text = client.get(address.replace("&amp;", "&")).text
        assert text.count(f'<td class="n">{cell}</td>') == 3


def test_a_contract_names_who_answers_for_it(world, browse):
    file = world.folder / "contracts" / "flights.odcs.yaml"
    file.write_text(file.read_text() + "team: {name: The flight desk}\n")
    assert "owner The flight desk" in browse().get("/contracts/flights/1.0.0").text


def test_what_a_spreadsheet_would_take_for_a_formula_is_text():
    assert csv_of(["a"], [["=1+1"], ["plain"], [None]]).body == b'a\r\n\'=1+1\r\nplain\r\n""\r\n'


def test_times_are_told_in_the_viewer_s_zone_once_it_is_chosen(world, browse):
    end(feed(world.stream(), [0]))
    client = browse()
    assert "UTC</time>" in client.get("/runs").text
    fields = {FIELD: token(client), "times": "local", "zone": "Asia/Tokyo", "back": "/runs"}
    answer = client.post("/times", data=fields, follow_redirects=False)
    assert answer.headers["location"] == "/runs"
    text = client.get("/runs").text
    assert "JST</time>" in text
    assert "UTC</time>" not in text
    assert ">Local, JST</option>" in text
    client.post("/times", data={**fields, "times": "utc"})
    assert "UTC</time>" in client.get("/runs").text


@pytest.mark.parametrize("zone", ["No/Where", "../../etc/passwd", "x\r\ny"])
def test_a_zone_that_nobody_knows_is_utc(world, browse, zone):
    end(feed(world.stream(), [0]))
    client = browse()
    client.post("/times", data={FIELD: token(client), "times": "local", "zone": zone})
    assert "UTC</time>" in client.get("/runs").text


def test_without_a_script_local_is_the_zone_of_this_machine(world, browse):
    end(feed(world.stream(), [0]))
    client = browse()
    client.post("/times", data={FIELD: token(client), "times": "local", "zone": ""})
    assert f"{datetime.now().astimezone().tzname()}</time>" in client.get("/runs").text
