"""SVG snapshots of the view, one file per test."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from contracts.bench import AnyReport
from contracts.screen import ScreenSnapshot
from headunit.ui.app import HeadunitApp
from headunit.ui.svg import corrected
from tests.headunit.ui.menu import Menu


class _SvgExtension(SingleFileSnapshotExtension):
    file_extension = "svg"
    _write_mode = WriteMode.TEXT


class Photographer:
    """Compares what the view draws with the picture on file."""

    def __init__(self, snapshot: SnapshotAssertion) -> None:
        self._snapshot = snapshot.use_extension(_SvgExtension)

    async def compare(
        self,
        screen: ScreenSnapshot,
        *,
        size: tuple[int, int] = (100, 30),
        keys: tuple[str, ...] = (),
        reports: tuple[AnyReport, ...] = (),
    ) -> None:
        """Draw `screen`, tell the panel `reports`, press `keys`, compare."""
        app = HeadunitApp(Menu(screen), sample_period_s=3600)
        async with app.run_test(size=size) as pilot:
            for report in reports:
                app.hear(report)
            for key in keys:
                await pilot.press(key)
            for _ in range(40):
                app.sample()
            await pilot.pause()
            assert corrected(app.export_screenshot()) == self._snapshot


@pytest.fixture
def photographer(snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> Photographer:
    """Takes pictures of a view that does not animate."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    return Photographer(snapshot)
