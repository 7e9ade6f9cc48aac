"""What Linux says of this PC."""
