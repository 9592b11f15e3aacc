"""The gateway of text messages and e-mail: sent, delayed, lost, arrived (S7, R-308)."""

from collections.abc import Callable
from dataclasses import replace

from backend_stub.domain.address import is_email, mask_address
from backend_stub.domain.data_flow import DataCategory, Purpose
from backend_stub.domain.market import MarketProfile
from backend_stub.service.data_flow import DataLedger
from backend_stub.service.ports.due import DueKind
from backend_stub.service.ports.messages import Sms
from backend_stub.service.unit_of_work import UnitOfWork

SMS_DELAY_SETTING = "sms_delay_ms"
SMS_LOST_SETTING = "sms_lost"

SmsListener = Callable[[Sms], None]


class Gateway:
    """Hands messages to the operator; what becomes of them is the script's word (SetSms)."""

    def __init__(self, profile: MarketProfile, ledger: DataLedger) -> None:
        self._profile = profile
        self._ledger = ledger
        self._listeners: list[SmsListener] = []

    def on_arrival(self, listener: SmsListener) -> None:
        """Have `listener` called with every message that reaches somebody, its address masked."""
        self._listeners.append(listener)

    def send(self, uow: UnitOfWork, message: Sms, vin: str = "") -> None:
        """Hand over a message; it arrives after the delay that is set, or never.

        The number of a text message goes to who sends it, and into the ledger (R-821): under the VIN that
        the message is about, "" for one about an account. E-mail goes by BMW's own hand.
        """
        if not is_email(message.number):
            sender = self._profile.message_sender
            self._ledger.send(uow, vin, DataCategory.NUMBER, sender, Purpose.SERVICE_SUPPORT)
        lost = bool(uow.store.settings.get(SMS_LOST_SETTING, 0))
        delay_ms = uow.store.settings.get(SMS_DELAY_SETTING, 0)
        kept = uow.store.sms.add(replace(message, sent_at_ms=uow.now_ms, lost=lost))
        uow.record(_kind(kept), _subject(kept), "sent", number=mask_address(kept.number))
        if lost:
            uow.record(_kind(kept), _subject(kept), "lost")
        else:
            uow.store.due.put(DueKind.SMS_ARRIVAL, str(kept.sms_id), uow.now_ms + delay_ms)

    def arrive(self, uow: UnitOfWork, sms_id: int) -> None:
        """The message is there."""
        sms = uow.store.sms.arrive(sms_id, uow.now_ms)
        if sms is None:
            return
        uow.record(_kind(sms), _subject(sms), "delivered")
        masked = replace(sms, number=mask_address(sms.number))
        uow.after_commit(lambda: self._tell(masked))

    def _tell(self, sms: Sms) -> None:
        for listener in self._listeners:
            listener(sms)


def _kind(sms: Sms) -> str:
    return "email" if is_email(sms.number) else "sms"


def _subject(sms: Sms) -> str:
    """What the journal calls the message: the order it is about, else what it is for."""
    return sms.order_number or sms.purpose
