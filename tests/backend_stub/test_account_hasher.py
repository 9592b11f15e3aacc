"""The password hasher: one suite over both sets of parameters (R-832)."""

import pytest
from argon2 import extract_parameters

from backend_stub.adapters.password_hasher import LIGHT, SOUND, Argon2Cost, Argon2Hasher
from backend_stub.service.ports.accounts import PasswordHasher
from runtime.executor import InlineExecutor, PoolExecutor
from runtime.ids import SeededIds, SystemIds
from runtime.randomness import SeededRandomness

pytestmark = pytest.mark.req("R-832")


@pytest.fixture(params=[LIGHT, SOUND], ids=["light", "sound"])
def cost(request: pytest.FixtureRequest) -> Argon2Cost:
    """What a hash costs in virtual time, and in real time."""
    found = request.param
    assert isinstance(found, Argon2Cost)
    return found


@pytest.fixture
def hasher(cost: Argon2Cost) -> PasswordHasher:
    """A hasher whose salts nobody can foretell."""
    return Argon2Hasher(SystemIds(), cost)


def test_a_password_is_known_again_and_no_other_one_is(hasher: PasswordHasher) -> None:
    kept = hasher.hash("外滩 harbour 7", hasher.salt())
    assert hasher.verify(kept, "外滩 harbour 7")
    assert not hasher.verify(kept, "外滩 harbour 8")
    assert not hasher.verify(kept, "")


def test_two_hashes_of_one_password_differ(hasher: PasswordHasher) -> None:
    one, other = (hasher.hash("harbour7bridge", hasher.salt()) for _ in range(2))
    assert one != other


def test_the_password_cannot_be_read_in_the_hash(hasher: PasswordHasher) -> None:
    kept = hasher.hash("harbour7bridge", hasher.salt())
    assert kept.startswith("$argon2id$v=19$")
    assert "harbour" not in kept


@pytest.mark.parametrize("kept", ["", "harbour7bridge", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_what_is_no_hash_lets_nobody_in(hasher: PasswordHasher, kept: str) -> None:
    assert not hasher.verify(kept, "harbour7bridge")
    assert not hasher.verify(kept, "")


def test_a_hash_is_known_whatever_the_parameters_are_now(cost: Argon2Cost) -> None:
    kept = Argon2Hasher(SystemIds(), cost).hash("harbour7bridge", bytes(16))
    for now in (LIGHT, SOUND):
        assert Argon2Hasher(SystemIds(), now).verify(kept, "harbour7bridge")


def test_seeded_salts_can_be_repeated(cost: Argon2Cost) -> None:
    def one() -> str:
        hasher = Argon2Hasher(SeededIds(SeededRandomness(7).stream("salts")), cost)
        return hasher.hash("harbour7bridge", hasher.salt())

    assert one() == one()


def test_the_decoy_costs_what_a_hash_costs_and_lets_nobody_in(hasher: PasswordHasher) -> None:
    kept = hasher.hash("harbour7bridge", hasher.salt())
    assert extract_parameters(hasher.decoy) == extract_parameters(kept)
    assert not hasher.verify(hasher.decoy, "harbour7bridge")
    assert not hasher.verify(hasher.decoy, "")


def test_light_work_belongs_on_the_loop_and_sound_work_elsewhere() -> None:
    assert InlineExecutor().is_inline
    pool = PoolExecutor()
    assert not pool.is_inline
    pool.close()
