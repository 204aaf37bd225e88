"""`tenantry prove --database` and `pgrls verify` over the same tables, in one run: verdicts and seconds.

    python3 bench/peers/pgrls.py --postgres postgres://postgres@127.0.0.1:5432/postgres [--tenantry target/release/tenantry]
                           [--all]

The tables are those of crates/plan/tests/row_security, whose verdicts are known. pgrls comes from PyPI into a virtual
environment of its own; where PyPI cannot be reached the comparison is skipped with a word. Databases and roles are made
and dropped.
"""

import argparse
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "crates/plan/tests/row_security"
PROBES = [
    "plain", "using_true", "update_check_true", "hierarchy_list", "role_test", "null_tenant", "negation", "prefix_and",
    "restrictive_fence", "own_function", "membership_in", "jwt_app_metadata", "supabase_uid",
]
ROLES = ["app", "support", "group"]


def psql(url, sql):
    done = subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", url], input=sql, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def pgrls_program():
    folder = pathlib.Path(tempfile.mkdtemp()) / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    done = subprocess.run([folder / "bin/pip", "install", "-q", "pgrls"], capture_output=True, text=True)
    if done.returncode:
        print("skipped: pgrls cannot be had from PyPI")
        raise SystemExit(0)
    return folder / "bin/pgrls"


def ours(program, url, case):
    header = re.search(r"^-- args: (.*)$", case, re.M)
    began = time.monotonic()
    done = subprocess.run(
        [program, "prove", "--database", url, "--json", *shlex.split(header.group(1) if header else "")],
        capture_output=True, text=True,
    )
    seconds = time.monotonic() - began
    found = json.loads(done.stdout)["data"]
    word = "leaks" if found["leaks"] else "not understood" if found["not_understood"] else "proved"
    return word, seconds


def theirs(program, url):
    words, said, began = set(), [], time.monotonic()
    for mode in ["cross-tenant", "write"]:
        done = subprocess.run(
            [program, "verify", "--database-url", url, "--mode", mode, "--format", "json"],
            capture_output=True, text=True,
        )
        try:
            for table in json.loads(done.stdout)["tables"]:
                words.add(table["verdict"])
                said.append(f"{mode}: {json.dumps(table)}"[:600])
        except (json.JSONDecodeError, KeyError):
            words.add("unverified")
    seconds = time.monotonic() - began
    word = "leaks" if "leak" in words else "not understood" if "unverified" in words or not words else "proved"
    return word, seconds, said


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--postgres", required=True)
    arguments.add_argument("--tenantry", default=str(ROOT / "target/release/tenantry"))
    arguments.add_argument("--pgrls", help="an installed program, instead of one from PyPI")
    arguments.add_argument("--bare", action="store_true",
                           help="the tables with settings as they are, without the nullif(…, '') around them")
    arguments.add_argument("--why", action="store_true", help="print what pgrls says of each table")
    arguments.add_argument("--all", action="store_true", help="every table, not the 13 probes")
    given = arguments.parse_args()
    pgrls = given.pgrls or pgrls_program()
    name = "compare_" + uuid.uuid4().hex[:12]
    roles = {role: f"{name}_{role}" for role in ROLES}
    url = given.postgres.rsplit("/", 1)[0] + "/" + name
    psql(given.postgres, f"CREATE DATABASE {name};" + "".join(f"CREATE ROLE {role};" for role in roles.values()))
    rows = []
    try:
        for path in sorted(CASES.glob("*.sql")):
            if not given.all and path.stem not in PROBES:
                continue
            case = path.read_text()
            known = "leaks" if re.search(r"^-- leaks:", case, re.M) else (
                "not understood" if re.search(r"^-- open:", case, re.M) else "proved")
            if given.bare:
                case = re.sub(r"nullif\((current_setting\('[^']*', true\)), ''\)", r"\1", case)
            for role, real in roles.items():
                case = case.replace("@" + role, real)
            psql(url, "DROP SCHEMA IF EXISTS auth CASCADE; DROP SCHEMA IF EXISTS tricks CASCADE;"
                 "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
                 f"REVOKE pg_read_all_data FROM {roles['support']};"
                 "GRANT USAGE ON SCHEMA public TO PUBLIC;"
                 + "".join(f"DROP OWNED BY {role};" for role in roles.values())
                 + f"ALTER ROLE {roles['support']} NOBYPASSRLS; REVOKE {roles['group']} FROM {roles['app']}, {roles['support']};"
                 "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "
                 + roles["app"] + ";")
            psql(url, case)
            mine, my_seconds = ours(given.tenantry, url, case)
            other, other_seconds, said = theirs(pgrls, url)
            if given.why:
                print("\n".join("    " + line for line in said), flush=True)
            rows.append((path.stem, known, mine, my_seconds, other, other_seconds))
            print(f"{path.stem:28} known {known:15} tenantry {mine:15} {my_seconds:5.2f} s   pgrls {other:15} {other_seconds:5.2f} s",
                  flush=True)
    finally:
        psql(given.postgres, f"DROP DATABASE {name} WITH (FORCE);"
             + "".join(f"DROP ROLE {role};" for role in roles.values()))
    right = lambda at: sum(1 for row in rows if row[at] == row[1])
    open_ = lambda at: sum(1 for row in rows if row[at] == "not understood")
    print(f"{len(rows)} tables: tenantry {right(2)} as known, {open_(2)} open, {sum(row[3] for row in rows):.1f} s; "
          f"pgrls {right(4)} as known, {open_(4)} open, {sum(row[5] for row in rows):.1f} s")


if __name__ == "__main__":
    main()
