from pathlib import Path

import pytest

from harness.settings import OPTIONS, SettingInvalidError, Settings


def load(root: Path, environ: dict[str, str] | None = None, **options: str) -> Settings:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return Settings.load(given, environ or {}, root)


def test_defaults_come_from_the_description(project_dir: Path) -> None:
    settings = load(project_dir)
    assert settings.cluster_name == "deploy-shop"
    assert settings.namespace == "shop"
    assert (settings.port, settings.timeout, settings.fresh) == (0, 600, False)


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
        ("namespace", "-x"),
        ("port", "70000"),
        ("port", "many"),
        ("fresh", "maybe"),
        ("keep", "sometimes"),
        ("diagnosis", "sometimes"),
        ("timeout", "0"),
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


def test_environment_is_not_shown(project_dir: Path) -> None:
    assert "hunter2" not in repr(load(project_dir, {"DATABASE_URL": "hunter2"}))


def test_every_option_has_our_prefix() -> None:
    assert all(o.flag.startswith("--deploy-") for o in OPTIONS)
    assert all(o.variable.startswith("DEPLOY_") for o in OPTIONS)
