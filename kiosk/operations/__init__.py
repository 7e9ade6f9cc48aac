"""What IT and staff are told: status, check and metrics. Looks at everything and changes nothing."""
