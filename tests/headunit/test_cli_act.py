"""`headunit act`: what people do at the backend of a running bench, one at a time from a shell."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from datetime import date
from pathlib import Path

import pytest

from contracts.acts.agent import RequestRefund
from contracts.acts.bmw import AnnounceEnd
from contracts.acts.portal import LinkVehicle, PlaceOrder
from contracts.bench import AtBmw, AtHotline, AtPortal
from contracts.messages import Line
from headunit.cli import main
from headunit.commands.act import listing, parse_act
from headunit.commands.errors import CommandError
from tests.headunit.test_cli_processes import apart


def test_fields_are_words_or_json() -> None:
    order = parse_act("portal", "order", ["user=driver", 'lines=[{"service": "RTTI", "months": 12}]'])
    assert order == AtPortal(act=PlaceOrder(user="driver", lines=(Line("RTTI", 12),)))
    notice = parse_act("bmw", "announce_end", ["service=RTTI", "last_day=2026-06-30", "refund=true"])
    assert notice == AtBmw(act=AnnounceEnd(service="RTTI", last_day=date(2026, 6, 30), refund=True))
    link = parse_act("portal", "link", ["user=driver", "code=004711", "engine_number_ending=1234"])
    assert link == AtPortal(act=LinkVehicle(user="driver", code="004711", engine_number_ending="1234"))
    refund = parse_act("agent", "request_refund", ["order=CN-000001", "number=13800000009"])
    assert refund == AtHotline(act=RequestRefund(order="CN-000001", number="13800000009"))


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["nobody", "login"], "nobody is called 'nobody'; there are portal, agent"),
        (["dealer", "dance"], "dealer does not know 'dance'; there are activate"),
        (["dealer", "deactivate", "confirmed"], "'confirmed' is not NAME=VALUE"),
        (["dealer", "deactivate", "confirmed=perhaps"], "Expected `bool`, got `str`"),
        (["portal", "order", "user=x", "lines=[RTTI]"], "'[RTTI]' is no JSON"),
        (["dealer", "deactivate", "sure=true"], "unknown field `sure`"),
        (["portal", "login"], "missing required field `user`"),
    ],
)
def test_what_cannot_be_said_is_named_with_what_can(
    words: list[str], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match=names.replace("[", r"\[")):
        parse_act(words[0], words[1], words[2:])
    assert main(["act", *words]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)


def test_the_list_shows_every_act_with_its_fields() -> None:
    text = "\n".join(listing())
    for words in ("portal:", "agent:", "dealer:", "bmw:", "payer:", "provider:", "login user=… [car=…]"):
        assert words in text
    assert "dealer:" not in "\n".join(listing("agent"))
    with pytest.raises(CommandError, match="there are portal"):
        list(listing("nobody"))


def test_without_a_bench_it_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", "dealer", "reactivate", "--socket", str(tmp_path / "none.sock")]) == 2
    assert "start one with `headunit run`" in capsys.readouterr().err


async def test_a_rule_that_refuses_is_exit_code_1_with_its_code(tmp_path: Path) -> None:
    async with apart(tmp_path) as programs:
        backend = await programs.start("backend")
        await backend.until("bench channel at")
        command = ("act", "agent", "resend_link", "order=CN-000001")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "headunit", *command, "--socket", str(tmp_path / "backend.sock")),
            stdout=PIPE,
            stderr=PIPE,
        )
        out, said = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert said.startswith(b"UNKNOWN_ORDER: there is no order CN-000001")
