"""What people and programs read: the table, JSON lines, the Parquet file of transactions.

Each file takes a ledger and findings and writes one form of them; nothing upstream knows of these.
The same input gives the same bytes: no clock is read, and every order is fixed.
"""
