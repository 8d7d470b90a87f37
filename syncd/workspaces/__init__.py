"""Many teams in one deployment. Each team is a workspace with its own files, secrets, ledger and publishers."""
