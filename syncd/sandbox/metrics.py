"""A plain JSON API with a key in a header, such as every company has one of: for the `http` connector."""

from __future__ import annotations

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.world import World


class MetricsApi:
    """`/v1/error-rate`, `/v1/uptime` and `POST /v1/query`."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials

    def __call__(self, asked: Asked) -> Answer:
        """401 without the key in X-Api-Key."""
        if asked.headers.get("x-api-key") != self._credentials.metrics_key:
            return answer_json({"error": "unauthorized", "message": "Send your key in X-Api-Key."}, 401)
        with self._world.lock:
            metrics = self._world.metrics
            match asked.method, asked.path:
                case "GET", "/v1/error-rate":
                    return answer_json(
                        {"service": "checkout", "window": "7d", "error_rate": {"percent": metrics.error_rate}}
                    )
                case "GET", "/v1/uptime":
                    points = [
                        {"day": day.isoformat(), "uptime": value} for day, value in sorted(metrics.uptime.items())
                    ]
                    return answer_json({"points": points})
                case "POST", "/v1/query":
                    return self._query(asked)
        return answer_json({"error": "not_found"}, 404)

    def _query(self, asked: Asked) -> Answer:
        """`{"metric": "error_rate"}` or `{"metric": "uptime"}` (the latest one) answers `{"value": NUMBER}`."""
        try:
            metric = asked.json()["metric"]
        except (ValueError, KeyError, TypeError):
            return answer_json({"error": "bad_request", "message": 'Send {"metric": NAME}.'}, 400)
        known = [value for _, value in sorted(self._world.metrics.uptime.items()) if value is not None]
        values = {"error_rate": self._world.metrics.error_rate, "uptime": known[-1] if known else None}
        if metric not in values:
            return answer_json({"error": "no_such_metric", "metric": metric}, 404)
        return answer_json({"metric": metric, "value": values[metric]})
