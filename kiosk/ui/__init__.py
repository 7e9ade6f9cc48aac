"""The touchscreen: draws views, posts the names of the buttons that were touched. The only Kivy,
but for the demo's panel.

Importing this package does not import Kivy; making a `window.Window` does. What is where:

    theme.py         colours and sizes in millimetres      pages.py         view -> items, in millimetres; pure
    items.py         what a page is made of                page_builder.py  the parts that pages share
    kivy_setup.py    Kivy's settings; is there a display?  lettering.py     set text -> the picture of its letters
    pen.py           items -> Kivy's canvas                sheet.py         a page as a picture, drawn ahead or in part
    view.py          one page on the screen, and fingers   window.py        the face of the reception
    pace.py          when the next frame begins            pictures.py      every screen as PNG
    roles.py         how large texts are                   blocks.py        what finds its own height and place
    frame.py         what surrounds every page             painting.py      pages painted without a window
    measure*.py      `kiosk screens --measure`: the rules that every page keeps
"""
