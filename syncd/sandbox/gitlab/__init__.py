"""GitLab: the company's projects, which are in groups, and the part of the REST API that reads them."""
