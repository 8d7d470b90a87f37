"""The retry policy for every request of every connector. The retries of client libraries are switched off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from syncd.sdk.budget import Budget
from syncd.sdk.errors import ConfigError, RetryLater, SourceBroken, Unsure
from syncd.sdk.quota import ProcessQuotas, QuotaLeft, Quotas

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")

RequestOutcome = Literal["ok", "later", "failed", "refused", "unsure"]
"""How a request ended. `ok`: it was answered. `later`: the server asked for a wait. `failed`: another try may help.
`refused`: no other try can help. `unsure`: a write may have arrived.
"""

_SHORTEST = 0.5  # seconds before the second try, because overloaded servers say `Retry-After: 0`

LONGEST_WAIT = 60.0
"""The longest wait in seconds. If a server asks for a longer wait, the stream ends, and a later cycle continues it."""


@dataclass(slots=True)
class RetryPolicy:
    """Decides which failed requests are sent again, when, and until when. Each connection has its own policy.

    Only a request that raises `RetryLater` is sent again. The wait is the time that the server asked for. Without such
    a time, the wait is a random part of a bound that doubles (full jitter). If the server asks for a wait of zero
    (`Retry-After: 0`, or a date that has passed), a short wait is used, which doubles too. A request fails without
    another try if the server asks for more than `longest_wait` seconds, or if the next try would begin after
    `deadline`. The stream then ends as partial, and the next cycle continues from its cursor.

    After all tries of a request have failed, each later request is tried only once, until a request succeeds. A server
    that is down therefore costs one round of waits, not one round for each of its streams. If all requests fail for
    `longest_outage` seconds, later requests are not sent. A silent server therefore costs a limited time, however many
    streams it has.

    Each try uses one request of the connection's `budget`, and one request of its credential's quota in `quotas`. The
    daemon replaces `sleep` so that a stop of the daemon ends a wait. Tests replace `sleep` so that they do not wait.
    `meter` is called after each request with the connection's name, the outcome, and the server's quota (None if the
    server tells no quota). `before` is called before each try; an error that it raises ends the request.
    """

    attempts: int = 5
    longest_wait: float = LONGEST_WAIT
    deadline: float = 180.0
    longest_outage: float = 240.0
    sleep: Callable[[float], None] = field(default=time.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)
    budget: Budget = field(default_factory=Budget)
    quotas: Quotas = field(default_factory=ProcessQuotas)
    connection: str = ""
    meter: Callable[[str, RequestOutcome, QuotaLeft | None], None] = field(default=lambda *_: None)
    before: Callable[[], None] = field(default=lambda: None)
    _down_since: float | None = field(default=None, init=False)
    _reason: str = field(default="", init=False)

    def call(self, request: Callable[[], T]) -> T:
        """The result of `request`, which is tried as often as this policy allows. If all tries fail, raises the last
        error.

        Writes use `call` too. A write raises RetryLater if it had no effect, or if it may be sent twice. If neither is
        certain, the write raises `Unsure` and is not tried again.
        """
        import tenacity  # imported here, so that commands without requests start faster

        began = self.clock()
        if self._down_since is not None and began - self._down_since > self.longest_outage:
            raise RetryLater(self._reason)
        waited = False

        def ask() -> T:
            nonlocal waited
            if waited:
                self.budget.forget()  # the budget knows only the quota before the wait
                waited = False
            self.budget.spend()
            self.before()
            try:
                try:
                    answer = request()
                finally:
                    self.budget.settle()
            except BaseException as error:
                self.meter(self.connection, _outcome(error), self.budget.left)
                raise
            self.meter(self.connection, "ok", self.budget.left)
            return answer

        jitter = tenacity.wait_random_exponential(multiplier=0.5, max=self.longest_wait)

        def wait(state: tenacity.RetryCallState) -> float:
            nonlocal waited
            after = _after(state)
            waited = after is not None
            return jitter(state) if after is None else max(after, _SHORTEST * 2 ** (state.attempt_number - 1))

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._worth_waiting_for),
            wait=wait,
            stop=tenacity.stop_after_attempt(self.attempts) | tenacity.stop_before_delay(self.deadline),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            answer = retrying(ask)
        except RetryLater as error:
            down = error.after is None  # a limit that names its time is not an outage
            self._down_since, self._reason = (self._down_since or began) if down else None, str(error)
            raise
        self._down_since = None
        return answer

    def fresh(self, connection: str = "") -> RetryPolicy:
        """A new policy with the same settings, for the connection with this name."""
        return replace(self, budget=Budget(self.budget.now), connection=connection)

    def _worth_waiting_for(self, error: BaseException) -> bool:
        if not isinstance(error, RetryLater):
            return False
        return self._down_since is None if error.after is None else error.after <= self.longest_wait


def _outcome(error: BaseException) -> RequestOutcome:
    if isinstance(error, Unsure):
        return "unsure"
    if isinstance(error, RetryLater):
        return "failed" if error.after is None else "later"
    return "refused" if isinstance(error, SourceBroken | ConfigError) else "failed"


def _after(state: tenacity.RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.after if isinstance(error, RetryLater) else None
