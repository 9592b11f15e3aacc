"""Errors of the simulation.

SimulationError
├── ScenarioError     a scenario file is wrong: names file, line and key
├── ScriptError       the script asks for something that cannot be done then; names the step
└── RigError          this rig cannot do what the scenario asks
"""


class SimulationError(Exception):
    """Root of what the simulation raises itself."""


class ScenarioError(SimulationError):
    """A scenario file cannot be used; the text is `file:line: key: what is wrong`."""

    def __init__(self, file: str, line: int | None, key: str, detail: str) -> None:
        where = f"{file}:{line}" if line is not None else file
        super().__init__(f"{where}: {key}: {detail}" if key else f"{where}: {detail}")
        self.file = file
        self.line = line
        self.key = key
        self.detail = detail


class ScriptError(SimulationError):
    """A row that the driver looks for is not shown in time, or the bench refuses a command.

    `step` is the place of the step in the file's script, where it is known.
    """

    def __init__(self, detail: str, step: int | None = None) -> None:
        super().__init__(detail)
        self.step = step


class RigError(SimulationError):
    """The chosen rig cannot do what the scenario asks; says which rig can."""
