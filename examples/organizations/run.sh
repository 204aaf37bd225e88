#!/usr/bin/env bash
# An organization, its settings and its first user, by the file. Prints everything but secrets.
set -euo pipefail

# What would be done, and what it means for access.
tenantry plan
# The secrets that are made are shown this once, so they do not go to the screen here.
tenantry apply >applied.txt
grep 'user@example.com' applied.txt | sed 's/[^ ]*$/…/'
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
