#!/usr/bin/env bash
# Platform > account > workspace > user, and a principal who works across accounts.
set -euo pipefail

tenantry account create holding --tenant-id holding
tenantry account create north --tenant-id north --parent holding
tenantry account create south --tenant-id south --parent holding
for account in north south; do
    tenantry workspace create $account production
    tenantry workspace create $account development
done

# One login, two accounts, different roles: an editor in the north, a reader in the south.
tenantry user create mia@example.com >/dev/null
tenantry role create editor --level workspace
tenantry role create reader --level workspace
for account in north south; do
    tenantry member add $account mia@example.com
    tenantry member add $account mia@example.com --workspace production
done
tenantry role grant editor --user mia@example.com --account north --workspace production
tenantry role grant reader --user mia@example.com --account south --workspace production
tenantry member list north --workspace production
tenantry member list south --workspace production

# A principal belongs to the platform, not to an account.
tenantry user create ops@platform.example --platform >/dev/null

# A suspended account's tokens end within a second; an account cannot come to lie below itself.
tenantry account update south --set status=suspended
if tenantry account update holding --set parent_id=north 2>error.txt; then exit 1; fi
cat error.txt
rm error.txt
tenantry account list
