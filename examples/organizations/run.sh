#!/usr/bin/env bash
# An organization and its first user. The rows of this tenant carry `tenant12345` in the application's databases; that
# is fixed when the account is made, and no metadata can change it.
set -euo pipefail

tenantry account create ai-organization --display-name "AI Organization" --tenant-id tenant12345 \
    --set 'branding={"logo_url":"https://my-org-logo.example.com/logo.png","colors":{"primary":"#0000FF","page_background":"#FFFFFF"}}' \
    --set 'metadata={"tier":"gold"}'

# Nobody chooses a password for somebody else: it is made, shown once, and kept as argon2id.
tenantry user create user@example.com --set email_verified=true \
    --set 'user_metadata={"role":"data-scientist"}' --set 'app_metadata={"team":"research"}' >user.txt
grep -v '^password' user.txt

tenantry member add ai-organization user@example.com
tenantry member list ai-organization

# Every step is on record, before and after.
tenantry audit list --account tenant12345
tenantry audit verify
rm user.txt
