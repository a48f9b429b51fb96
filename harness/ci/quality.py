"""Annotations as GitLab reads them: a code quality report.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json

from harness.ci.service import Annotation


def quality_report(annotations: list[Annotation]) -> str:
    """Return the report as JSON; one without annotations is an empty list."""
    return json.dumps(
        [
            {
                "description": f"{a.title}: {a.message}",
                "check_name": "acceptance",
                "fingerprint": hashlib.sha256(f"{a.file}\n{a.title}".encode()).hexdigest(),
                "severity": "blocker",
                "location": {"path": a.file, "lines": {"begin": a.line}},
            }
            for a in annotations
        ],
        indent=1,
    )
