"""GitLab: a forge with projects in groups, and the part of its REST API that reads them."""
