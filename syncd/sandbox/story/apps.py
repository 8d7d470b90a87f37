"""The story on GitLab: the mobile app. Two people build it, while everybody else works on GitHub."""

from __future__ import annotations

from syncd.sandbox.gitlab.forge import Forge
from syncd.sandbox.story.when import at

FOUNDED = at("02-02", "09:00")


def write(gitlab: Forge) -> None:
    """Adds the app and its UI kit. The app has no release in the quarter yet: the next release is planned for
    December.
    """
    app, kit = "acme/apps/mobile", "acme/apps/tools/ui-kit"
    for path in (app, kit):
        gitlab.add_project(path, at=FOUNDED)
    gitlab.add_release(app, "v0.9", name="Preview", at=at("09-15", "12:00"))
    gitlab.add_release(app, "v1.0", milestones=["Launch"], released_at=at("12-15", "09:00"), at=at("11-10", "12:00"))
    for day, title in (("10-14", "Sign in"), ("10-30", "Basket"), ("11-12", "Offline mode")):
        made = gitlab.add_merge_request(app, title, author="greta", milestone="Launch", at=at(day, "09:30"))
        gitlab.merge(app, made.iid, at=at(day, "16:00"))
        gitlab.deploy(app, "staging", author="greta", at=at(day, "16:30"))
    gitlab.deploy(app, "staging", status="failed", at=at("11-13", "10:00"))
    gitlab.add_merge_request(app, "Payments", author="greta", draft=True, milestone="Launch", at=at("11-19", "14:00"))
    for day, labels in (("10-20", ["bug"]), ("11-05", ["bug", "ui"]), ("11-18", [])):
        issue = gitlab.add_issue(app, "Crash on start", author="fatou", labels=labels, at=at("10-02", "10:00"))
        gitlab.close(app, issue.iid, at=at(day, "11:00"))
    moved = gitlab.add_issue(app, "Buttons are too small", author="fatou", at=at("10-05", "10:00"))
    gitlab.move_issue(app, moved.iid, kit, at=at("10-06", "10:00"))
