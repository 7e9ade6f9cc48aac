"""The touchscreen: draws `Screen` values, posts the names of the buttons that were touched. The only Kivy.

Importing this package does not import Kivy; making a `window.Window` does. What is where:

    theme.py     colours and sizes in millimetres          pages.py    Screen -> items on a page, in millimetres; pure
    items.py     what a page is made of                    lettering.py  text -> lines that fit their box
    setup.py     Kivy's settings, and whether there is a display at all
    pen.py       items -> Kivy's canvas                    drawings.py   the cards, the reader, the icons
    view.py      one page on the screen, and the fingers   window.py     the face of the reception
    told.py      `--screens-to`                              finger.py   a finger made by the program
    pictures.py  every screen as PNG                         sheet.py    the parts that pages share
    appliance.py  the appliance's own pages -> items
    panel.py, knobs.py  what the demo shows beside the kiosk
"""
