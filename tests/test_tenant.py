from pathlib import Path

import pytest

from harness.settings import Settings
from harness.tenant import BESIDE_PORTS, NODE_PORTS, NoSlotError, Tenant


def test_the_first_has_the_plain_names() -> None:
    tenant = Tenant("deploy-shop")
    assert (tenant.name, tenant.own("shop"), tenant.node_port) == (
        "deploy-shop",
        "shop",
        NODE_PORTS[0],
    )


def test_no_two_have_anything_in_common() -> None:
    tenants = Tenant("deploy-shop").all()
    assert len({tenant.name for tenant in tenants}) == len(NODE_PORTS)
    assert len({tenant.own("shop") for tenant in tenants}) == len(NODE_PORTS)
    assert {tenant.node_port for tenant in tenants} == set(NODE_PORTS)
    assert {tenant.beside_port for tenant in tenants} == set(BESIDE_PORTS)
    assert len(BESIDE_PORTS) == len(NODE_PORTS)
    assert not set(BESIDE_PORTS) & set(NODE_PORTS)


def test_more_than_the_cluster_has_ports_for() -> None:
    with pytest.raises(NoSlotError, match="-n 4"):
        Tenant("deploy-shop", len(NODE_PORTS))


def test_settings_of_a_second_process(project_dir: Path) -> None:
    settings = Settings.load({}, {}, project_dir, slot=1, run="r")
    assert (settings.cluster_name, settings.namespace) == ("deploy-shop", "shop-1")
    assert settings.tenant == Tenant("deploy-shop", 1)
    assert settings.artifacts != Settings.load({}, {}, project_dir, run="r").artifacts
    assert settings.run == "r"
