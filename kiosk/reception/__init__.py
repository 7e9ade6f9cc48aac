"""`kiosk run`: the visit joined with screen, courier, reservations, printer and card reader."""
