"""Every rendering is what the schemas of Kubernetes ask for, unknown fields refused."""

from __future__ import annotations

from typing import Any

import pytest
from chart_support import VARIANTS, render

# The oldest that the chart supports, and the one that the suite deploys to.
VERSIONS = ("1.30", "1.34")


@pytest.fixture(scope="module")
def validator() -> Any:
    why = "kubernetes-validate, which holds the schemas, is not installed"
    return pytest.importorskip("kubernetes_validate", reason=why)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=[n.replace(" ", "-") for n in VARIANTS])
def test_every_object_is_valid(validator: Any, variant: dict[str, object], version: str) -> None:
    objects = render(variant).objects
    assert objects
    for item in objects:
        validator.validate(item.body, version, strict=True)


def test_a_wrong_field_would_be_found(validator: Any) -> None:
    service = render().one("Service", "backend-svc")
    wrong = service | {"spec": service["spec"] | {"sessionAffinities": "None"}}
    with pytest.raises(validator.ValidationError):
        validator.validate(wrong, VERSIONS[-1], strict=True)
