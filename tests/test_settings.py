import os
from pathlib import Path

import pytest
from download_support import authority

from harness.early_settings import Reporting
from harness.option_reader import DriverNotOursError, SettingInvalidError
from harness.options import OPTIONS
from harness.settings import Settings
from harness.supply.authority import ca_bundle


def load(root: Path, environ: dict[str, str] | None = None, **options: str) -> Settings:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return Settings.load(given, environ or {}, root)


def test_defaults_come_from_the_description(project_dir: Path) -> None:
    settings = load(project_dir)
    assert settings.cluster_name == "deploy-shop"
    assert settings.namespace == "shop"
    assert (settings.port, settings.timeout, settings.fresh) == (0, 600, False)
    assert settings.nodes == 1
    assert load(project_dir, nodes="3").nodes == 3


def test_an_earlier_chart_is_named_as_it_is(project_dir: Path) -> None:
    assert load(project_dir).previous_chart == ""
    assert load(project_dir, previous_chart="v1.0").previous_chart == "v1.0"
    assert load(project_dir).root == project_dir


def test_option_wins_over_variable(project_dir: Path) -> None:
    environ = {"DEPLOY_PORT": "8080", "DEPLOY_NAMESPACE": "elsewhere"}
    settings = load(project_dir, environ, port="9090")
    assert (settings.port, settings.namespace) == (9090, "elsewhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cluster", "mesos"),
        ("cluster-name", "Not_A_Name"),
        ("minikube-driver", "vmwurst"),
        ("namespace", "-x"),
        ("port", "70000"),
        ("port", "many"),
        ("fresh", "maybe"),
        ("keep", "sometimes"),
        ("diagnosis", "sometimes"),
        ("timeout", "0"),
        ("nodes", "0"),
        ("nodes", "two"),
    ],
)
def test_wrong_value_names_option_and_value(project_dir: Path, name: str, value: str) -> None:
    with pytest.raises(SettingInvalidError) as caught:
        Settings.load({name: value}, {}, project_dir)
    assert f"--deploy-{name}" in caught.value.looked
    assert value in caught.value.seen


def test_wrong_variable_names_the_variable(project_dir: Path) -> None:
    with pytest.raises(SettingInvalidError, match="DEPLOY_PORT"):
        load(project_dir, {"DEPLOY_PORT": "x"})


def test_how_things_are_fetched_is_laid_over_the_environment(
    project_dir: Path, tmp_path: Path
) -> None:
    bundle = authority(tmp_path).certificate
    environ = {"DEPLOY_MIRROR": "old.example.test/hub", "OTHER": "x"}
    settings = load(
        project_dir,
        environ,
        mirror="registry.example.test:5000/hub/",
        download_mirror="https://files.example.test/all/",
        ca_bundle=os.path.relpath(bundle, project_dir),
    )
    assert settings.environ == {
        "DEPLOY_MIRROR": "registry.example.test:5000/hub",
        "DEPLOY_DOWNLOAD_MIRROR": "https://files.example.test/all",
        "DEPLOY_CA_BUNDLE": str(bundle),
        "OTHER": "x",
    }
    assert environ["DEPLOY_MIRROR"] == "old.example.test/hub"
    assert ca_bundle(settings.environ) == bundle


def test_an_empty_option_takes_a_variable_out_of_force(project_dir: Path) -> None:
    assert load(project_dir, {"DEPLOY_MIRROR": "old.example.test"}, mirror="").environ == {
        "DEPLOY_MIRROR": ""
    }


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("mirror", "https://registry.example.test/hub", "https://registry"),
        ("mirror", "hub", "hub"),
        ("mirror", "registry.example.test/Hub", "Hub"),
        ("download-mirror", "files.example.test", "files.example.test"),
        ("download-mirror", "ftp://files.example.test", "ftp://"),
        ("ca-bundle", "none.pem", "No such file"),
        ("ca-bundle", "deploy.toml", "NO_CERTIFICATE"),
    ],
)
def test_what_cannot_be_fetched_from_is_told(
    project_dir: Path, name: str, value: str, seen: str
) -> None:
    with pytest.raises(SettingInvalidError) as caught:
        Settings.load({name: value}, {}, project_dir)
    assert f"--deploy-{name}" in caught.value.looked
    assert seen in caught.value.seen


@pytest.mark.parametrize(
    "value", ["localhost/x", "127.0.0.1:5000", "registry.example.test", "registry:5000/a/b-c_d"]
)
def test_a_mirror_is_a_registry_and_a_path(project_dir: Path, value: str) -> None:
    assert load(project_dir, mirror=value).environ == {"DEPLOY_MIRROR": value}


def test_passwords_in_a_wrong_address_are_not_shown(project_dir: Path) -> None:
    with pytest.raises(SettingInvalidError) as caught:
        load(project_dir, download_mirror="ftp://me:letmein-123@files.example.test")
    assert "letmein" not in str(caught.value)


def test_environment_is_not_shown(project_dir: Path) -> None:
    assert "hunter2" not in repr(load(project_dir, {"DATABASE_URL": "hunter2"}))


def test_every_option_has_our_prefix() -> None:
    assert all(o.flag.startswith("--deploy-") for o in OPTIONS)
    assert all(o.variable.startswith("DEPLOY_") for o in OPTIONS)


def test_clusters_of_different_kinds_have_names_of_their_own(project_dir: Path) -> None:
    kind = Settings.load({}, {}, project_dir)
    minikube = Settings.load({"cluster": "minikube"}, {}, project_dir)
    assert (kind.cluster_name, minikube.cluster_name) == ("deploy-shop", "deploy-shop-minikube")
    named = Settings.load({"cluster": "minikube", "cluster-name": "deploy-x"}, {}, project_dir)
    assert named.cluster_name == "deploy-x"


def test_driver_that_is_minikube_s_and_not_ours_is_told_with_the_way_round(
    project_dir: Path,
) -> None:
    with pytest.raises(DriverNotOursError) as caught:
        Settings.load({"minikube-driver": "kvm2"}, {}, project_dir)
    assert "docker" in caught.value.needed
    assert "minikube start --driver=kvm2" in caught.value.fix


@pytest.mark.parametrize(
    ("given", "environ", "page", "pages"),
    [
        ({}, {}, None, True),
        ({"report": "none"}, {}, None, False),
        ({"report": "p.html"}, {"DEPLOY_REPORT": "none"}, "p.html", True),
        ({}, {"DEPLOY_REPORT": "q.html"}, "q.html", True),
    ],
)
def test_where_the_page_goes(
    tmp_path: Path,
    *,
    given: dict[str, str | None],
    environ: dict[str, str],
    page: str,
    pages: bool,
) -> None:
    told = Reporting.load(given, environ, tmp_path)
    assert (told.page, told.pages) == (tmp_path / page if page else None, pages)
    assert (told.folder, told.record) == (tmp_path / ".deploy", True)


def test_a_record_is_wanted_or_not(tmp_path: Path) -> None:
    assert not Reporting.load({"record": "no"}, {}, tmp_path).record
    with pytest.raises(SettingInvalidError):
        Reporting.load({"record": "perhaps"}, {}, tmp_path)
