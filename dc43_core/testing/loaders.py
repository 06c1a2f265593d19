"""What every contract loader holds to."""

from __future__ import annotations

import hashlib

import pytest

from dc43_core.contracts.interface import ContractLoader
from dc43_core.contracts.model import Contract
from dc43_core.errors import ContractError

_SOURCE = "some/contract"
_NO_CONTRACTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n\t\n",
    "prose": b"Dear all,\nthe contract is attached.\n",
    "not UTF-8": b"\xff\xfe\x00k\x00i\xc3\x28",
    "zeros": b"\x00" * 1000,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a JSON list": b"[1, 2, 3]",
    "many brackets": b"[" * 100_000,
}


class ContractLoaderConformance:
    """Claims about a `ContractLoader`; subclass it and give the fixtures."""

    @pytest.fixture
    def loader(self) -> ContractLoader:
        """The loader under test."""
        raise NotImplementedError("give the fixture `loader`")

    @pytest.fixture
    def good(self) -> tuple[str, bytes]:
        """A source and the bytes of a contract with at least one schema object."""
        raise NotImplementedError("give the fixture `good`")

    @pytest.fixture
    def bad(self) -> bytes:
        """Bytes that look like the format and are no contract."""
        raise NotImplementedError("give the fixture `bad`")

    def test_it_accepts_its_own_format(
        self, loader: ContractLoader, good: tuple[str, bytes]
    ) -> None:
        """A contract of the format is accepted for what it holds, not for its name."""
        source, text = good
        assert loader.accepts(source, text) is True, f"accepts() must be True for {source}"
        assert loader.accepts(_SOURCE, text) is True, "accepts() must not go by the name alone"

    @pytest.mark.parametrize("what", _NO_CONTRACTS)
    def test_it_accepts_nothing_else(self, loader: ContractLoader, what: str) -> None:
        """Two loaders that accept one file are an error, so each takes only its own."""
        answer = loader.accepts(_SOURCE, _NO_CONTRACTS[what])
        assert answer is False, f"accepts() says {answer!r} to a file that is {what}"

    def test_it_reads_a_contract(self, loader: ContractLoader, good: tuple[str, bytes]) -> None:
        """Id and version are text; each object and property has a name and a physical one."""
        contract = loader.parse(*good)
        assert isinstance(contract, Contract), f"parse() returned {contract!r}, no Contract"
        for name in ("id", "version", "api_version"):
            value = getattr(contract, name)
            assert isinstance(value, str), f"{name} must be text, found {value!r}"
            assert value, f"{name} must not be empty"
        assert contract.objects, "the good contract has no schema object"
        names = [o.name for o in contract.objects]
        assert len(set(names)) == len(names), f"objects are chosen by name; found {names}"
        for schema in contract.objects:
            nodes = [(node.name, node.physical_name) for node in schema.properties]
            for name, physical_name in [(schema.name, schema.physical_name), *nodes]:
                assert name, f"a part of {schema} has no name"
                assert physical_name, f"{name} has no physical name"

    def test_a_contract_is_pinned_by_the_digest_of_its_bytes(
        self, loader: ContractLoader, good: tuple[str, bytes]
    ) -> None:
        """A running stream is held to these very bytes."""
        source, text = good
        contract = loader.parse(source, text)
        assert contract.digest == hashlib.sha256(text).hexdigest(), "digest must be SHA-256, hex"
        assert contract.source == source, f"source is {contract.source!r}, not {source!r}"

    def test_it_reads_the_same_each_time(
        self, loader: ContractLoader, good: tuple[str, bytes]
    ) -> None:
        """The contract depends on the bytes alone; its source is a label."""
        contract = loader.parse(*good)
        assert loader.parse(*good) == contract, "the same bytes gave another contract"
        assert loader.parse(_SOURCE, good[1]).objects == contract.objects, (
            "the same bytes from another source gave other objects"
        )

    def test_a_bad_contract_is_refused_by_name(self, loader: ContractLoader, bad: bytes) -> None:
        """The error says which file it is."""
        with pytest.raises(ContractError) as refused:
            loader.parse(_SOURCE, bad)
        assert _SOURCE in str(refused.value), f"the error does not name the file: {refused.value}"

    @pytest.mark.parametrize("what", _NO_CONTRACTS)
    def test_what_is_no_contract_is_refused(self, loader: ContractLoader, what: str) -> None:
        """Whatever the bytes are, the error is a ContractError."""
        _parse_or_refuse(loader, _NO_CONTRACTS[what], what)

    def test_a_contract_that_is_cut_off_is_read_or_refused(
        self, loader: ContractLoader, good: tuple[str, bytes]
    ) -> None:
        """A file that was copied half ends in a ContractError, if it does not parse."""
        _, text = good
        for length in range(0, len(text), max(1, len(text) // 40)):
            _parse_or_refuse(loader, text[:length], f"cut off after {length} bytes")


def _parse_or_refuse(loader: ContractLoader, text: bytes, what: str) -> None:
    try:
        loader.parse(_SOURCE, text)
    except ContractError:
        return
    except Exception as error:
        error.add_note(f"parse() of a file that is {what} must raise ContractError")
        raise
