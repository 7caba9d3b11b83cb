"""`CheckReport` as JUnit XML: a suite for each checkpoint, a case for each condition.

The elements and attributes are those that Jenkins, GitLab and GitHub's reporters agree on
(github.com/testmoapp/junitxml).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # only written

from famtree.formats.escape import escape_text
from famtree.types.policy import CheckedCheckpoint, CheckReport

if TYPE_CHECKING:
    from famtree.formats.table import Options

_NOT_XML = re.compile("[\ufffe\uffff]")
"""What XML 1.0 has no form for, beside what `escape_text` spells out."""


def render_junit(report: CheckReport, _: Options) -> str:
    """Return the document; a checkpoint that could not be checked is one case with an error."""
    suites = [_describe(row, report.policy) for row in report.checkpoints]
    if report.faults:
        suites.append(_describe_faults(report))
    root = Element("testsuites", {"name": "famtree check", **_add_up(suites)})
    root.extend(suites)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _describe(row: CheckedCheckpoint, policy: str) -> Element:
    ref = _clean(row.ref)
    suite = Element("testsuite", {"name": ref, "file": _clean(policy)})
    for one in row.conditions:
        case = SubElement(suite, "testcase", {"name": one.name, "classname": ref})
        text = _clean(one.message)
        if one.waived is not None:
            SubElement(case, "skipped", {"message": _clean(f"{one.waived}: {one.message}")})
        elif not one.holds:
            fault = SubElement(case, "failure", {"type": one.name, "message": text})
            fault.text = text
    if row.error is not None:
        case = SubElement(suite, "testcase", {"name": "checked", "classname": ref})
        text = _clean(row.error.message)
        fault = SubElement(case, "error", {"type": _clean(row.error.code), "message": text})
        fault.text = _clean(row.error.hint) or text
    return _count(suite)


def _describe_faults(report: CheckReport) -> Element:
    """Return the suite of a policy that is faulty itself: a case for each fault."""
    name = _clean(report.policy)
    suite = Element("testsuite", {"name": name, "file": name})
    for one in report.faults:
        place = f"line {one.line}" + (f": {_clean(one.field)}" if one.field else "")
        case = SubElement(suite, "testcase", {"name": place, "classname": name})
        SubElement(case, "error", {"type": "policy", "message": _clean(one.message)})
    return _count(suite)


def _count(suite: Element) -> Element:
    suite.attrib |= {
        "tests": str(len(suite.findall("testcase"))),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
    }
    if skipped := suite.findall("testcase/skipped"):
        suite.set("skipped", str(len(skipped)))
    return suite


def _add_up(suites: list[Element]) -> dict[str, str]:
    return {
        name: str(sum(int(suite.attrib[name]) for suite in suites))
        for name in ("tests", "failures", "errors")
    }


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", escape_text(text))
