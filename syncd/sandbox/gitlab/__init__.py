"""GitLab: the company's projects in groups, and the part of the REST API that reads them."""
