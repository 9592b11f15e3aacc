"""Outbox, inbox and answers: in the backend's own database, so that they commit with what caused them."""

from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select

from backend_stub.adapters.sql_connection import InsertNew, SqlConnection
from backend_stub.adapters.tables import ANSWERS, INBOX_DEAD, INBOX_SEEN, OUTBOX, OUTBOX_DEAD
from runtime.mqtt.outbox import OutboxEntry
from runtime.mqtt.port import OutgoingMessage

_MESSAGE = (
    OUTBOX.c.topic,
    OUTBOX.c.payload,
    OUTBOX.c.key,
    OUTBOX.c.traceparent,
    OUTBOX.c.expiry_s,
    OUTBOX.c.response_topic,
    OUTBOX.c.correlation_data,
    OUTBOX.c.retain,
)
_SEQ_OF = select(OUTBOX.c.seq).where(OUTBOX.c.key == bindparam("the_key"))
_ADD = InsertNew(OUTBOX, "key", "seq")
_PENDING = (
    select(OUTBOX.c.seq, OUTBOX.c.expires_at_ms, *_MESSAGE)
    .where(OUTBOX.c.seq > bindparam("after_seq"))
    .order_by(OUTBOX.c.seq)
    .limit(bindparam("at_most"))
)
_DELETE = delete(OUTBOX).where(OUTBOX.c.seq == bindparam("the_seq"))
_ONE = select(*_MESSAGE).where(OUTBOX.c.seq == bindparam("the_seq"))
_DEPTH = select(func.count()).select_from(OUTBOX)
_SEE = InsertNew(INBOX_SEEN, "key", "key")
_ANSWER = select(ANSWERS).where(ANSWERS.c.request == bindparam("the_request"))


class SqlOutbox:
    """The Outbox port over the backend's connection."""

    __slots__ = ("_sql",)

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def add(self, message: OutgoingMessage, expires_at_ms: int | None = None) -> int:
        """Append, inside the transaction that is open; returns `seq`. A key already there adds nothing."""
        seq = self._sql.insert_new(_ADD, {**message._asdict(), "expires_at_ms": expires_at_ms})
        return int(self._sql.scalar(_SEQ_OF, {"the_key": message.key}) if seq is None else seq)

    def pending(self, after_seq: int, limit: int) -> list[OutboxEntry]:
        """Committed entries with seq > `after_seq`, in order."""
        rows = self._sql.rows(_PENDING, {"after_seq": after_seq, "at_most": limit})
        return [OutboxEntry(row.seq, _message(row), row.expires_at_ms) for row in rows]

    def delete(self, seq: int) -> None:
        """The receiver's broker has it (PUBACK below 0x80), or it has expired."""
        self._sql.write(_DELETE, {"the_seq": seq})

    def dead_letter(self, seq: int, reason_code: int) -> None:
        """The broker refuses it for good (PUBACK 0x80 or above): keep it aside."""
        with self._sql.scope():
            row = self._sql.first(_ONE, {"the_seq": seq})
            if row is None:
                return
            message = _message(row)
            self._sql.write(
                insert(OUTBOX_DEAD),
                {
                    "seq": seq,
                    "key": message.key,
                    "topic": message.topic,
                    "payload": message.payload,
                    "traceparent": message.traceparent,
                    "reason_code": reason_code,
                },
            )
            self._sql.write(_DELETE, {"the_seq": seq})

    def depth(self) -> int:
        """How many entries wait."""
        return int(self._sql.scalar(_DEPTH))


class SqlInbox:
    """The Inbox port over the backend's connection."""

    __slots__ = ("_sql",)

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def first_time(self, key: str, at_ms: int) -> bool:
        """Remember `key`, inside the transaction that is open; False when it was there already."""
        return self._sql.insert_new(_SEE, {"key": key, "at_ms": at_ms}) is not None

    def dead_letter(self, topic: str, payload: bytes, reason: str, at_ms: int) -> None:
        """Keep a message that does not keep its contract."""
        self._sql.write(
            insert(INBOX_DEAD), {"topic": topic, "payload": payload, "reason": reason, "at_ms": at_ms}
        )


class SqlAnswers:
    """The AnswerRows port."""

    def __init__(self, sql: SqlConnection) -> None:
        self._sql = sql

    def keep(self, request: str, answer: OutgoingMessage) -> None:
        """Remember the answer to a request."""
        self._sql.write(
            insert(ANSWERS),
            {
                "request": request,
                "key": answer.key,
                "topic": answer.topic,
                "payload": answer.payload,
                "traceparent": answer.traceparent,
                "correlation_data": answer.correlation_data,
            },
        )

    def get(self, request: str) -> OutgoingMessage | None:
        """The answer to a request, None when it has none."""
        row = self._sql.first(_ANSWER, {"the_request": request})
        if row is None:
            return None
        return OutgoingMessage(
            topic=row.topic,
            payload=row.payload,
            key=row.key,
            traceparent=row.traceparent,
            correlation_data=row.correlation_data,
        )


def _message(row: Row[Any]) -> OutgoingMessage:
    return OutgoingMessage(
        topic=row.topic,
        payload=row.payload,
        key=row.key,
        traceparent=row.traceparent,
        expiry_s=row.expiry_s,
        response_topic=row.response_topic,
        correlation_data=row.correlation_data,
        retain=row.retain,
    )
