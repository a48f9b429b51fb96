"""What is said of a cluster that exists, on the command line and in the environment."""

from pathlib import Path

import pytest
import yaml

from harness.clusters.existing.errors import ContextUnknownError, KubeconfigUnreadableError
from harness.errors import DeployError
from harness.option_reader import SettingInvalidError
from harness.settings import Settings
from harness.tenant import NODE_PORTS, Guest


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    contexts = [{"name": name, "context": {}} for name in ("office", "cloud")]
    file.write_text(yaml.safe_dump({"contexts": contexts, "current-context": "office"}))
    return file


def load(root: Path, kubeconfig: Path | str, /, **options: str) -> Settings:
    given: dict[str, str | None] = {
        "cluster": "existing",
        "kubeconfig": str(kubeconfig),
        "context": "cloud",
        "registry": "registry.test:5000/team",
    }
    given |= {name.replace("_", "-"): value for name, value in options.items()}
    environ = {"KUBECONFIG": "/nonexistent/ambient"}
    slot = int(given.pop("slot", None) or 0)
    return Settings.load(given, environ, root, run="0123456789abcdef", slot=slot)


def test_all_that_a_cluster_that_exists_needs(project_dir: Path, kubeconfig: Path) -> None:
    settings = load(project_dir, kubeconfig)
    existing = settings.existing
    assert existing is not None
    assert (existing.kubeconfig, existing.context) == (kubeconfig, "cloud")
    assert existing.registry == existing.registry_push == "registry.test:5000/team"
    assert (existing.host_address, existing.url, existing.disruptive) == ("", "", False)
    assert settings.keep == "never"


def test_every_process_of_every_run_has_names_of_its_own(
    project_dir: Path, kubeconfig: Path
) -> None:
    many = [load(project_dir, kubeconfig, slot=str(n)) for n in range(len(NODE_PORTS) * 3)]
    assert many[0].namespace == "shop-01234567-0"
    assert len({settings.namespace for settings in many}) == len(many)
    assert len({settings.tenant.name for settings in many}) == len(many)
    assert many[-1].tenant == Guest("deploy-guest-01234567-11", 11)
    assert many[-1].tenant.all() == [many[-1].tenant]


def test_a_namespace_that_is_named(project_dir: Path, kubeconfig: Path) -> None:
    assert load(project_dir, kubeconfig, namespace="mine").namespace == "mine"
    assert load(project_dir, kubeconfig, namespace="mine", slot="1").namespace == "mine-1"


@pytest.mark.parametrize("context", ["", "offce"])
def test_contexts_that_exist_are_named(project_dir: Path, kubeconfig: Path, context: str) -> None:
    with pytest.raises(ContextUnknownError) as caught:
        load(project_dir, kubeconfig, context=context)
    assert "office, cloud" in caught.value.seen
    assert "--deploy-context=" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (None, "No such file"),
        ("users: [{token: t0ken", "no YAML (line 1)"),
        ("just words", "no list of contexts"),
        ("contexts: 7", "no list of contexts"),
        ("", "no list of contexts"),
    ],
)
def test_a_file_that_is_no_kubeconfig(
    project_dir: Path, tmp_path: Path, text: str | None, seen: str
) -> None:
    file = tmp_path / "other"
    if text is not None:
        file.write_text(text)
    with pytest.raises(KubeconfigUnreadableError) as caught:
        load(project_dir, file)
    assert seen in caught.value.seen
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("kubeconfig", ""),
        ("registry", ""),
        ("registry", "https://registry.test"),
        ("registry_push", "Registry/x"),
        ("url", "app.example.test"),
        ("disruptive", "perhaps"),
        ("host_address", "not an address"),
        ("cluster_name", "deploy-other"),
    ],
)
def test_what_cannot_be_is_named(
    project_dir: Path, kubeconfig: Path, option: str, value: str
) -> None:
    with pytest.raises(SettingInvalidError, match=f"--deploy-{option.replace('_', '-')}"):
        load(project_dir, kubeconfig, **{option: value})


@pytest.mark.parametrize("option", ["kubeconfig", "context", "registry", "url", "host-address"])
def test_options_of_another_kind_of_cluster_are_refused(project_dir: Path, option: str) -> None:
    with pytest.raises(DeployError, match="--deploy-cluster=existing"):
        Settings.load({option: "something"}, {}, project_dir)
