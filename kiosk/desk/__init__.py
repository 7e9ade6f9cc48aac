"""The reception desk: who tapped, what changed, one act to register; a web page for staff, and the rules behind it."""
