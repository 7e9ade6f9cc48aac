"""The reception desk (`kiosk desk`): what staff see in a browser, and what they do there."""
