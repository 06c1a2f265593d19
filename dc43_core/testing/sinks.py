"""What every sink holds to: rows become visible all at once, and once only."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlsplit

import pytest

from dc43_core.errors import Dc43Error
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink import Sink
from dc43_core.testing.stores import at_once

Stage = Callable[[], str]
Visible = Callable[[], Sequence[str]]

_ROUNDS = 10
# Past the places where a log of Spark's is compacted.
_MANY = 23


def _stream() -> str:
    return uuid.uuid4().hex


def prepare(
    sink: Sink, stage: Stage, *, batch_id: int = 0, stream: str, files: int = 1
) -> LaneManifest:
    """Stage files and return their manifest, as the protocol writes it."""
    token = f"batch-{stream}-{batch_id:010d}-"
    staged = sorted(stage() for _ in range(files))
    return LaneManifest(
        token=token,
        after=sink.newest(),
        moves=tuple((path, sink.final_name(token, i, path)) for i, path in enumerate(staged)),
    )


def _names(*manifests: LaneManifest) -> list[str]:
    return [_name(final) for manifest in manifests for _, final in manifest.moves]


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


class SinkConformance:
    """Claims about a `Sink` over a file store; subclass it and give the fixtures."""

    @pytest.fixture
    def sink(self) -> Sink:
        """An empty sink."""
        raise NotImplementedError("give the fixture `sink`")

    @pytest.fixture
    def rival(self, sink: Sink) -> Sink:
        """The same destination as another driver holds it; by default the same object."""
        return sink

    @pytest.fixture
    def store(self) -> FileStore:
        """Where staged and final files lie."""
        raise NotImplementedError("give the fixture `store`")

    @pytest.fixture
    def stage(self) -> Stage:
        """Writes one more file below `sink.staging()` and returns its URI."""
        raise NotImplementedError("give the fixture `stage`")

    @pytest.fixture
    def visible(self) -> Visible:
        """Returns the names or URIs of the files that a reader sees, oldest entry first."""
        raise NotImplementedError("give the fixture `visible`")

    def test_it_says_what_it_is(self, sink: Sink) -> None:
        """Its URI is absolute, its guarantee is a word for people, and it can be published to."""
        assert urlsplit(sink.uri).scheme, f"uri must be absolute, not {sink.uri}"
        assert sink.guarantee.strip(), "it states no guarantee"
        assert sink.newest() == -1, f"an empty sink's newest entry is -1, not {sink.newest()}"
        assert not sink.defects(), sink.defects()

    def test_what_a_stream_published_is_missed(self, sink: Sink, stage: Stage) -> None:
        """A destination that lost an entry says so, and that of a batch it has never seen."""
        manifests = [
            prepare(sink, stage, stream=stream, batch_id=n)
            for stream in [_stream()]
            for n in range(3)
        ]
        for manifest in manifests[:2]:
            sink.publish(manifest)
        assert not sink.defects(reversed(manifests[:2])), "what is there must not be missed"
        assert sink.defects(reversed(manifests)), "a batch that is not there must be missed"

    def test_staged_files_are_invisible(self, sink: Sink, stage: Stage, visible: Visible) -> None:
        """Nothing is visible before it is published."""
        prepare(sink, stage, stream=_stream(), files=2)
        assert not sink.defects(), sink.defects()
        assert list(visible()) == [], f"staged files can be seen: {visible()}"
        assert list(sink.files()) == [], f"files() lists staged files: {sink.files()}"

    def test_a_final_name_is_the_same_at_every_attempt(self, sink: Sink) -> None:
        """What an attempt before has moved is found by its name; names do not meet."""
        names = [
            sink.final_name(f"batch-{'0' * 32}-{n:010d}-", i, "x") for n in (0, 1) for i in (0, 1)
        ]
        again = [
            sink.final_name(f"batch-{'0' * 32}-{n:010d}-", i, "x") for n in (0, 1) for i in (0, 1)
        ]
        assert names == again, f"final names change: {names}, {again}"
        assert len(set(names)) == 4, f"two files share a final name: {names}"

    def test_what_is_published_is_visible(self, sink: Sink, stage: Stage, visible: Visible) -> None:
        """All files of the manifest, under their final names, as entry 0."""
        manifest = prepare(sink, stage, stream=_stream(), files=3)
        number = sink.publish(manifest)
        assert number == 0, f"the first entry has number 0, not {number}"
        assert sink.newest() == 0, f"newest() says {sink.newest()} after the first entry"
        assert sorted(map(_name, visible())) == _names(manifest), "other files are visible"
        assert sorted(map(_name, sink.files())) == _names(manifest), "files() says otherwise"
        assert not sink.defects(), sink.defects()

    def test_to_publish_again_changes_nothing(
        self, sink: Sink, rival: Sink, stage: Stage, visible: Visible
    ) -> None:
        """A driver that died after the entry comes back and finds it done."""
        stream = _stream()
        first = prepare(sink, stage, stream=stream)
        number = sink.publish(first)
        second = prepare(sink, stage, stream=stream, batch_id=1)
        sink.publish(second)
        for who in (sink, rival):
            again = who.publish(first)
            assert again == number, f"published again it is entry {again}, not {number}"
        assert [_name(path) for path in visible()] == _names(first, second), "it landed twice"

    def test_what_was_moved_in_part_is_completed(
        self, sink: Sink, rival: Sink, store: FileStore, stage: Stage, visible: Visible
    ) -> None:
        """The process died between two files; nothing of them was visible."""
        manifest = prepare(sink, stage, stream=_stream(), files=3)
        staged, final = manifest.moves[1]
        if staged != final:
            store.rename_no_replace(staged, final)
        assert list(visible()) == [], "a file that is moved and not published can be seen"
        assert not rival.defects(), rival.defects()
        rival.publish(manifest)
        assert sorted(map(_name, visible())) == _names(manifest), "it was not completed"

    def test_a_lost_file_publishes_nothing(
        self, sink: Sink, store: FileStore, stage: Stage, visible: Visible
    ) -> None:
        """Part of a batch must not pass for the batch."""
        manifest = prepare(sink, stage, stream=_stream(), files=2)
        store.delete(manifest.moves[1][0])
        with pytest.raises((Dc43Error, OSError)):
            sink.publish(manifest)
        assert list(visible()) == [], f"part of the batch can be seen: {visible()}"

    def test_two_publishers_of_one_manifest_land_it_once(
        self, sink: Sink, rival: Sink, stage: Stage, visible: Visible
    ) -> None:
        """The old driver and the new one complete the same prepared batch."""
        stream, manifests = _stream(), []
        for batch_id in range(_ROUNDS):
            manifest = prepare(sink, stage, stream=stream, batch_id=batch_id, files=2)
            manifests.append(manifest)
            numbers = at_once([partial(s.publish, manifest) for s in (sink, rival)])
            assert numbers == [batch_id, batch_id], f"batch {batch_id} is entry {numbers}"
        assert [_name(path) for path in visible()] == _names(*manifests), "it landed twice"

    def test_streams_that_share_the_sink_get_numbers_of_their_own(
        self, sink: Sink, rival: Sink, stage: Stage, visible: Visible
    ) -> None:
        """Both prepared at the same moment; each gets an entry, one after the other."""
        manifests = []
        for batch_id in range(_ROUNDS):
            pair = [prepare(sink, stage, stream=_stream(), batch_id=batch_id) for _ in range(2)]
            manifests += pair
            writers = zip((sink, rival), pair, strict=True)
            numbers = at_once([partial(s.publish, m) for s, m in writers])
            wanted = [2 * batch_id, 2 * batch_id + 1]
            assert sorted(numbers) == wanted, f"two batches got the numbers {numbers}"
        assert sorted(map(_name, visible())) == sorted(_names(*manifests)), "one was lost"

    def test_numbers_grow_by_one(self, sink: Sink, stage: Stage, visible: Visible) -> None:
        """A number is the dataset's version: none is left out, none is used twice."""
        stream, manifests, numbers = _stream(), [], []
        for batch_id in range(_MANY):
            manifests.append(prepare(sink, stage, stream=stream, batch_id=batch_id))
            numbers.append(sink.publish(manifests[-1]))
        assert numbers == list(range(_MANY)), f"numbers are {numbers}"
        assert [_name(path) for path in visible()] == _names(*manifests), (
            "a reader must see every file, in the order of publication"
        )

    def test_an_overwrite_takes_the_place_of_all_before_it(
        self, sink: Sink, stage: Stage, visible: Visible
    ) -> None:
        """Of a sink that can replace: readers see the new files alone, and later ones besides."""
        make = getattr(sink, "replacing", None)
        if make is None:
            pytest.skip("this sink only adds")
        for batch_id in range(3):
            sink.publish(prepare(sink, stage, batch_id=batch_id, stream=_stream()))
        new = prepare(sink, stage, stream=_stream())
        number = make().publish(new)
        assert sink.newest() == number
        assert list(map(_name, visible())) == _names(new)
        assert sink.publish(new) == number, "whoever completes it finds it"
        later = prepare(sink, stage, stream=_stream())
        assert sink.publish(later) == number + 1
        assert list(map(_name, visible())) == _names(new, later)
