"""The obligations once more, over z3's own theories: whole numbers, strings and reals instead of a small model.

Reads policies with the prover's verdicts, one JSON object a line, and prints one line for each verdict that z3 does not
share; the last line is how many were compared. Written from the description of the language and of the obligations
(docs/proof.md), not from the prover's code.
"""

import itertools
import json
import sys

import z3

OPS = ["read", "create", "update", "delete"]


class Scene:
    """A principal and rows."""

    def __init__(self, policy):
        self.policy = policy
        self.facts = []
        self.count = 0
        self.related = {}
        self.attributes = {}
        self.lists = {}

    def name(self, what):
        self.count += 1
        return f"{what}{self.count}"

    def value(self, ty, column=None):
        """A fresh value of a type, within what it holds."""
        name = self.name(ty)
        if ty == "text":
            return z3.String(name)
        if ty == "bool":
            return z3.Bool(name)
        if ty == "decimal":
            if column is None or column["scale"] is None:
                return z3.Real(name)
            number = z3.Int(name)
            self.facts.append(number < 10 ** (column["whole"] + column["scale"]))
            self.facts.append(number > -(10 ** (column["whole"] + column["scale"])))
            return z3.ToReal(number) / (10 ** column["scale"])
        number = z3.Int(name)
        low, high = {
            "int": (-(2**63), 2**63 - 1),
            "uuid": (0, 2**128 - 1),
            # The years 1 to 9999.
            "timestamp": (-62135596800000000, 253402300799999999),
        }[ty]
        self.facts += [number >= low, number <= high]
        return number

    def row(self, table, exists=True):
        cells = []
        for column in self.policy["tables"][table]["columns"]:
            if column["type"] is None:
                cells.append(None)
                continue
            present = z3.Bool(self.name("present")) if column["nullable"] else z3.BoolVal(True)
            cells.append((present, self.value(column["type"], column)))
        return {"table": table, "cells": cells, "exists": z3.BoolVal(exists), "id": self.name("row")}

    def equal_keys(self, row, relation, other):
        same = []
        for own, theirs in relation["pairs"]:
            (here, a), (there, b) = row["cells"][own], other["cells"][theirs]
            same += [here, there, a == b]
        return z3.And(same)

    def hop(self, row, at):
        """The row that a to-one relation leads to, which may be absent."""
        key = (row["id"], at)
        if key not in self.related:
            relation = self.policy["tables"][row["table"]]["relations"][at]
            other = self.row(relation["to"])
            other["exists"] = z3.Bool(self.name("exists"))
            self.facts.append(z3.Implies(other["exists"], self.equal_keys(row, relation, other)))
            self.related[key] = other
        return self.related[key]

    def attribute(self, at):
        if at not in self.attributes:
            facts = self.policy["attributes"][at]
            value = self.value(facts["type"])
            present = z3.BoolVal(True) if facts["path"] == "principal.now" else z3.Bool(self.name("has"))
            if facts["type"] == "text":
                self.facts.append(value != z3.StringVal(""))
            self.attributes[at] = (present, value)
        return self.attributes[at]

    def list(self, at):
        if at not in self.lists:
            facts = self.policy["attributes"][at]
            sort = self.value(facts["type"]).sort()
            present = z3.BoolVal(True) if facts["path"] == "principal.roles" else z3.Bool(self.name("has"))
            self.lists[at] = (present, z3.Function(self.name("list"), sort, z3.BoolSort()), z3.Bool(self.name("some")))
        return self.lists[at]

    def member(self, at, value):
        """Is a value in a list? What is in it is no empty text, and then it is not empty."""
        _, holds, some = self.list(at)
        self.facts.append(z3.Implies(holds(value), some))
        if value.sort() == z3.StringSort():
            self.facts.append(z3.Implies(holds(value), value != z3.StringVal("")))
        return holds(value)

    def has(self, at):
        return self.list(at)[0] if self.policy["attributes"][at]["list"] else self.attribute(at)[0]

    def forget(self, at):
        """The same principal with another value of an attribute from here on."""
        self.attributes.pop(at, None)
        self.lists.pop(at, None)
        return self.has(at)


def constant(value):
    ((ty, told),) = value.items()
    if ty == "text":
        return z3.StringVal(told)
    if ty == "bool":
        return z3.BoolVal(told)
    if ty == "decimal":
        return z3.RealVal(told)
    if ty == "uuid":
        return z3.IntVal(int(told.replace("-", ""), 16))
    return z3.IntVal(told)


def term(scene, row, told):
    """Whether it is there, and what it is."""
    if "literal" in told:
        return z3.BoolVal(True), constant(told["literal"])
    if "attribute" in told:
        return scene.attribute(told["attribute"])
    return cell(scene, row, told["column"])


def cell(scene, row, column):
    if "own" in column:
        return row["cells"][column["own"]]
    other = scene.hop(row, column["hop"])
    present, value = other["cells"][column["of"]]
    return z3.And(other["exists"], visible(scene, other, "read"), present), value


def truth(scene, row, cond):
    """A condition as (is it TRUE, is it FALSE)."""
    ((kind, told),) = cond.items()
    if kind == "const":
        return z3.BoolVal(told), z3.BoolVal(not told)
    if kind in ("and", "or"):
        parts = [truth(scene, row, part) for part in told]
        yes, no = [part[0] for part in parts], [part[1] for part in parts]
        return (z3.And(yes), z3.Or(no)) if kind == "and" else (z3.Or(yes), z3.And(no))
    if kind == "not":
        yes, no = truth(scene, row, told)
        return no, yes
    if kind == "has":
        has = scene.has(told)
        return has, z3.Not(has)
    if kind == "null":
        present, _ = cell(scene, row, told["column"])
        return (present, z3.Not(present)) if told["negated"] else (z3.Not(present), present)
    if kind == "compare":
        (here, a), (there, b) = term(scene, row, told["left"]), term(scene, row, told["right"])
        if told["cmp"] in ("=", "<>"):
            holds = a == b if told["cmp"] == "=" else a != b
        else:
            holds = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[told["cmp"]]
        both = z3.And(here, there)
        return z3.And(both, holds), z3.And(both, z3.Not(holds))
    if kind == "starts":
        (here, text), (there, prefix) = term(scene, row, told["term"]), term(scene, row, told["prefix"])
        both, holds = z3.And(here, there), z3.PrefixOf(prefix, text)
        return z3.And(both, holds), z3.And(both, z3.Not(holds))
    if kind == "in":
        if not told["list"]:
            return z3.BoolVal(told["negated"]), z3.BoolVal(not told["negated"])
        present, value = term(scene, row, told["term"])
        holds = z3.Or([value == constant(item) for item in told["list"]])
        yes, no = z3.And(present, holds), z3.And(present, z3.Not(holds))
        return (no, yes) if told["negated"] else (yes, no)
    assert kind == "within", kind
    present, value = term(scene, row, told["term"])
    there, _, some = scene.list(told["list"])
    inside = scene.member(told["list"], value)
    yes = z3.And(there, present, inside)
    no = z3.And(there, z3.Or(z3.Not(some), z3.And(present, z3.Not(inside))))
    return (no, yes) if told["negated"] else (yes, no)


WIDENS = ("scope", "shared", "permit", "bypass")


def shown(scene, row, op, without=None):
    table = scene.policy["tables"][row["table"]]
    widens, narrows = [], []
    for at, rule in enumerate(table["rules"]):
        if op in rule["on"] and at != without:
            (widens if rule["kind"] in WIDENS else narrows).append(truth(scene, row, rule["when"])[0])
    return z3.And([z3.Or(widens)] + narrows)


def bounded(scene, row, op):
    return truth(scene, row, scene.policy["tables"][row["table"]]["boundary"][OPS.index(op)])[0]


def visible(scene, row, op):
    return z3.And(shown(scene, row, op), bounded(scene, row, op))


def points_at_visible(scene, row, at):
    other = scene.hop(row, at)
    return z3.Or(z3.Not(other["exists"]), visible(scene, other, "read"))


def needs(scene, row, op, without=None):
    """What is written is visible for reading and for the write; references that a create sets are looked up."""
    table = scene.policy["tables"][row["table"]]
    parts = [shown(scene, row, "read", without)]
    if op != "read":
        parts.append(shown(scene, row, op, without))
    if op == "create" and table["writes"]["create"] is not None:
        for at, relation in enumerate(table["relations"]):
            if relation["to_one"] and any(own in table["writes"]["create"] for own, _ in relation["pairs"]):
                parts.append(points_at_visible(scene, row, at))
    return z3.And(parts)


def within(scene, row, op):
    parts = [bounded(scene, row, "read")]
    return z3.And(parts if op == "read" else parts + [bounded(scene, row, op)])


def tenant(scene, row):
    """The tenant as it is, whoever may read it."""
    column = scene.policy["tables"][row["table"]]["tenant"]
    if column is None:
        return None
    if "own" in column:
        return row["cells"][column["own"]]
    other = scene.hop(row, column["hop"])
    present, value = other["cells"][column["of"]]
    return z3.And(other["exists"], present), value


def own(scene, row):
    found, at = tenant(scene, row), scene.policy["tenant_attribute"]
    if found is None or at is None:
        return z3.BoolVal(False)
    has, value = scene.attribute(at)
    return z3.And(found[0], has, found[1] == value)


def reached(scene, row, op):
    found = tenant(scene, row)
    lists = scene.policy["reach_read" if op == "read" else "reach_write"]
    if found is None:
        return {}
    return {at: z3.And(scene.list(at)[0], found[0], scene.member(at, found[1])) for at in lists}


def owned(scene, row, op):
    return z3.Or([own(scene, row)] + list(reached(scene, row, op).values()))


def by(scene, row, op, kind):
    rules = scene.policy["tables"][row["table"]]["rules"]
    return z3.Or([truth(scene, row, rule["when"])[0] for rule in rules if rule["kind"] == kind and op in rule["on"]])


def excused(scene, row, op):
    return z3.Or(owned(scene, row, op), by(scene, row, op, "shared"), by(scene, row, op, "bypass"))


def written_ops(table):
    writes = table["writes"]
    on = [writes["create"] is not None, bool(writes["update"]), writes["delete"]]
    return [op for op, is_on in zip(OPS[1:], on) if is_on]


def possible(scene, wanted):
    solver = z3.Solver()
    solver.set("timeout", 20000)
    solver.add(wanted)
    solver.add(scene.facts)
    found = solver.check()
    if found == z3.unknown:
        raise TimeoutError(solver.reason_unknown())
    return found == z3.sat


def kept(scene, row, new, at):
    (here, a), (there, b) = row["cells"][at], new["cells"][at]
    return z3.Or(z3.And(here, there, a == b), z3.And(z3.Not(here), z3.Not(there)))


def update_stays(policy, at):
    table = policy["tables"][at]
    update = table["writes"]["update"]
    automatic = {column: value for column, value in table["writes"]["auto_update"]}
    relations = [n for n, relation in enumerate(table["relations"]) if relation["to_one"]]
    loose = [n for n in relations if any(own in update for own, _ in table["relations"][n]["pairs"])]
    # Each reference is written, and looked up, or left alone.
    for written in itertools.chain.from_iterable(itertools.combinations(loose, n) for n in range(len(loose) + 1)):
        scene = Scene(policy)
        row, new = scene.row(at), scene.row(at)
        wanted = []
        for n in relations:
            if n in written:
                wanted.append(points_at_visible(scene, new, n))
            else:
                scene.related[(new["id"], n)] = scene.hop(row, n)
                wanted += [kept(scene, row, new, own) for own, _ in table["relations"][n]["pairs"]]
        for column, facts in enumerate(table["columns"]):
            if facts["type"] is None:
                continue
            if column in automatic and column not in update:
                has, value = scene.attribute(automatic[column])
                present, after = new["cells"][column]
                wanted += [has, present, after == value]
            elif column not in update:
                wanted.append(kept(scene, row, new, column))
        wanted += [needs(scene, row, "update"), needs(scene, new, "update")]
        before, after = tenant(scene, row), tenant(scene, new)
        elsewhere = z3.BoolVal(False)
        if before is not None:
            elsewhere = z3.And(before[0], after[0], before[1] != after[1])
        wanted.append(z3.Or(z3.Not(excused(scene, new, "update")), elsewhere))
        if possible(scene, wanted):
            return True
    return False


def breaks(policy, obligation):
    """Is what the obligation asks about possible?"""
    promise, at, op, about = (obligation[name] for name in ("promise", "table", "op", "about"))
    table = policy["tables"][at]
    scene = Scene(policy)
    if promise == "update-stays":
        return update_stays(policy, at)
    if promise == "include-visible":
        relation = table["relations"][about]
        row, other = scene.row(at), scene.row(relation["to"])
        joined = scene.equal_keys(row, relation, other)
        if relation["to_one"]:
            scene.related[(row["id"], about)] = other
        return possible(scene, [joined, shown(scene, row, "read"), shown(scene, other, "read"), z3.Not(excused(scene, other, "read"))])
    row = scene.row(at)
    if promise in ("read-own", "create-own", "update-own", "delete-own"):
        return possible(scene, [needs(scene, row, op), z3.Not(excused(scene, row, op))])
    if promise == "shared-read-only":
        free = z3.Or(owned(scene, row, op), by(scene, row, op, "bypass"))
        return possible(scene, [needs(scene, row, op), by(scene, row, "read", "shared"), z3.Not(free)])
    if promise == "reference-own":
        relation = table["relations"][about]
        other = scene.row(relation["to"])
        scene.facts.append(scene.equal_keys(row, relation, other))
        scene.related[(row["id"], about)] = other
        here, there = tenant(scene, row), tenant(scene, other)
        same = z3.BoolVal(False) if here is None or there is None else z3.And(here[0], there[0], here[1] == there[1])
        free = [same, by(scene, other, "read", "shared"), by(scene, other, "read", "bypass"), by(scene, row, op, "bypass")]
        free += list(reached(scene, other, "read").values()) + list(reached(scene, row, op).values())
        return possible(scene, [needs(scene, row, op), visible(scene, other, "read"), z3.Not(z3.Or(free))])
    if promise == "boundary-idle":
        return possible(scene, [needs(scene, row, op), z3.Not(within(scene, row, op))])
    if promise == "missing-narrows":
        with_it = [scene.has(about), z3.Not(needs(scene, row, op))]
        without = z3.Not(scene.forget(about))
        free = z3.Or(owned(scene, row, op), by(scene, row, "read", "shared"))
        return possible(scene, with_it + [without, needs(scene, row, op), z3.Not(free)])
    ops = ["read"] + written_ops(table)
    if promise == "exception-used":
        for op in (op for op in table["rules"][about]["on"] if op in ops):
            scene = Scene(policy)
            row = scene.row(at)
            holds = truth(scene, row, table["rules"][about]["when"])[0]
            wanted = [needs(scene, row, op), within(scene, row, op), holds, z3.Not(own(scene, row))]
            if possible(scene, wanted):
                return True
        return False
    if promise == "own-visible":
        if about is None:
            return possible(scene, [visible(scene, row, "read"), own(scene, row)])
        wanted = [needs(scene, row, op), within(scene, row, op), reached(scene, row, op)[about], z3.Not(own(scene, row))]
        return possible(scene, wanted)
    assert promise == "rule-alive", promise
    rule = table["rules"][about]
    for op in (op for op in rule["on"] if op in ops or rule["kind"] == "scope"):
        scene = Scene(policy)
        row = scene.row(at)
        differ = z3.Xor(needs(scene, row, op), needs(scene, row, op, about))
        if possible(scene, [within(scene, row, op), differ]):
            return True
    return False


def main():
    compared = open_ones = 0
    for line in sys.stdin:
        policy = json.loads(line)
        for obligation in policy["obligations"]:
            try:
                found = breaks(policy, obligation)
            except TimeoutError as why:
                open_ones += 1
                print(json.dumps({"seed": policy["seed"], "open": str(why), "obligation": obligation}))
                continue
            compared += 1
            if found != obligation["possible"]:
                print(json.dumps({"seed": policy["seed"], "z3": found, "obligation": obligation, "file": policy["file"]}))
    print(json.dumps({"compared": compared, "open": open_ones}))


main()
