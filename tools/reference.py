"""Writes docs/reference from the code, so that no topic, message, command or scenario key goes undocumented.

python tools/reference.py            write the pages
python tools/reference.py --check    exit 1 when one of them is not what the code says
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from contracts import acts, bench, messages
from contracts.acts import agent, bmw, dealer, payer, portal, provider
from contracts.codec import kind_of
from contracts.errors import ErrorCode
from headunit.sim import scenario

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
GENERATED = "Written by `python tools/reference.py` from the code; change it there.\n"


def type_name(annotation: Any) -> str:
    """An annotation as a reader wants it: without modules and without msgspec's wrappers."""
    info = msgspec.inspect.type_info(annotation)
    return _info_name(info)


def _info_name(info: Any) -> str:
    match info:
        case msgspec.inspect.UnionType():
            return " or ".join(_info_name(t) for t in info.types)
        case msgspec.inspect.NoneType():
            return "nothing"
        case msgspec.inspect.StructType() | msgspec.inspect.EnumType():
            return str(info.cls.__name__)
        case msgspec.inspect.VarTupleType():
            return f"list of {_info_name(info.item_type)}"
        case msgspec.inspect.TupleType():
            return "(" + ", ".join(_info_name(t) for t in info.item_types) + ")"
        case msgspec.inspect.Metadata():
            return _info_name(info.type)
    return str(type(info).__name__).removesuffix("Type").lower()


def fields_table(struct: type[msgspec.Struct], *, skip: tuple[str, ...] = ()) -> list[str]:
    """A Markdown table of a struct's fields."""
    rows = [
        f"| `{field.encode_name}` | {type_name(field.type)} | {_default(field)} |"
        for field in msgspec.structs.fields(struct)
        if field.name not in skip
    ]
    return ["| field | type | default |", "|---|---|---|", *rows, ""] if rows else []


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return "required" if field.required else "as documented"
    value = field.default
    return f"`{msgspec.json.encode(value).decode()}`"


def section(title: str, struct: type[msgspec.Struct], *, skip: tuple[str, ...] = ()) -> list[str]:
    """Heading, docstring and fields of one struct."""
    return [f"### {title}", "", inspect.getdoc(struct) or "", "", *fields_table(struct, skip=skip)]


def _is_struct_of(module: Any, name: str, thing: Any) -> bool:
    return (
        inspect.isclass(thing) and issubclass(thing, msgspec.Struct) and thing.__module__ == module.__name__
    )


def messages_page() -> str:
    """Every topic and message of the air."""
    lines = ["# Messages", "", GENERATED, inspect.getdoc(messages) or "", ""]
    for way, group in (("up", messages.UP_MESSAGES), ("down", messages.DOWN_MESSAGES)):
        lines += [f"## {'Car to backend' if way == 'up' else 'Backend to car'}", ""]
        for message in group:
            lines += section(f"`v1/vehicles/{{vin}}/{way}/{kind_of(message)}`", message)
    lines += ["## Parts", ""]
    known = {*messages.UP_MESSAGES, *messages.DOWN_MESSAGES, messages.Message}
    for name, thing in vars(messages).items():
        if _is_struct_of(messages, name, thing) and thing not in known:
            lines += section(f"`{name}`", thing)
    lines += ["## Error codes", "", *(f"- `{code}`" for code in ErrorCode), ""]
    return "\n".join(lines)


def bench_page() -> str:
    """Every command and report of the bench channel."""
    lines = ["# Bench channel", "", GENERATED, inspect.getdoc(bench) or "", ""]
    for title, root in (("Commands", bench.Command), ("Reports", bench.Report)):
        lines += [f"## {title}", ""]
        for struct in root.__subclasses__():
            lines += section(f"`{struct.__struct_config__.tag}`", struct, skip=("id",))
    return "\n".join(lines)


def acts_page() -> str:
    """Everything that people do at the backend, person by person."""
    lines = ["# Acts", "", GENERATED, inspect.getdoc(acts) or "", ""]
    for person in (portal, agent, dealer, bmw, payer, provider):
        lines += [f"## `{person.__name__.rpartition('.')[2]}`", "", inspect.getdoc(person) or "", ""]
        for name, thing in vars(person).items():
            if _is_struct_of(person, name, thing) and thing.__struct_config__.tag != name:
                lines += section(f"`{thing.__struct_config__.tag}`", thing, skip=("car",))
    return "\n".join(lines)


def scenario_page() -> str:
    """Every key of a scenario file."""
    lines = ["# Scenario files", "", GENERATED, inspect.getdoc(scenario) or "", ""]
    for name, thing in vars(scenario).items():
        if _is_struct_of(scenario, name, thing) and thing is not scenario.ScenarioStruct:
            lines += section(f"`{name}`", thing)
    return "\n".join(lines)


def scenario_schema() -> str:
    """JSON Schema (2020-12) of scenario files."""
    return json.dumps(msgspec.json.schema(scenario.Scenario), indent=2) + "\n"


PAGES = {
    "messages.md": messages_page,
    "acts.md": acts_page,
    "bench.md": bench_page,
    "scenario.md": scenario_page,
    "scenario.schema.json": scenario_schema,
}


def main() -> int:
    """Write or check all pages."""
    check = "--check" in sys.argv[1:]
    stale = 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        path, text = FOLDER / name, make()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            print(f"docs/reference/{name} is not what the code says: run python tools/reference.py")
            stale += 1
        elif not check:
            path.write_text(text, encoding="utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
