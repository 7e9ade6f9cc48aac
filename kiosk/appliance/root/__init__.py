"""What the screen may ask of root: one socket, a closed list of verbs."""
