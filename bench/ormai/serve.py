"""OrmAI's side of the benchmark: does what it is told by lines of JSON, and says how long it took.

    python serve.py DATABASE_URL AUDIT_FILE

Each call does what a tool server would do: arguments come as JSON text, a session is taken for the
call, the answer is JSON text. With `audited`, calls go through OrmAI's own audit middleware into its
JSONL store, the cheapest of its stores.
"""

import asyncio
import json
import sys
import time
from datetime import datetime, timezone
from importlib.metadata import version

from ormai.adapters.sqlalchemy import SQLAlchemyAdapter
from ormai.core.context import RunContext
from ormai.policy.models import Budget, ModelPolicy, Policy, RowPolicy, WritePolicy
from ormai.store.jsonl import JsonlAuditStore
from ormai.store.middleware import AuditMiddleware
from ormai.utils.factory import ToolsetFactory
from sqlalchemy import BigInteger, DateTime, Integer, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SQLITE = sys.argv[1].startswith("sqlite")


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Integer if SQLITE else BigInteger, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    total_cents: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=not SQLITE), default=lambda: datetime.now(timezone.utc)
    )
    note: Mapped[str | None] = mapped_column(Text)


# The same rules as ours: the own tenant's rows, all columns, creating allowed.
POLICY = Policy(
    models={
        "Order": ModelPolicy(
            writable=True,
            row_policy=RowPolicy(tenant_scope_field="tenant_id"),
            write_policy=WritePolicy(enabled=True, allow_create=True, require_reason=False),
            budget=Budget(max_rows=100, broad_query_guard=False),
        )
    },
    writes_enabled=True,
)

OPEN = [{"field": "status", "op": "eq", "value": "open"}]
BODIES = {
    "get": lambda case: ("db.get", {"model": "Order", "id": case[1]}),
    "query": lambda case: (
        "db.query",
        {
            "model": "Order",
            "where": OPEN,
            "order_by": [{"field": "created_at", "direction": "desc"}],
            "take": 25,
        },
    ),
    "count": lambda case: ("db.aggregate", {"model": "Order", "operation": "count", "where": OPEN}),
    "create": lambda case: (
        "db.create",
        {
            "model": "Order",
            "data": {
                "customer_id": case[2],
                "status": "open",
                "total_cents": case[3],
                "note": "please ring twice",
            },
        },
    ),
}


def good(kind, result):
    """Did the call do its work? A fast refusal must not pass for speed."""
    if not result.success:
        return False
    if kind == "get":
        return result.data.found
    if kind == "query":
        return len(result.data.data) == 25
    if kind == "count":
        return result.data.value > 0
    return result.data.id is not None


class Bench:
    def __init__(self, url, audit_file):
        self.engine = create_engine(url)
        self.adapter = SQLAlchemyAdapter(engine=self.engine, models=[Order], policy=POLICY)
        self.tools = ToolsetFactory(adapter=self.adapter, policy=POLICY, schema=self.adapter.schema).create()
        self.audit = AuditMiddleware(JsonlAuditStore(audit_file))

    async def call(self, tool, tenant, text, audited):
        arguments = json.loads(text)
        with self.adapter.session_manager.session() as session:
            context = RunContext.create(tenant_id=tenant, user_id="agent@bench.example", db=session, roles=("agent",))
            if audited:
                result = await self.audit.wrap_async(
                    tool, context, arguments, self.tools.execute, tool, arguments, context
                )
            else:
                result = await self.tools.execute(tool, arguments, context)
            return result, result.model_dump_json()

    async def run(self, kind, audited, cases):
        calls = []
        for case in cases:
            tool, arguments = BODIES[kind](case)
            calls.append((tool, case[0], json.dumps(arguments)))
        first, _ = await self.call(*calls[0], audited)
        if not good(kind, first):
            return {"problem": f"{kind}: {first}"}
        started = time.perf_counter()
        for tool, tenant, text in calls:
            await self.call(tool, tenant, text, audited)
        return {"seconds": time.perf_counter() - started}


async def main():
    bench = Bench(sys.argv[1], sys.argv[2])
    for line in sys.stdin:
        told = json.loads(line)
        if told["do"] == "versions":
            names = ["ormai", "sqlalchemy", "pydantic"] + ([] if SQLITE else ["psycopg"])
            versions = ", ".join(f"{name} {version(name)}" for name in names)
            answer = {"versions": f"{versions}, Python {sys.version.split()[0]}"}
        else:
            answer = await bench.run(told["do"], told["audited"], told["cases"])
        print(json.dumps(answer), flush=True)


asyncio.run(main())
