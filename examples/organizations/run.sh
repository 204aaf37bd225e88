#!/usr/bin/env bash
# An organization, its settings and its first user, by the file. Prints everything but secrets.
set -euo pipefail

# What would be done, and what it means for access.
tenantry plan
tenantry apply >applied.txt
grep -c 'shown this once\|Shown this once\|once' applied.txt >/dev/null
rm applied.txt

# There is nothing left to do.
tenantry plan --exit-code

# What other programs need: ids by name.
tenantry output

# Somebody changes the organization by hand. `drift` names what, and ends with 2; `apply` puts it right.
tenantry account update ai-organization --set 'metadata={"tier":"free"}' >/dev/null
status=0
tenantry drift || status=$?
[ "$status" -eq 2 ]
tenantry apply
tenantry plan --exit-code

# Every step is on record, before and after.
tenantry audit list --account tenant12345
tenantry audit verify

# All of it goes, and nothing else.
tenantry destroy --yes
tenantry account list
