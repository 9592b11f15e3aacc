"""`--database`: option before environment before file, never a password in a text or a list of processes."""

from pathlib import Path

import pytest

from headunit.cli import main
from headunit.commands.configuration import merge
from headunit.commands.errors import ConfigurationError
from headunit.commands.run import bench_command
from headunit.commands.state_folder import StateFolder
from tests.postgres import PostgresServer, needs_postgresql

SCENARIO = "scenarios/first_order.toml"
URL = "postgresql://bob:s3cret@db.example/shop"


def test_the_option_comes_before_the_variable_and_that_before_the_file() -> None:
    file, variable, option = (f"postgresql://{where}/shop" for where in ("file", "variable", "option"))
    text = f'database = "{file}"'
    assert merge({}, {}, "config.toml", text).database == file
    assert merge({}, {"HEADUNIT_DATABASE": variable}, "config.toml", text).database == variable
    assert merge({"database": option}, {"HEADUNIT_DATABASE": variable}).database == option
    assert merge({}, {}).database == ""


def test_what_is_no_database_is_refused_by_the_place_it_stands_in() -> None:
    with pytest.raises(ConfigurationError, match=r"config\.toml:1: database: mysql://… is no database") as no:
        merge({}, {}, "config.toml", 'database = "mysql://bob:s3cret@host/shop"')
    assert "s3cret" not in str(no.value)


def test_the_bench_is_told_of_the_database_where_nobody_can_read_it(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        assert not any("s3cret" in word for word in bench_command(merge({"database": URL}, {}), folder))


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", SCENARIO],
        ["backend", "serve", "--broker", "mqtt://127.0.0.1:1", "--state", "STATE"],
        ["bench", "serve", "--state", "STATE", "--socket", "STATE/bench.sock"],
    ],
)
@pytest.mark.parametrize(
    "url", ["postgresql://bob:s3cret@127.0.0.1:1/shop", "mysql://bob:s3cret@127.0.0.1:1/shop"]
)
def test_a_database_that_cannot_be_had_is_exit_code_2(
    words: list[str], url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("STATE", str(tmp_path)) for word in words]
    assert main([*words, "--database", url]) == 2
    said = capfd.readouterr()
    assert "s3cret" not in said.out + said.err
    assert "check that the server runs" in said.err or "write postgresql://" in said.err
    assert said.err.startswith("headunit: ")
    assert said.err.count("\n") == 1


@needs_postgresql[0]
@needs_postgresql[1]
def test_a_scenario_tells_the_same_story_on_either_database(
    postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for database in ("", postgres.url()):
        assert main(["simulate", SCENARIO, "--database", database]) == 0
        said.append(next(line for line in capsys.readouterr().out.splitlines() if "digest" in line))
    assert said[0] == said[1]
    assert postgres.schemas("headunit_run_%") == []
