"""GitHub: the company's repositories and their REST API."""
