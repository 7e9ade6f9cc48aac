"""Values of a file as staff read them."""

import pytest

from kiosk.desk.page_values import _text
from kiosk.results.subsidies import Item, Leaf


@pytest.mark.parametrize(
    ("label", "role", "value", "read"),
    [
        ("有効期間 終了", "valid_to", "20260331", "令和8年3月31日（2026年）"),
        ("交付年月日", "", "20260331", "令和8年3月31日（2026年）"),
        ("IssueDate", "", "2026-03-31", "令和8年3月31日（2026年）"),
        ("備考", "", "令和8年3月31日", "令和8年3月31日（2026年）"),
        ("有効期間 終了", "valid_to", "5080331", "令和8年3月31日（2026年）"),
        # Eight digits are a number unless they are called a day: this one is to be copied.
        ("公費負担者番号", "payer", "19120312", "19120312"),
        ("受給者番号", "recipient", "20260331", "20260331"),
        ("UnknownTag", "", "19120312", "19120312"),
        ("公費負担者番号（平成31年から）", "payer", "80990815", "80990815"),
        ("受給者番号", "recipient", "5080331", "5080331"),
        ("旧受給者番号（3月31日まで）", "", "5080331", "5080331"),
        ("上限日額", "", "20260331", "20260331"),
    ],
)
def test_a_day_is_read_and_a_number_is_left_alone(label: str, role: str, value: str, read: str) -> None:
    item = Item(label, label, True, "transfer", role, ((Leaf("", "", value),),))
    assert _text(item) == read
