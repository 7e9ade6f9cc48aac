"""What each of our processes needs: event log, locks, ending, systemd, alarm, durable writes, careful reads."""
