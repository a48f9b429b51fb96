"""From messages to what they tell, as far as they go."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from harness.record.attachments import EVIDENCE
from harness.record.messages import (
    PASSED,
    STATUSES,
    UNKNOWN,
    Message,
    kind_of,
    seconds_of,
    status_of,
)
from harness.report.causes import EVIDENCE as CAUSE
from harness.report.model import (
    NOT_RUN,
    NOT_SELECTED,
    Attached,
    Evidence,
    Feature,
    Hook,
    Run,
    Scenario,
    Step,
)


def read_run(messages: Iterable[Message], problems: Iterable[str] = ()) -> Run:
    """Return what messages tell, as far as they go; what refers to nothing is left out."""
    return _Reader(messages).run(tuple(problems))


class _Reader:
    def __init__(self, messages: Iterable[Message]) -> None:
        self._by: dict[str, list[Message]] = defaultdict(list)
        for message in messages:
            kind = kind_of(message)
            self._by[kind].append(message[kind])
        self._hooks = {hook.get("id"): hook for hook in self._by["hook"]}
        self._cases = {case.get("pickleId"): case for case in self._by["testCase"]}
        self._finished: dict[tuple[str, str], Message] = {
            (str(told.get("testCaseStartedId")), str(told.get("testStepId"))): told
            for told in self._by["testStepFinished"]
        }
        self._begun = {
            (str(told.get("testCaseStartedId")), str(told.get("testStepId")))
            for told in self._by["testStepStarted"]
        }
        self._attempts: dict[str, list[Message]] = defaultdict(list)
        for started in self._by["testCaseStarted"]:
            self._attempts[str(started.get("testCaseId"))].append(started)
        self._ends = {t.get("testCaseStartedId"): t for t in self._by["testCaseFinished"]}
        self._attached = self._attachments()
        self._caused: dict[str, Any] = {}
        for told in self._by["attachment"]:  # the first is what the others came of
            if told.get("fileName") == CAUSE + EVIDENCE and "testCaseStartedId" in told:
                self._caused.setdefault(str(told["testCaseStartedId"]), _json(told.get("body")))

    def run(self, problems: tuple[str, ...]) -> Run:
        started = next(iter(self._by["testRunStarted"]), {})
        finished = next(reversed(self._by["testRunFinished"]), None)
        began, last = seconds_of(started.get("timestamp")), self._last()
        workers = {s.get("workerId") for s in self._by["testCaseStarted"] if s.get("workerId")}
        return Run(
            features=tuple(self._features()),
            hooks=tuple(self._run_hooks()),
            evidence=tuple(self._evidence()),
            began=began,
            seconds=max(0.0, last - began) if began else 0.0,
            ended=finished is not None,
            success=bool(finished and finished.get("success")),
            message=str((finished or {}).get("message") or ""),
            workers=len(workers) or (1 if began else 0),
            versions=tuple(self._versions()),
            problems=problems,
        )

    def _last(self) -> float:
        kinds = ("testRunFinished", "testCaseFinished", "testStepFinished", "testRunHookFinished")
        moments = (seconds_of(t.get("timestamp")) for kind in kinds for t in self._by[kind])
        return max(moments, default=0.0)

    def _versions(self) -> Iterator[tuple[str, str]]:
        for meta in self._by["meta"][:1]:
            for part in ("implementation", "runtime", "os"):
                told = meta.get(part) or {}
                yield str(told.get("name") or part), str(told.get("version") or "")

    # Documents

    def _features(self) -> Iterator[Feature]:
        pickles: dict[str, list[Message]] = defaultdict(list)
        for pickle in self._by["pickle"]:
            pickles[str(pickle.get("uri"))].append(pickle)
        for document in self._by["gherkinDocument"]:
            feature = document.get("feature") or {}
            uri = str(document.get("uri"))
            nodes = _Nodes(feature)
            yield Feature(
                uri=uri,
                name=str(feature.get("name") or uri),
                description=_joined(feature.get("description")),
                scenarios=tuple(self._scenario(p, nodes) for p in pickles.pop(uri, ())),
            )
        for uri, left in pickles.items():  # their document is missing
            nodes = _Nodes({})
            yield Feature(uri, uri, "", tuple(self._scenario(pickle, nodes) for pickle in left))

    def _scenario(self, pickle: Message, nodes: _Nodes) -> Scenario:
        case = self._cases.get(pickle.get("id"))
        attempts = self._attempts.get(str((case or {}).get("id")), [])
        attempt = attempts[-1] if attempts else None
        steps = tuple(self._steps(pickle, case, attempt, nodes))
        began = seconds_of((attempt or {}).get("timestamp"))
        end = self._ends.get((attempt or {}).get("id"))
        return Scenario(
            id=str(pickle.get("id")),
            name=str(pickle.get("name") or ""),
            uri=str(pickle.get("uri") or ""),
            line=nodes.line(pickle),
            tags=tuple(str(t.get("name")).removeprefix("@") for t in pickle.get("tags") or ()),
            status=_status(case, attempt, end, steps),
            steps=steps,
            seconds=max(0.0, seconds_of(end.get("timestamp")) - began) if end else 0.0,
            began=began,
            worker=str((attempt or {}).get("workerId") or ""),
            attempts=len(attempts),
            rule=nodes.rule(pickle),
            cause=self._caused.get(str((attempt or {}).get("id"))),
        )

    def _steps(
        self, pickle: Message, case: Message | None, attempt: Message | None, nodes: _Nodes
    ) -> Iterator[Step]:
        written = {step.get("id"): step for step in pickle.get("steps") or ()}
        tests = (case or {}).get("testSteps") or [{"pickleStepId": key} for key in written]
        for test in tests:
            place = str((attempt or {}).get("id")), str(test.get("id"))
            told = (self._finished.get(place) or {}).get("testStepResult") or {}
            status = status_of(told) or (UNKNOWN if place in self._begun else NOT_RUN)
            about: dict[str, Any] = {
                "status": status if status in STATUSES else NOT_RUN,
                "seconds": seconds_of(told.get("duration")),
                "message": str(told.get("message") or ""),
                "attached": tuple(self._attached.get(place, ())),
            }
            if step := written.get(test.get("pickleStepId")):
                about |= {"table": _table(step), "line": nodes.step_line(step)}
                yield Step(nodes.keyword(step), str(step.get("text")), **about)
            elif attempt and (hook := self._hooks.get(test.get("hookId"))):
                phase = "After" if "AFTER" in str(hook.get("type")) else "Before"
                yield Step(phase, str(hook.get("name") or ""), hook=True, **about)

    # What surrounds them

    def _run_hooks(self) -> Iterator[Hook]:
        ends = {t.get("testRunHookStartedId"): t for t in self._by["testRunHookFinished"]}
        for begun in self._by["testRunHookStarted"]:
            hook = self._hooks.get(begun.get("hookId")) or {}
            told = (ends.get(begun.get("id")) or {}).get("result") or {}
            yield Hook(
                name=str(hook.get("name") or begun.get("hookId")),
                before="BEFORE" in str(hook.get("type")),
                status=status_of(told) or UNKNOWN,
                began=seconds_of(begun.get("timestamp")),
                seconds=seconds_of(told.get("duration")),
                message=str(told.get("message") or ""),
                worker=str(begun.get("workerId") or ""),
            )

    def _attachments(self) -> dict[tuple[str, str], list[Attached]]:
        found: dict[tuple[str, str], list[Attached]] = defaultdict(list)
        for told in self._by["attachment"]:
            name = str(told.get("fileName") or "")
            if not name.endswith(EVIDENCE):
                place = str(told.get("testCaseStartedId")), str(told.get("testStepId"))
                coded = told.get("contentEncoding") == "BASE64"
                body, media = str(told.get("body") or ""), str(told.get("mediaType") or "")
                found[place].append(Attached(name, media, body, coded))
        for told in self._by["externalAttachment"]:
            place = str(told.get("testCaseStartedId")), str(told.get("testStepId"))
            url = str(told.get("url") or "")
            found[place].append(Attached(url, str(told.get("mediaType") or ""), url=url))
        return found

    def _evidence(self) -> Iterator[Evidence]:
        names = {case.get("id"): case.get("pickleId") for case in self._by["testCase"]}
        cases = {s.get("id"): s.get("testCaseId") for s in self._by["testCaseStarted"]}
        for told in self._by["attachment"]:
            name = str(told.get("fileName") or "")
            if not name.endswith(EVIDENCE):
                continue
            if (facts := _json(told.get("body"))) is None:
                continue
            place = str(told.get("testCaseStartedId")), str(told.get("testStepId"))
            step = (self._finished.get(place) or {}).get("testStepResult") or {}
            passed = "testCaseStartedId" not in told or step.get("status") == PASSED
            scenario = str(names.get(cases.get(told.get("testCaseStartedId"))) or "")
            yield Evidence(name.removesuffix(EVIDENCE), facts, passed, scenario)


class _Nodes:
    """The tree of a feature file, by the ids of its nodes."""

    def __init__(self, feature: Message) -> None:
        self._keywords: dict[Any, str] = {}
        self._lines: dict[Any, int] = {}
        self._rules: dict[Any, str] = {}
        self._walk(feature, "")

    def _walk(self, part: Message, rule: str) -> None:
        for child in part.get("children") or ():
            for kind, inner in child.items():
                for step in inner.get("steps") or ():
                    self._keywords[step.get("id")] = str(step.get("keyword") or "").strip()
                    self._lines[step.get("id")] = (step.get("location") or {}).get("line") or 0
                self._lines[inner.get("id")] = (inner.get("location") or {}).get("line") or 0
                self._rules[inner.get("id")] = rule
                if kind == "rule":
                    self._walk(inner, str(inner.get("name") or ""))

    def keyword(self, step: Message) -> str:
        return self._keywords.get(next(iter(step.get("astNodeIds") or ()), None), "*")

    def step_line(self, step: Message) -> int:
        return int(self._lines.get(next(iter(step.get("astNodeIds") or ()), None), 0))

    def line(self, pickle: Message) -> int:
        node = next(iter(pickle.get("astNodeIds") or ()), None)
        return int((pickle.get("location") or {}).get("line") or self._lines.get(node, 0))

    def rule(self, pickle: Message) -> str:
        return self._rules.get(next(iter(pickle.get("astNodeIds") or ()), None), "")


def _status(
    case: Message | None, attempt: Message | None, end: Message | None, steps: tuple[Step, ...]
) -> str:
    if case is None:
        return NOT_SELECTED
    if attempt is None:
        return NOT_RUN
    found = [step.status for step in steps if step.status != NOT_RUN]
    written = [step for step in steps if not step.hook]
    broken_off = end is None or any(step.status == NOT_RUN for step in written)
    return max([*found, *([UNKNOWN] if broken_off else [])], key=STATUSES.index, default=PASSED)


def _json(body: Any) -> Any:
    try:
        return json.loads(str(body))
    except ValueError:
        return None


def _table(step: Message) -> tuple[tuple[str, ...], ...]:
    argument = step.get("argument") or {}
    rows = (argument.get("dataTable") or {}).get("rows") or ()
    text = (argument.get("docString") or {}).get("content")
    cells = tuple(tuple(str(c.get("value")) for c in row.get("cells") or ()) for row in rows)
    return cells or (((str(text),),) if text else ())


def _joined(text: Any) -> str:
    return "\n".join(line.strip() for line in str(text or "").splitlines()).strip()
