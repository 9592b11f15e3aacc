"""Writes docs/reference/rules.md: every rule with the code, the tests and the scenarios that name it.

python tools/rule_table.py            write the page
python tools/rule_table.py --check    exit 1 when it is not what code, tests and scenarios say
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "rules.md"
RULES = Path(__file__).with_name("rules.toml")
PACKAGES = ("contracts", "runtime", "backend_stub", "headunit", "telematics", "hardware")

_RANGE = re.compile(r"R-(\d{3})(?:\s*(?:to|…|\.\.|–)\s*R-(\d{3}))?")
_SCENARIO_RULE = re.compile(r'^\s*rule\s*=\s*"([^"]*)"', re.MULTILINE)


@dataclass(slots=True)
class Traces:
    """Where a rule is named: module paths, tests by file, scenario paths."""

    modules: list[str] = field(default_factory=list)
    tests: dict[str, int] = field(default_factory=dict)
    scenarios: list[str] = field(default_factory=list)


def read_rules(path: Path = RULES) -> dict[str, dict[str, str]]:
    """Rule ids and their titles, by section."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def trace(root: Path = ROOT) -> dict[str, Traces]:
    """Where each rule is named, over the whole project."""
    known = [rule for section in read_rules().values() for rule in section]
    traces = {rule: Traces() for rule in known}
    for path, text in _sources(root):
        for rule in _named(text, known):
            traces[rule].modules.append(path)
    for path, rules in _tested(root):
        for rule in rules:
            if rule in traces:
                traces[rule].tests[path] = traces[rule].tests.get(path, 0) + 1
    for scenario in sorted((root / "scenarios").rglob("*.toml")):
        named = " ".join(_SCENARIO_RULE.findall(scenario.read_text(encoding="utf-8")))
        for rule in _named(named, known):
            traces[rule].scenarios.append(scenario.relative_to(root).as_posix())
    return traces


def page(root: Path = ROOT) -> str:
    """The whole table as Markdown."""
    traces = trace(root)
    lines = [
        "# Rules",
        "",
        "Written by `python tools/rule_table.py` from code, tests and scenarios; change it there. Modules",
        "are those whose text names the rule; a number says how many tests of a file hold it.",
        "",
    ]
    for section, rules in read_rules().items():
        lines += [f"## {section.capitalize()}", "", "| rule | what | code | tests | scenarios |"]
        lines.append("|---|---|---|---|---|")
        for rule, title in rules.items():
            found = traces[rule]
            tests = [f"{_short(path)} {count}" for path, count in sorted(found.tests.items())]
            cells = (rule, title, _list(found.modules), "<br>".join(tests), _list(found.scenarios))
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _sources(root: Path) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def _named(text: str, known: list[str]) -> list[str]:
    """Rules that a text names, alone or within "R-601 to R-607", in their own order."""
    named = set()
    for first, last in _RANGE.findall(text):
        for number in range(int(first), int(last or first) + 1):
            named.add(f"R-{number:03d}")
    return [rule for rule in known if rule in named]


def _tested(root: Path) -> Iterator[tuple[str, list[str]]]:
    """For every test with `@pytest.mark.req`: its file and the rules it holds."""
    for path in sorted((root / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = path.relative_to(root).as_posix()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                rules = [rule for mark in node.decorator_list for rule in _marked(mark)]
                if rules:
                    yield name, rules
            elif isinstance(node, ast.Assign) and _is_mark_list(node):
                yield name, [rule for mark in ast.walk(node.value) for rule in _marked(mark)]


def _is_mark_list(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets)


def _marked(node: ast.AST) -> list[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "req"):
        return []
    values = [word.value for word in node.args if isinstance(word, ast.Constant)]
    return [value for value in values if isinstance(value, str)]


def _short(path: str) -> str:
    return path.removeprefix("tests/")


def _list(paths: list[str]) -> str:
    return "<br>".join(paths)


def main() -> int:
    """Write or check the page."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/reference/rules.md is not what the code says: run python tools/rule_table.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
