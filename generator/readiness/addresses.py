"""Addresses of the plan at which somebody answers: one's own machines, or a stranger. Nothing is sent here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.findings import Flaw, Severity
from generator.readiness import ruleset

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.findings import Finding
    from generator.readiness.hosts import HostPlan
    from generator.tools.addresses import Answer


def judge_answers(plan: HostPlan, answers: Iterable[Answer], domains: frozenset[str] | None) -> list[Finding]:
    """Tell who answers at the addresses of a hypervisor's machines, and at the virtual ones.

    The MAC address of whoever answers decides where it is known: on the same network. Elsewhere it is one's own
    machine if libvirt has it by now.

    Args:
        plan: The hypervisor's part of the plan.
        answers: Who answered.
        domains: Machines that libvirt has there; None where it can't be asked.
    """
    return [finding for answer in answers for finding in _judge(plan, answer, domains)]


def _judge(plan: HostPlan, answer: Answer, domains: frozenset[str] | None) -> Iterator[Finding]:
    virtual = answer.address in plan.vips
    owners = plan.balancers if virtual else [one for one in plan.machines if one.address == answer.address]
    what = "virtual" if virtual else f"of {owners[0].name}"
    how = f"on port {answer.port}" if answer.port else "to ARP"
    if answer.mac:
        if answer.mac in {machine.mac for machine in owners}:
            return
        by = f"the network card {answer.mac}, which is none of the plan,"
    elif domains is None:
        by = "somebody, and libvirt can't tell whether it is the machine of the plan,"
    elif domains & {machine.libvirt_name for machine in owners}:
        return
    else:
        by = "another machine"
    yield ruleset.ADDRESS.finding(
        Flaw(
            "",
            0,
            f"at {answer.address} ({what}) {by} answers {how}",
            path=f"host {plan.name}",
            fix="Give that machine another address, or choose another one here: answers nodes, vips and networks.",
            severity=Severity.WARNING if not answer.mac and domains is None else None,
        )
    )
