"""Jira, Cloud and Data Center: the company's issues and their REST API."""
