"""What is known of patients beyond a visit: tables that the hospital hands over as CSV files, and hashes of eligibility."""
