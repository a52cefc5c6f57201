"""From a request to its answer: who calls, what is asked, whether it is allowed, who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.cluster.api.access import ANONYMOUS, Rbac, Right, User, forbidden, forbidden_path, is_allowed_by
from sandbox.cluster.api.calls import Answer, Call, Target
from sandbox.cluster.api.discovery import PUBLIC_PATHS, discover
from sandbox.cluster.api.errors import method_not_allowed, unauthorized, watch_not_supported
from sandbox.cluster.api.kinds import METRICS_GROUP, WRITE_VERBS
from sandbox.cluster.api.logs import FollowTiming, pod_log
from sandbox.cluster.api.metrics import get_usage, list_usage
from sandbox.cluster.api.payloads import Payload
from sandbox.cluster.api.reads import get_object, list_objects
from sandbox.cluster.api.representation import negotiate
from sandbox.cluster.api.reviews import review
from sandbox.cluster.api.watches import WatchTiming, watch_objects
from sandbox.cluster.api.writes.routes import answer_write, is_served
from sandbox.cluster.sources import LogSource, MetricsSource
from sandbox.cluster.store import ObjectStore

_SELF_SERVICE_GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})


@dataclass(frozen=True, slots=True)
class Timing:
    """The waits of the API, in seconds."""

    watch: WatchTiming = field(default_factory=WatchTiming)
    follow: FollowTiming = field(default_factory=FollowTiming)
    future_version_s: float = 3.0


class Dispatcher:
    """Answers requests from the store and the sources, for the users it knows."""

    def __init__(self, store: ObjectStore, logs: LogSource, metrics: MetricsSource, timing: Timing) -> None:
        self._store = store
        self._logs = logs
        self._metrics = metrics
        self._timing = timing
        self.users: dict[str, User] = {}  # by token
        self.tokenless: User = ANONYMOUS
        self.rbac: Rbac = ()

    def authenticate(self, authorization: str) -> User:
        """Return who sent an Authorization header. Raises Refusal (401)."""
        if not authorization:
            return self.tokenless
        scheme, _, token = authorization.partition(" ")
        user = self.users.get(token.strip())
        if scheme.lower() != "bearer" or user is None:
            raise unauthorized()
        return user

    def is_allowed(self, user: User, right: Right) -> bool:
        """Tell whether the user's own rights and the cluster's switch both grant a request."""
        return user.allow(*right) and is_allowed_by(self.rbac, right)

    async def answer(
        self, target: Target, user: User, query: Mapping[str, str], accept: str, payload: Payload
    ) -> Answer:
        """Answer a request for a resource. Raises Refusal or PageNotFound."""
        self._authorize(target, user)
        kind = target.kind(self._store.installed)
        call = Call(target, kind, query, user, negotiate(accept, is_list=not target.name), payload)
        if kind.group in _SELF_SERVICE_GROUPS and target.verb == "create":
            return review(call, self.is_allowed)
        if target.verb == "watch" and kind.group == METRICS_GROUP:
            raise watch_not_supported(kind)
        if target.verb not in kind.verbs_of(target.subresource) or not is_served(target, kind):
            raise method_not_allowed()
        if target.verb in WRITE_VERBS:
            return answer_write(call, self._store)
        return await self._read(call)

    def discover(self, method: str, path: str, user: User, address: str, accept: str) -> Answer:
        """Answer a request for no resource. Raises Refusal or PageNotFound."""
        if user is ANONYMOUS and path not in PUBLIC_PATHS:
            raise forbidden_path(user, path)
        return discover(method, path, address, accept, self._store.installed)

    def _authorize(self, target: Target, user: User) -> None:
        """Refuse before anything is looked up: what is missing looks the same as what is forbidden."""
        if target.group in _SELF_SERVICE_GROUPS and target.verb == "create" and user is not ANONYMOUS:
            return
        right = Right(target.verb, target.group, target.full_resource, target.namespace, target.name)
        if not self.is_allowed(user, right):
            raise forbidden(user, right)

    async def _read(self, call: Call) -> Answer:
        if call.kind.group == METRICS_GROUP:
            answer = get_usage if call.target.name else list_usage
            return answer(call, self._store, self._metrics)
        if call.target.subresource == "log":
            return pod_log(call, self._store, self._logs, self._timing.follow)
        match call.target.verb:
            case "watch":
                return watch_objects(call, self._store, self._timing.watch)
            case "list":
                return await list_objects(call, self._store, future_wait_s=self._timing.future_version_s)
            case _:
                return get_object(call, self._store)
