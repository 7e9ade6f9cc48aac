"""What is known of patients beyond a visit: CSV tables that the hospital hands over, and hashes of eligibility."""
