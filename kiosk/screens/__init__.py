"""What is shown, as values: a state of the visit becomes a view. Window, headless lines and later renderers draw it."""
