"""Quantities: exact or refused, and the text that is shown reads back as the same value."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import CellbookError
from ledger.custody.events import EVENTS
from ledger.custody.values.quantities import _KINDS, format_quantity, parse_quantity, unit_of_field


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("280 Ah", "mah", 280_000),
        ("280Ah", "mah", 280_000),
        ("3.25 Ah", "mah", 3_250),
        ("280 000 mAh", "mah", 280_000),
        ("280\u202f000 mAh", "mah", 280_000),
        ("1,234.5 Ah", "mah", 1_234_500),
        ("1,234,567 mAh", "mah", 1_234_567),
        ("17.7 kWh", "wh", 17_700),
        ("1.2 MWh", "wh", 1_200_000),
        ("168 kg", "g", 168_000),
        ("0.5 t", "g", 500_000),
        ("51.2 V", "mv", 51_200),
        ("82.1 %", "permille", 821),
        ("821 ‰", "permille", 821),
        ("2.1 %/month", "permille_month", 21),
        ("25.1 °C", "dc", 251),
        ("25.1 ℃", "dc", 251),
        ("-20 °C", "dc", -200),
        ("\u221220.5 °C", "dc", -205),
        ("0.85 mΩ", "uohm", 850),
        ("850 μΩ", "uohm", 850),
        ("850 µ\u2126", "uohm", 850),
        ("5 MΩ", "kohm", 5_000),
        ("412000 km", "km", 412_000),
        ("1500 m", "km", None),
        ("7 kW", "w", 7_000),
        ("0.333 C", "milli", 333),
        ("1.5 h", "minutes", 90),
        ("90 s", "minutes", None),
        ("120 s", "minutes", 2),
        ("14 d", "hours", 336),
        ("5 years", "months", 60),
        ("1.2345 Ah", "mah", None),
        ("82.15 %", "permille", None),
        ("0.0001 kg", "g", None),
    ],
)
def test_exact_or_refused(text: str, unit: str, value: int | None) -> None:
    if value is not None:
        assert parse_quantity(text, unit) == value
        return
    with pytest.raises(CellbookError) as caught:
        parse_quantity(text, unit)
    assert caught.value.code == "malformed.quantity.inexact"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed.quantity.unit"),
        ("280", "malformed.quantity.unit"),
        ("Ah", "malformed.quantity"),
        ("280 ah", "malformed.quantity.unit"),
        ("280 AH", "malformed.quantity.unit"),
        ("280 kWh", "malformed.quantity.unit"),
        ("280 mA", "malformed.quantity.unit"),
        ("280 Ah Ah", "malformed.quantity.unit"),
        ("1e3 Ah", "malformed.quantity"),
        ("1.2e3 Ah", "malformed.quantity"),
        ("nan Ah", "malformed.quantity.unit"),
        ("inf Ah", "malformed.quantity.unit"),
        ("-5 Ah", "malformed.quantity"),
        ("1,234 Ah", "malformed.quantity.separator"),
        ("1,5 Ah", "malformed.quantity.separator"),
        ("12,34,567 mAh", "malformed.quantity.separator"),
        ("1 2 Ah", "malformed.quantity.separator"),
        ("1.234.567 mAh", "malformed.quantity"),
        ("1.234,5 Ah", "malformed.quantity"),
        ("1_000 mAh", "malformed.quantity"),
        ("0x10 mAh", "malformed.quantity"),
        (".5 Ah", "malformed.quantity"),
        ("5. Ah", "malformed.quantity.unit"),
        ("２８０ Ah", "malformed.quantity.unit"),
        ("٢٨٠ Ah", "malformed.quantity.unit"),
        ("9" * 80 + " Ah", "malformed.quantity"),
        ("--5 Ah", "malformed.quantity"),
        ("1/2 Ah", "malformed.quantity"),
    ],
)
def test_what_is_no_quantity(text: str, code: str) -> None:
    with pytest.raises(CellbookError) as caught:
        parse_quantity(text, "mah")
    assert caught.value.code == code


def test_units_of_fields() -> None:
    assert unit_of_field("rated_capacity_mah") == "mah"
    assert unit_of_field("self_discharge_permille_month") == "permille_month"
    assert unit_of_field("extreme_temp_min") == "minutes"
    assert unit_of_field("ambient_temp_dc") == "dc"
    assert unit_of_field("full_cycles") is None
    assert unit_of_field("mah") is None
    for struct in EVENTS.values():
        for name in struct.__struct_fields__:
            unit = unit_of_field(name)
            assert unit is None or unit in _KINDS


def test_a_unit_that_no_field_has() -> None:
    for call in (lambda: parse_quantity("1 lb", "lb"), lambda: format_quantity(1, "lb")):
        with pytest.raises(CellbookError) as caught:
            call()
        assert caught.value.code == "usage.quantity.unit"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (280_000, "mah", "280.0 Ah"),
        (3_255, "mah", "3.255 Ah"),
        (17_700, "wh", "17.7 kWh"),
        (168_000, "g", "168 kg"),
        (168_050, "g", "168.05 kg"),
        (821, "permille", "82.1 %"),
        (1_000, "permille", "100.0 %"),
        (-205, "dc", "-20.5 °C"),
        (-5, "dc", "-0.5 °C"),
        (0, "dc", "0.0 °C"),
        (850, "uohm", "0.85 mΩ"),
        (5_000, "kohm", "5000 kΩ"),
        (90, "minutes", "90 min"),
        (333, "milli", "0.333 C"),
    ],
)
def test_shown(value: int, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


@given(st.sampled_from(sorted(_KINDS)), st.integers(0, 10**15))
def test_what_is_shown_reads_back(unit: str, value: int) -> None:
    assert parse_quantity(format_quantity(value, unit), unit) == value


def parsed(text: str, unit: str) -> int | str:
    """The value, or the code of the refusal."""
    try:
        return parse_quantity(text, unit)
    except CellbookError as error:
        return error.code


@given(st.data(), st.integers(0, 10**12), st.integers(0, 6))
def test_conversion_is_exact_or_refused(data: st.DataObject, mantissa: int, places: int) -> None:
    unit = data.draw(st.sampled_from(sorted(_KINDS)))
    symbol = data.draw(st.sampled_from(sorted(_KINDS[unit].scales)))
    digits = str(mantissa).rjust(places + 1, "0")
    number = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
    exact = Fraction(mantissa, 10**places) * Fraction(*_KINDS[unit].scales[symbol])
    expected = exact if exact.denominator == 1 else "malformed.quantity.inexact"
    assert parsed(f"{number} {symbol}", unit) == expected


@given(st.text(max_size=70), st.sampled_from(sorted(_KINDS)))
def test_any_text_is_a_quantity_or_refused(text: str, unit: str) -> None:
    value = parsed(text, unit)
    assert isinstance(value, int) or value.startswith("malformed.quantity")
