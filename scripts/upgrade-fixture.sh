#!/usr/bin/env bash
# Makes what e2e/upgrade keeps of a version of the tables: builds the program of COMMIT, HEAD by default, plays all scenes
# with it on both databases, kills it, and writes what it left and what it answered to e2e/upgrade/testdata/NAME.
# NAME is the day on which the tables were last changed, as 2026-11-29. It takes two minutes.
#
#   scripts/upgrade-fixture.sh NAME [COMMIT]
#
# Needs what make test has: PostgreSQL with pg_dump, and unshare, so that the name of this machine gets into no database.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:?usage: scripts/upgrade-fixture.sh NAME [COMMIT]}
commit=$(git rev-parse --verify "${2:-HEAD}^{commit}")
root=$(mktemp -d)
trap 'git worktree remove --force "$root/source" >/dev/null 2>&1 || true; rm -rf "$root"' EXIT
git worktree add --detach "$root/source" "$commit" >/dev/null 2>&1
(cd "$root/source" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$root/sluice" ./cmd/sluice)
go test -c -o "$root/upgrade.test" ./e2e/upgrade

own=(unshare --uts)
[[ $(id -u) -eq 0 ]] || own=(unshare --user --map-root-user --uts)
export SLUICE_UPGRADE_BINARY=$root/sluice SLUICE_UPGRADE_VERSION=$name SLUICE_UPGRADE_COMMIT=$commit
export SLUICE_TEST_POSTGRES_REQUIRED=1
cd e2e/upgrade
../../scripts/postgres.sh run "${own[@]}" sh -c 'hostname kept && exec "$@"' sh \
	"$root/upgrade.test" -test.run '^TestMake$' -test.count 1 -test.v -test.timeout 15m
du -ch "testdata/$name"/*/* | tail -n 1
