"""Where a Japanese line may not be broken, for paper and glass: 行頭禁則 and 行末禁則 of JIS X 4051 (W3C JLREQ 3.1.7).

Owns the two sets of characters; whoever breaks lines measures them for itself.
"""

from __future__ import annotations

from typing import Final

NOT_FIRST: Final = frozenset(
    "）〕］｝〉》」』】〙〗〟’”｠｣)]}"  # closing brackets
    "‐–〜～゠"  # hyphens, and the dash of 9時～12時
    "！？‼⁇⁈⁉!?"  # dividing punctuation
    "・：；:;･"  # middle dots
    "。．、，.,｡､"  # full stops and commas
    "々〻ゝゞヽヾ"  # iteration marks
    "ーｰ゛゜ﾞﾟ"  # the prolonged sound mark, and marks of sounds
    "ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶｧｨｩｪｫｬｭｮｯ"  # small kana
    "％%℃°"  # units, which belong to the number before them
    "…‥"  # what was left out is left out of the word before
)
NOT_LAST: Final = frozenset(
    "（〔［｛〈《「『【〘〖〝‘“｟｢([{"  # opening brackets
    "￥¥"  # what belongs to the number after it
)
