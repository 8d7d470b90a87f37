"""GitHub: the company's repositories and the REST API in front of them."""
