"""Every rendering is what the schemas of Kubernetes ask for, unknown fields refused."""

from __future__ import annotations

import pytest
from chart_support import VARIANTS, render

validator = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate, which holds the schemas, is not installed"
)

# The oldest that the chart supports, and the one that the suite deploys to.
VERSIONS = ("1.30", "1.34")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS.values(), ids=[n.replace(" ", "-") for n in VARIANTS])
def test_every_object_is_valid(variant: dict[str, object], version: str) -> None:
    objects = render(variant).objects
    assert objects
    for item in objects:
        validator.validate(item.body, version, strict=True)


def test_a_wrong_field_would_be_found() -> None:
    service = render().one("Service", "backend-svc")
    wrong = service | {"spec": service["spec"] | {"sessionAffinities": "None"}}
    with pytest.raises(validator.ValidationError):
        validator.validate(wrong, VERSIONS[-1], strict=True)
