"""`kiosk desk`: the staff's side of the reception, a page in the hospital's browsers."""
