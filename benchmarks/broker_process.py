"""Brokers to be measured, each in a process of its own: what CPU time and memory they have used."""

import asyncio
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runtime.mqtt.mosquitto import Mosquitto

_CPU_CLOCK_OF_PROCESS: Final = 2
_PORT: Final = re.compile(r"mqtt://[^ ]*:(\d+)")


def raise_descriptor_limit() -> None:
    """Let this process and those it starts open as many connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class BrokerProcess:
    """A broker that runs: its `port`, and what its process `pid` has used."""

    name = ""

    def __init__(self) -> None:
        self.port = 0
        self.pid = 0

    def cpu_s(self) -> float:
        """CPU time used so far, user and system, to the nanosecond (clock_getcpuclockid(3))."""
        return time.clock_gettime(~self.pid << 3 | _CPU_CLOCK_OF_PROCESS)

    def resident_bytes(self) -> int:
        """Resident memory (proc_pid_status(5), VmRSS)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        for line in status.splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ProcessLookupError(f"{self.name} has ended")

    def close(self) -> None:
        """End it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ours(BrokerProcess):
    """`headunit broker serve`."""

    name = "ours"

    def __init__(self) -> None:
        super().__init__()
        command = [sys.executable, "-m", "headunit", "broker", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid
        assert self._process.stdout is not None
        for line in self._process.stdout:
            found = _PORT.search(line)
            if found:
                self.port = int(found[1])
                return
        raise SystemExit(f"our broker did not start: exit code {self._process.wait()}")

    def close(self) -> None:
        """End it with SIGTERM."""
        self._process.terminate()
        self._process.communicate()


class Theirs(BrokerProcess):
    """mosquitto, in memory and without limits of its queues."""

    name = "mosquitto"

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._mosquitto = Mosquitto()
        self._runner.run(self._mosquitto.start())
        self.port = self._mosquitto.port
        self.pid = self._mosquitto.pid or 0

    def close(self) -> None:
        """End it."""
        self._runner.run(self._mosquitto.stop())
        self._runner.close()
