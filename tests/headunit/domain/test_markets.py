"""Code asks the profile, never the market's name (R-001)."""

import ast
from pathlib import Path

import pytest

import headunit
from headunit.domain.market import profile_of

PACKAGE = Path(headunit.__file__).parent
MODULES = sorted(path for room in ("domain", "services", "ui") for path in (PACKAGE / room).rglob("*.py"))
NAMES = ("CN", "AU")


def _decides_by_name(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=left, comparators=others):
            parts = [part for side in (left, *others) for part in ast.walk(side)]
        case ast.Subscript(slice=part):
            parts = [part]
        case ast.MatchValue(value=part):
            parts = [part]
        case _:
            return False
    return any(isinstance(part, ast.Constant) and part.value in NAMES for part in parts)


@pytest.mark.req("R-001")
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_of_the_car_decides_by_the_name_of_a_market(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [ast.unparse(node) for node in ast.walk(tree) if _decides_by_name(node)] == []


@pytest.mark.req("R-001")
@pytest.mark.parametrize(
    "code", ['m == "AU"', 'm in ("AU", "CN")', 'texts["CN"]', 'match m:\n case "AU": pass']
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert any(_decides_by_name(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.req("R-001")
def test_the_markets_differ_in_every_value_that_the_car_must_know() -> None:
    here, there = profile_of("CN"), profile_of("AU")
    assert [f for f in here.__struct_fields__ if getattr(here, f) == getattr(there, f)] == []
