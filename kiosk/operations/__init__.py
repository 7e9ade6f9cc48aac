"""What IT and staff are told: status, check and metrics. Looks at everything; changes nothing but what it is asked to
(`--acknowledge`), and leaves no probe behind.

status.py       what is wrong, asked of everybody     report.py       the answer as one value
status_text.py  the answer in English                 status_rows.py  the answer in Japanese, for the technician
check/          `kiosk check`                         metrics/        `kiosk metrics`
"""
