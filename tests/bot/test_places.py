from __future__ import annotations

from bot.domain.catalogue import Catalogue, CatalogueEntry
from bot.domain.targets import Namespace, Scope
from bot.scopes import Scopes
from tests.support.builders import SCOPE


def test_an_alias_names_only_what_lives_where_it_leads() -> None:
    """A workload of the same name in another namespace is not called by it, and its buttons come back to it."""
    elsewhere = Catalogue({"prod": CatalogueEntry("prod", "Deployment", "api", namespace="kube-system")})
    scopes = Scopes(
        namespaces={SCOPE.cluster: (SCOPE.namespace, Namespace("kube-system"))}, default_cluster=SCOPE.cluster
    )
    here = elsewhere.at(SCOPE, scopes.default_of())
    there = elsewhere.at(Scope(SCOPE.cluster, Namespace("kube-system")), scopes.default_of())

    assert here.alias_of("Deployment", "api") == "api"
    assert there.alias_of("Deployment", "api") == "prod"
    assert scopes.words(SCOPE) == ""
    assert scopes.words(SCOPE, always=True) == f"--cluster {SCOPE.cluster} -n {SCOPE.namespace}"
