"""Jira, Cloud and Data Center: the company's issues and the REST API in front of them."""
