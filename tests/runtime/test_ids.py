"""Names nobody has used before."""

import re
from random import Random

import pytest

from contracts.trace import make_traceparent
from runtime.ids import SeededIds, SystemIds


class Zeros(Random):
    """A generator that draws nothing but zeros."""

    def getrandbits(self, k: int, /) -> int:
        return 0


@pytest.fixture(params=[SeededIds(Random("seed")), SystemIds(), SeededIds(Zeros())])
def ids(request: pytest.FixtureRequest) -> SeededIds:
    chosen: SeededIds = request.param
    return chosen


def test_ids_make_a_valid_traceparent(ids: SeededIds) -> None:
    key, span = ids.key(), ids.span()
    assert make_traceparent(key, span) == f"00-{key}-{span}-01"


@pytest.mark.req("R-832")
def test_a_token_has_128_bits_and_fits_into_a_link(ids: SeededIds) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", ids.token())


def test_the_same_stream_gives_the_same_ids() -> None:
    one, two = SeededIds(Random("a")), SeededIds(Random("a"))
    assert (one.key(), one.span(), one.token()) == (two.key(), two.span(), two.token())


@pytest.mark.parametrize("ids_of", [lambda: SeededIds(Random("a")), SystemIds])
def test_no_id_comes_twice(ids_of: type[SystemIds]) -> None:
    ids = ids_of()
    assert len({ids.key() for _ in range(100)} | {ids.token() for _ in range(100)}) == 200
