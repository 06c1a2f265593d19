"""Helpers share what they take, and each still says all of it under its own name."""

import inspect

import pytest

pytest.importorskip("pyspark")

from dc43_integrations.spark import io

READS = [getattr(io, name) for name in io.__all__ if name.startswith("read_")]
WRITES = [getattr(io, name) for name in io.__all__ if name.startswith("write_")]


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_a_read_shows_each_argument_that_reads_have_in_common(read):
    shown = inspect.signature(read).parameters
    assert next(iter(shown)) == "spark"
    assert {*io.ReadArguments.__annotations__, "data_product_input", "return_status"} < {*shown}


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_a_write_shows_each_argument_that_writes_have_in_common(write):
    shown = inspect.signature(write).parameters
    assert next(iter(shown)) == "df"
    assert {*io.WriteArguments.__annotations__, "data_product_output"} < {*shown}
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in shown.values())


def test_batch_helpers_know_nothing_of_streams():
    for helper in (h for h in (*READS, *WRITES) if "stream" not in h.__name__):
        said = {*inspect.signature(helper).parameters}
        assert not said & {
            "trigger",
            "checkpoint_location",
            "query_name",
            "output_mode",
            "ephemeral",
        }


@pytest.mark.parametrize(
    ("helper", "options", "match"),
    [
        (io.read_with_contract, {"pth": 1}, r"read_with_contract\(\) .*'pth'; did you mean path"),
        (io.write_with_contract, {"trigger": 1}, r"write_with_contract\(\) .* parameter 'trigger'"),
        (io.write_stream_to_data_product, {"rejcts": 1}, "did you mean rejects"),
    ],
)
def test_a_misspelt_argument_is_refused_under_the_helper_s_name(helper, options, match):
    with pytest.raises(TypeError, match=match):
        helper(**options)
