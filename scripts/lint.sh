#!/usr/bin/env bash
# gofmt, go vet and golangci-lint. The linter is built from source at the version of tools/go.mod on its first use,
# which takes a minute or two; Go's build cache keeps it after that.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(scripts/gofiles.sh | xargs -r gofmt -l)
if [[ -n $unformatted ]]; then
	printf 'not formatted by gofmt:\n%s\n' "$unformatted" >&2
	exit 1
fi
go vet ./...
go tool -modfile=tools/go.mod golangci-lint run ./...
