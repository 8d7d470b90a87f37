"""Makes changes to deployments, workflow runs and tags of the company's repositories."""

from __future__ import annotations

from datetime import datetime

from syncd.sandbox.github.history import tip
from syncd.sandbox.github.pipeline import Deployment, Run, State, Status, Tag
from syncd.sandbox.github.repositories import Repositories


class Deliveries(Repositories):
    """The deliveries of repositories. Its methods accept a repository's full name, present or former."""

    # -- deployments

    def deploy(
        self,
        full_name: str,
        *,
        environment: str = "production",
        ref: str = "main",
        sha: str | None = None,
        author: str = "ana",
        state: State | None = "success",
        at: datetime | None = None,
        done: datetime | None = None,
    ) -> Deployment:
        """Deploys the newest commit of a branch, or the commit `sha`. The deployment gets its `state` at `done`, by
        default at once. If `state` is None, the deployment gets no status.
        """
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            sha = sha or tip(repo, ref, moment)
            made = Deployment(next(self._ids), sha, ref, environment, author, moment, moment)
            self.user(author)
            repo.deployments[made.id] = made
            repo.version += 1
            if state is not None:
                self.set_deployment(full_name, made.id, state, at=done or moment)
            return made

    def set_deployment(self, full_name: str, deployment: int, state: State, *, at: datetime | None = None) -> None:
        """Adds a status to a deployment."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            made = repo.deployments[deployment]
            made.statuses.append(Status(next(self._ids), state, moment))
            if repo.touches_deployments:
                made.updated_at = max(made.updated_at, moment)
            repo.version += 1

    def delete_deployment(self, full_name: str, deployment: int) -> None:
        """Deletes a deployment."""
        with self.lock:
            repo = self.repo(full_name)
            del repo.deployments[deployment]
            repo.version += 1

    def lose_commit(self, full_name: str, sha: str) -> None:
        """Removes a commit, as a forced push does. The commit can no longer be compared with other commits."""
        with self.lock:
            repo = self.repo(full_name)
            repo.lost.add(sha)
            repo.version += 1

    # -- workflow runs

    def add_run(
        self,
        full_name: str,
        name: str = "CI",
        *,
        branch: str = "main",
        event: str = "push",
        author: str = "ana",
        conclusion: str | None = "success",
        at: datetime | None = None,
        done: datetime | None = None,
    ) -> Run:
        """Adds a run of the workflow `name` that is completed at `done`. Without a conclusion, the run is queued."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            number = 1 + max((run.number for run in repo.runs.values() if run.name == name), default=0)
            self.user(author)
            run = Run(next(self._ids), number, name, branch, event, author, f"{name} of {branch}", moment, moment)
            repo.runs[run.id] = run
            repo.version += 1
            if conclusion is not None:
                self.complete_run(full_name, run.id, conclusion, at=done or moment)
            return run

    def complete_run(
        self, full_name: str, run: int, conclusion: str = "success", *, at: datetime | None = None
    ) -> None:
        """Ends a run."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            made = repo.runs[run]
            made.status, made.conclusion, made.updated_at = "completed", conclusion, moment
            repo.version += 1

    def rerun(self, full_name: str, run: int, *, at: datetime | None = None) -> None:
        """Starts another attempt of a run."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            made = repo.runs[run]
            made.status, made.conclusion, made.updated_at = "in_progress", None, moment
            made.attempt += 1
            repo.version += 1

    def delete_run(self, full_name: str, run: int) -> None:
        """Deletes a run."""
        with self.lock:
            repo = self.repo(full_name)
            del repo.runs[run]
            repo.version += 1

    # -- tags

    def tag(
        self,
        full_name: str,
        name: str,
        *,
        sha: str | None = None,
        annotated: bool = False,
        message: str = "",
        at: datetime | None = None,
    ) -> Tag:
        """Tags the newest commit of main at the time `at`, or the commit `sha`. An existing tag moves there."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            serial = repo.tags[name].serial + 1 if name in repo.tags else 0
            commit = sha or tip(repo, "main", moment)
            tag = Tag(name, commit, moment if annotated else None, message or name, serial)
            repo.tags[name] = tag
            repo.version += 1
            return tag

    def delete_tag(self, full_name: str, name: str) -> None:
        """Deletes a tag."""
        with self.lock:
            repo = self.repo(full_name)
            del repo.tags[name]
            repo.version += 1
