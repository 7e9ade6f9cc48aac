"""The drawings of the pages: own vector art, as shapes in a field of units; painted to pixels when they are needed.

    shapes.py   points and outlines                icons.py   signs: done, counter, closed, tools
    things.py   cards, hands, phone, slip          places.py  the face reader, the card slot, the counter
    paint.py    shapes -> pixels

No official mark is copied. No font and no picture file can be missing.
"""
