"""One causal record per process, one digest, one merged timeline."""

import io
import json
from pathlib import Path

import pytest

from runtime.errors import JournalError
from runtime.journal import JournalBook, JournalEntry, actor_sequences, merge_journals, read_journal


class Time:
    """Two clocks that stand where the test puts them."""

    now_ms = 1_500_000_000_000
    transport_ns = 10


def book(sink: io.StringIO | None = None, keep: bool = True) -> JournalBook:
    return JournalBook(lambda: Time.now_ms, lambda: Time.transport_ns, sink, keep)


def test_a_record_is_one_json_line() -> None:
    sink = io.StringIO()
    book(sink).actor("car").record("order", "20170301-1", "PAID", fen=100, lines=["RTTI"])
    assert sink.getvalue().endswith("}\n")
    assert json.loads(sink.getvalue()) == {
        "t_ns": 10,
        "at_ms": 1_500_000_000_000,
        "actor": "car",
        "seq": 1,
        "kind": "order",
        "key": "20170301-1",
        "state": "PAID",
        "data": {"fen": 100, "lines": ["RTTI"]},
    }


def test_actors_share_one_sequence() -> None:
    journal = book()
    journal.actor("car").record("screen", "store")
    journal.actor("backend").record("order", "1", "NEW")
    journal.actor("car").record("screen", "basket")
    assert [(entry.seq, entry.actor) for entry in journal.entries] == [(1, "car"), (2, "backend"), (3, "car")]
    assert journal.events == 3


def test_the_digest_does_not_depend_on_the_order_of_the_data() -> None:
    one, two = book(), book()
    one.actor("car").record("order", "1", "NEW", a=1, b={"x": 1, "y": 2})
    two.actor("car").record("order", "1", "NEW", b={"y": 2, "x": 1}, a=1)
    assert one.digest() == two.digest()


def test_the_digest_covers_every_field() -> None:
    def digest(actor: str = "a", kind: str = "k", key: str = "1", state: str = "s", data: int = 1) -> str:
        journal = book()
        journal.actor(actor).record(kind, key, state, data=data)
        return journal.digest()

    digests = [digest(), digest("b"), digest(kind="l"), digest(key="2"), digest(state="t"), digest(data=2)]
    assert len(set(digests)) == 6


def test_entries_are_kept_only_on_demand() -> None:
    journal = book(keep=False)
    journal.actor("car").record("screen", "store")
    assert (list(journal.entries), journal.events) == ([], 1)


def test_a_listener_hears_every_entry_from_now_on() -> None:
    journal, heard = book(), list[JournalEntry]()
    journal.actor("car").record("screen", "store")
    journal.subscribe(heard.append)
    journal.actor("car").record("screen", "basket")
    assert [entry.key for entry in heard] == ["basket"]


def test_data_that_are_not_json_are_refused_and_change_nothing() -> None:
    journal = book()
    before = journal.digest()
    with pytest.raises(JournalError, match="car recorded order '1'"):
        journal.actor("car").record("order", "1", wrong=object())
    assert (journal.events, journal.digest()) == (0, before)


def test_numbers_vins_and_tokens_never_reach_the_journal() -> None:
    sink = io.StringIO()
    book(sink).actor("backend").record(
        "sms",
        "1",
        number="13800000001",
        url="http://127.0.0.1/pay/abcdefghijklmnop",
        token="abcdefghijklmnop",
        topic="v1/vehicles/WBAFW31080C000001/down/order",
        deep=[{"to": "13800000001"}],
    )
    for secret in ("13800000001", "WBAFW31080C000001", "abcdefghijklmnop"):
        assert secret not in sink.getvalue()


def write(path: Path, actor: str, *times_ns: int) -> Path:
    with path.open("w") as sink:
        times = iter(times_ns)
        journal = JournalBook(lambda: 0, lambda: next(times), sink)
        for _ in times_ns:
            journal.actor(actor).record("tick", actor)
    return path


def test_a_journal_can_be_read_back(tmp_path: Path) -> None:
    path = write(tmp_path / "car.jsonl", "car", 5, 6)
    assert [(entry.t_ns, entry.seq) for entry in read_journal(path)] == [(5, 1), (6, 2)]


def test_journals_merge_by_time_then_actor_then_sequence(tmp_path: Path) -> None:
    car = write(tmp_path / "car.jsonl", "car", 1, 3, 3)
    backend = write(tmp_path / "backend.jsonl", "backend", 2, 3)
    merged = [(entry.t_ns, entry.actor, entry.seq) for entry in merge_journals([car, backend])]
    assert merged == [(1, "car", 1), (2, "backend", 1), (3, "backend", 2), (3, "car", 2), (3, "car", 3)]


def test_a_broken_line_is_named_by_file_and_number(tmp_path: Path) -> None:
    path = write(tmp_path / "car.jsonl", "car", 1)
    path.write_text(path.read_text() + '{"t_ns": 1}\n')
    with pytest.raises(JournalError, match=r"car\.jsonl, line 2: .*at_ms"):
        read_journal(path)


def test_what_a_killed_process_was_writing_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "car.jsonl", "car", 1)
    path.write_text(path.read_text() + '{"t_ns": 1')
    assert len(read_journal(path)) == 1


def test_sequences_say_what_each_actor_went_through() -> None:
    journal = book()
    journal.actor("car").record("order", "1", "NEW")
    journal.actor("backend").record("order", "1", "NEW")
    journal.actor("car").record("order", "1", "PAID", at=1)
    assert actor_sequences(journal.entries) == {
        "car": [("order", "1", "NEW"), ("order", "1", "PAID")],
        "backend": [("order", "1", "NEW")],
    }
