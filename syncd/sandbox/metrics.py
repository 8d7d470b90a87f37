"""A plain JSON API, such as many companies have, for the `http` connector. Requests need a key in a header."""

from __future__ import annotations

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Request, Response, json_response
from syncd.sandbox.world import World


class MetricsApi:
    """`GET /v1/error-rate`, `GET /v1/uptime` and `POST /v1/query`."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials

    def __call__(self, request: Request) -> Response:
        """Answers a request. A request without the key in X-Api-Key gets 401."""
        if request.headers.get("x-api-key") != self._credentials.metrics_key:
            return json_response({"error": "unauthorized", "message": "Send your key in X-Api-Key."}, 401)
        with self._world.lock:
            metrics = self._world.metrics
            match request.method, request.path:
                case "GET", "/v1/error-rate":
                    return json_response(
                        {"service": "checkout", "window": "7d", "error_rate": {"percent": metrics.error_rate}}
                    )
                case "GET", "/v1/uptime":
                    days = sorted(metrics.uptime.items())
                    return json_response({"points": [{"day": day.isoformat(), "uptime": share} for day, share in days]})
                case "POST", "/v1/query":
                    return self._query(request)
        return json_response({"error": "not_found"}, 404)

    def _query(self, request: Request) -> Response:
        try:
            metric = request.json()["metric"]
        except (ValueError, KeyError, TypeError):
            return json_response({"error": "bad_request", "message": 'Send {"metric": NAME}.'}, 400)
        shares = [share for _, share in sorted(self._world.metrics.uptime.items()) if share is not None]
        values = {"error_rate": self._world.metrics.error_rate, "uptime": shares[-1] if shares else None}
        if metric not in values:
            return json_response({"error": "no_such_metric", "metric": metric}, 404)
        return json_response({"metric": metric, "value": values[metric]})
