"""Scenarios that would run nothing, or prove nothing that is demanded, end the run at once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from harness.default_requirements import requirements_of
from harness.early_settings import Trace
from harness.errors import DeployError
from harness.scenarios import Feature, ScenariosInvalidError, carried, problems
from harness.traceability import (
    RequirementsUncoveredError,
    SpecDiffersError,
    differences,
    uncovered,
)
from plugin.features import FEATURES, MARKS
from plugin.options import given


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Judge the feature files that were collected, before any scenario of them runs."""
    features = list(config.stash[FEATURES].values())
    try:
        trace = Trace.load(given(config), os.environ, config.rootpath)
        for error in _errors(features, trace):
            raise error
    except DeployError as error:
        raise pytest.UsageError(f"\n{error}") from None


def _errors(features: list[Feature], trace: Trace) -> Iterator[DeployError]:
    tags = {tag.name for feature in features for s in feature.scenarios for tag in s.tags}
    known = set(MARKS)
    if trace.whole or tags - known:
        known |= requirements_of(trace.project).keys()
    if wrong := list(problems(features, known)):
        yield ScenariosInvalidError(wrong)
    if trace.spec and (differing := list(differences(trace.project, trace.spec))):
        yield SpecDiffersError(differing, trace.spec)
    if trace.whole and (missing := list(uncovered(trace.project, carried(features)))):
        yield RequirementsUncoveredError(missing, trace.project / "features")
