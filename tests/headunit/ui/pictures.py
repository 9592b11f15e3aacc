"""Screens as the presenter makes them, fixed, so that the view can be looked at without a bench."""

from contracts.bench import (
    AnyReport,
    BenchInfo,
    ClockReport,
    LinkReport,
    ModemReport,
    OutboxReport,
    SmsReport,
    Terminal,
    VehicleReport,
)
from contracts.link import LinkConditions, LinkState
from contracts.modem import ModemStatus, Registration, SignalLevel, SimState
from contracts.screen import Banner, PanelLine, Row, ScreenSnapshot, StatusBar, Tone

ONLINE = StatusBar("14:32", "CN", "4G", 4, "⇅ online", Tone.PLAIN, messages=1)
OFFLINE = StatusBar("14:33", "CN", "", 0, "✕ no network", Tone.BAD)
HINTS = ("⟳ rotate", "⏎ press", "← back", "→ details", "OPTION")

MAIN_MENU = ScreenSnapshot(
    screen="main",
    path=("ConnectedDrive",),
    status=StatusBar("14:32", "CN", "4G", 4, "⇅ online", Tone.PLAIN),
    rows=(
        Row("ConnectedDrive Store"),
        Row("Messages", "0"),
        Row("Vehicle"),
        Row("Settings"),
    ),
    focus=0,
    panel=(
        PanelLine(
            "Services for this car: book them, pay with the phone, and see until when they are booked."
        ),
        PanelLine(),
        PanelLine("Booked Services", "3"),
        PanelLine("My basket", "1"),
    ),
    hints=("⟳ rotate", "⏎ press"),
    freshness="last sync 14:31:58",
)

STORE = ScreenSnapshot(
    screen="store",
    path=("ConnectedDrive", "ConnectedDrive Store"),
    status=ONLINE,
    rows=(
        Row("Real Time Traffic Information"),
        Row("Concierge Service"),
        Row("Premium Package"),
        Row("My basket", "1"),
        Row("Open orders"),
        Row("Booked Services", "3"),
    ),
    focus=1,
    panel=(
        PanelLine("Concierge Service", tone=Tone.ACCENT),
        PanelLine("A person finds it, the car drives there."),
        PanelLine(),
        PanelLine("3 months", "¥ 300.00"),
        PanelLine("6 months", "¥ 560.00"),
        PanelLine("12 months", "¥ 1,000.00"),
        PanelLine("36 months", "¥ 2,580.00"),
        PanelLine(),
        PanelLine(
            "Booked until 31.07.2026 · renewing extends it without a gap to 31.10.2026", tone=Tone.MUTED
        ),
    ),
    hints=HINTS,
    freshness="last sync 14:31:58",
)

CHECKOUT_OFFLINE = ScreenSnapshot(
    screen="store.checkout",
    path=("ConnectedDrive", "ConnectedDrive Store", "Checkout"),
    status=OFFLINE,
    rows=(Row("Try again"), Row("Keep basket and go back")),
    focus=0,
    panel=(
        PanelLine("Concierge Service · 3 months", "¥ 300.00"),
        PanelLine("Link goes to", "138 0000 0001"),
        PanelLine(),
        PanelLine("No reception since 14:32:41 (52 s)", tone=Tone.WARN),
    ),
    banner=Banner(
        "Your basket is kept. Orders are placed only online: nothing will be sent later by itself.",
        Tone.WARN,
        "NO_CONNECTION",
    ),
    hints=("⟳ rotate", "⏎ press", "← back"),
    freshness="as of 14:31:58, 1 min old",
    freshness_tone=Tone.WARN,
)

BOOKED = ScreenSnapshot(
    screen="store.booked",
    path=("ConnectedDrive", "ConnectedDrive Store", "Booked Services"),
    status=StatusBar(
        "14:32", "CN", "4G", 2, "⇅ slow", Tone.WARN, locked=True, warning="Emergency Call unavailable"
    ),
    rows=(
        Row("Emergency Call", "suspended", Tone.BAD),
        Row("Teleservices", "active"),
        Row("Concierge Service", "until 31.07.2026"),
        Row("Real Time Traffic Information", "activating", Tone.WARN),
        Row("Premium Package", "expired", Tone.MUTED),
    ),
    focus=3,
    panel=(
        PanelLine("Real Time Traffic Information", tone=Tone.ACCENT),
        PanelLine("State", "activating", Tone.WARN),
        PanelLine("Paid", "14:20"),
        PanelLine("At the latest", "tomorrow 14:20"),
        PanelLine(),
        PanelLine("Nothing to do: it starts by itself within 24 hours.", tone=Tone.MUTED),
    ),
    hints=HINTS,
    freshness="last sync 14:31:58",
)

CHINESE = ScreenSnapshot(
    screen="store",
    path=("互联驾驶", "互联驾驶商店"),
    status=StatusBar("14:32", "CN", "4G", 3, "⇅ 在线", Tone.PLAIN, messages=2),
    rows=(
        Row("实时路况信息"),
        Row("旅程咨询服务", "已预订"),
        Row("尊享套餐"),
        Row("我的购物篮", "1"),
        Row("未付款订单"),
        Row("已预订的服务", "3"),
    ),
    focus=1,
    panel=(
        PanelLine("旅程咨询服务", tone=Tone.ACCENT),
        PanelLine("由专人为您查找目的地,并将其发送到车辆导航系统,您只需确认即可开始行程引导。"),
        PanelLine(),
        PanelLine("3 个月", "¥ 300.00"),
        PanelLine("36 个月", "¥ 2,580.00"),
    ),
    hints=("⟳ 旋转", "⏎ 按下", "← 返回", "→ 详情"),
    freshness="最后同步 14:31:58",
)

MARKUP = ScreenSnapshot(
    screen="store",
    path=("ConnectedDrive", "[/]", "a[/b]"),
    status=ONLINE,
    rows=(
        Row("price [EUR]", "[red]9[/red]"),
        Row("[/"),
        Row("[bold]not bold[/bold]"),
        Row("line\nbreak \x1b[31m"),
    ),
    focus=0,
    panel=(PanelLine("[link=x]no link[/link]", "[/"),),
    banner=Banner("[/ nothing is markup [blink]"),
    hints=("[/",),
    freshness="[dim]",
)

LONG = ScreenSnapshot(
    screen="long",
    path=("ConnectedDrive", "Messages"),
    status=ONLINE,
    rows=tuple(Row(f"Message {number}", "read") for number in range(1, 41)),
    focus=20,
    hints=HINTS,
)

IN_A_TUNNEL: tuple[AnyReport, ...] = (
    BenchInfo(
        vin="TEST0000000000001", market="CN", broker="127.0.0.1:1883", phone_url="http://127.0.0.1:8080/phone"
    ),
    ModemReport(
        at_ns=0,
        status=ModemStatus(SimState.ACTIVE, Registration.SEARCHING, SignalLevel.NONE, "4G", -121.0, False),
    ),
    LinkReport(
        at_ns=0, state=LinkState.DOWN, conditions=LinkConditions(up=False), causes=("tunnel",), session=False
    ),
    OutboxReport(car=2, backend=1),
    VehicleReport(speed_kmh=50.0, terminal=Terminal.IGNITION, moving=True),
    ClockReport(now_ms=1_780_000_000_000, rate=60.0),
    SmsReport(
        number="138****0001", text="Pay ¥ 300.00 [now]", url="http://127.0.0.1:8080/pay/x", order_number="1"
    ),
)
