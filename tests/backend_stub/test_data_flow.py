"""What data may go to whom, for what: every combination of the market's list, and none beside it."""

import itertools

import pytest

from backend_stub.domain.data_flow import (
    DataCategory,
    Flow,
    FlowEntry,
    Purpose,
    Recipient,
    check_flow,
    is_allowed,
    read_flow,
)
from backend_stub.domain.market import AU, CN, PROFILES, MarketProfile
from backend_stub.errors import BackendError
from contracts.acts.bmw import SendData
from contracts.bench import AtBmw, ResendSms
from contracts.errors import ErrorCode
from tests.backend_stub.shop import VIN, Shop

D, R, P = DataCategory, Recipient, Purpose
ABROAD = (R.BMW_GERMANY, R.PROVIDER_AU, R.PROVIDER_DK, R.PROVIDER_FR, R.PROVIDER_DE, R.PROVIDER_PH)
EVERY_FLOW = tuple(itertools.starmap(Flow, itertools.product(D, R, P)))


def allowed(profile: MarketProfile, *recipients: Recipient) -> set[tuple[DataCategory, Recipient, Purpose]]:
    return {
        (flow.category, flow.recipient, flow.purpose)
        for flow in EVERY_FLOW
        if flow.recipient in recipients and is_allowed(profile.allowances, flow)
    }


def ledger(shop: Shop) -> tuple[FlowEntry, ...]:
    return shop.backend.store.data_ledger.of_vehicle(VIN)


def send(category: str, recipient: str, purpose: str) -> AtBmw:
    return AtBmw(act=SendData(category=category, recipient=recipient, purpose=purpose))


@pytest.mark.req("R-821", "R-822")
def test_china_permits_no_foreign_recipient_whatever_the_item() -> None:
    assert allowed(CN, *ABROAD) == set()
    assert CN.data_abroad == ()


@pytest.mark.req("R-821")
def test_china_unicom_gets_order_and_number_alone() -> None:
    assert {category for category, _, _ in allowed(CN, R.CHINA_UNICOM)} == {D.ORDER, D.NUMBER}
    assert allowed(AU, R.CHINA_UNICOM) == set()


@pytest.mark.req("R-821")
def test_the_recipients_of_each_market_are_those_of_the_rule() -> None:
    def recipients(profile: MarketProfile) -> list[Recipient]:
        return [recipient for recipient in R if allowed(profile, recipient)]

    assert recipients(CN) == [R.BMW, R.CHINA_UNICOM, R.DEALER, R.EMERGENCY_SERVICES]
    assert recipients(AU) == [
        R.BMW,
        R.BMW_GERMANY,
        R.DEALER,
        R.EMERGENCY_SERVICES,
        R.AUTHORITIES,
        R.PROVIDER_AU,
        R.PROVIDER_DK,
        R.PROVIDER_FR,
        R.PROVIDER_DE,
        R.PROVIDER_PH,
    ]


@pytest.mark.req("R-821")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.market)
def test_emergency_services_get_data_in_emergencies_and_authorities_in_legal_cases_too(
    profile: MarketProfile,
) -> None:
    assert {purpose for _, _, purpose in allowed(profile, R.EMERGENCY_SERVICES)} == {P.EMERGENCY_ASSISTANCE}
    assert {purpose for _, _, purpose in allowed(profile, R.AUTHORITIES)} <= {
        P.EMERGENCY_ASSISTANCE,
        P.LEGAL,
    }
    others = tuple(recipient for recipient in R if recipient is not R.AUTHORITIES)
    assert P.LEGAL not in {purpose for _, _, purpose in allowed(profile, *others)}


@pytest.mark.req("R-822")
def test_the_cars_own_condition_goes_to_bmw_and_from_australia_to_germany_too() -> None:
    for category in (D.DIAGNOSTIC, D.MAINTENANCE):
        assert is_allowed(CN.allowances, Flow(category, R.BMW, P.QUALITY_ASSURANCE))
        assert is_allowed(AU.allowances, Flow(category, R.BMW, P.QUALITY_ASSURANCE))
        assert is_allowed(AU.allowances, Flow(category, R.BMW_GERMANY, P.QUALITY_ASSURANCE))
        assert not is_allowed(CN.allowances, Flow(category, R.BMW_GERMANY, P.QUALITY_ASSURANCE))


@pytest.mark.req("R-821")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.market)
def test_every_combination_is_either_on_the_list_or_denied(profile: MarketProfile) -> None:
    for flow in EVERY_FLOW:
        if is_allowed(profile.allowances, flow):
            check_flow(profile.allowances, flow)
        else:
            with pytest.raises(BackendError) as refused:
                check_flow(profile.allowances, flow)
            assert refused.value.code is ErrorCode.DATA_FLOW_DENIED


@pytest.mark.req("R-821")
@pytest.mark.parametrize(
    "words",
    [
        ("shoe_size", "dealer", "processing"),
        ("order", "newspaper", "processing"),
        ("order", "dealer", "advertising"),
    ],
)
def test_a_word_that_no_list_knows_is_denied(words: tuple[str, str, str]) -> None:
    with pytest.raises(BackendError) as refused:
        read_flow(*words)
    assert refused.value.code is ErrorCode.DATA_FLOW_DENIED


@pytest.mark.req("R-821")
def test_an_item_that_goes_out_is_recorded_and_stays_recorded(shop: Shop) -> None:
    shop.command(send("diagnostic", "bmw", "quality_assurance"))
    sent_at_ms = shop.now
    shop.restart_after(1000)
    [entry] = ledger(shop)
    assert (entry.at_ms, entry.market) == (sent_at_ms, "CN")
    assert entry.flow == Flow(D.DIAGNOSTIC, R.BMW, P.QUALITY_ASSURANCE)
    assert ("diagnostic", "sent") in shop.journal("data")


@pytest.mark.req("R-821", "R-822")
def test_a_refusal_is_journalled_and_leaves_nothing_in_the_ledger(shop: Shop) -> None:
    with pytest.raises(BackendError) as refused:
        shop.command(send("diagnostic", "bmw_germany", "quality_assurance"))
    assert refused.value.code is ErrorCode.DATA_FLOW_DENIED
    assert shop.journal("refusal") == [("bmw.send_data", "DATA_FLOW_DENIED")]
    assert ledger(shop) == ()


@pytest.mark.req("R-301", "R-821")
def test_order_and_number_of_a_chinese_order_go_to_unicom_and_are_recorded(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    flows = [entry.flow for entry in ledger(shop)]
    assert flows == [
        Flow(D.ORDER, R.CHINA_UNICOM, P.PROCESSING),
        Flow(D.NUMBER, R.CHINA_UNICOM, P.SERVICE_SUPPORT),
    ]
    assert shop.view(order.number).sms_number == "138****0001"


@pytest.mark.req("R-306", "R-821")
def test_every_message_is_an_item_of_its_own(shop: Shop) -> None:
    order = shop.accepted("RTTI")
    shop.command(ResendSms(order_number=order.number))
    recipients = [(entry.flow.category, entry.flow.recipient) for entry in ledger(shop)]
    assert recipients[1:] == [(D.NUMBER, R.CHINA_UNICOM)] * 2


@pytest.mark.req("R-821")
def test_a_refused_order_sends_nothing_out(shop: Shop) -> None:
    shop.refused("RTTI", "RTTI")
    assert ledger(shop) == ()
