"""Many teams in one deployment: each a workspace with files, secrets, a ledger and publishers of its own."""
