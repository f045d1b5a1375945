#!/usr/bin/env bash
# Lints the OpenAPI documents of both APIs with two linters and has clients that are generated from them read every answer
# of the recorded transcripts: ogen and oapi-codegen in Go, openapi-typescript and zod schemas in TypeScript. All at the
# versions of e2e/clients/go.mod and package-lock.json; what is generated goes to e2e/clients/gen and is thrown away.
# Without a Node.js that is recent enough the part in TypeScript is left out, and says so.
#
#   scripts/clients.sh         everything
#   scripts/clients.sh short   one generator of each language
set -euo pipefail
cd "$(dirname "$0")/.."

readonly dialects=(gateway yandexpay)
readonly folder=e2e/clients
readonly gen=$folder/gen
bin=node_modules/.bin
short=${1:-}

say() { printf 'clients.sh: %s\n' "$*"; }

if [[ $# -gt 1 || ($# -eq 1 && $short != short) ]]; then
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 2
fi

# quietly CMD...: run CMD and show what it said only when it fails.
quietly() {
	local log=$gen/log
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 60 "$log"
		return 1
	fi
}

# packages installs the npm packages of the lock file, once. None of their scripts is run.
packages() {
	local installed=$folder/node_modules/.installed-lock.json
	cmp -s "$folder/package-lock.json" "$installed" && return
	say 'installing npm packages'
	(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >"$gen/log" 2>&1 </dev/null || return
	cp "$folder/package-lock.json" "$installed"
}

record() {
	SLUICE_TEST_EXCHANGES=$PWD/$gen/exchanges.json quietly go test -count=1 -run '^TestDocumentsHoldForEveryRecordedAnswer$' ./internal/api
	for d in "${dialects[@]}"; do
		cp "internal/api/$d/openapi.json" "$gen/$d.json"
	done
}

in_go() {
	cd "$folder"
	for d in "${dialects[@]}"; do
		mkdir -p "gen/oapi/$d"
		quietly_here go tool oapi-codegen -generate types,client -package "$d" -o "gen/oapi/$d/client.go" "gen/$d.json"
		[[ -n $short ]] || quietly_here go tool ogen --target "gen/ogen/$d" --package "$d" "gen/$d.json"
	done
	local clients=(gen/oapi/*)
	[[ -n $short ]] || clients+=(gen/ogen/*)
	go run ./decoders "${clients[@]}"
	go test -count=1 -v ${short:+-tags short} ./replay 2>&1 | grep -vE '^(=== |---|PASS|ok )'
}

quietly_here() { "$@" >gen/log 2>&1 </dev/null || { tail -n 60 gen/log; return 1; }; }

lint() {
	cd "$folder"
	if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
		quietly_here "$bin/redocly" lint gen/gateway.json gen/yandexpay.json
		say 'redocly: both documents are clean'
	else
		say 'Node.js is older than 20.19: linting with redocly is LEFT OUT'
	fi
	quietly_here "$bin/spectral" lint --fail-severity=hint gen/gateway.json gen/yandexpay.json
	say 'spectral: both documents are clean'
}

in_typescript() {
	cd "$folder"
	mkdir -p gen/types gen/zod
	for d in "${dialects[@]}"; do
		quietly_here "$bin/openapi-zod-client" "gen/$d.json" -o "gen/zod/$d.ts" --with-alias
		[[ -n $short ]] || quietly_here "$bin/openapi-typescript" "gen/$d.json" -o "gen/types/$d.ts"
	done
	# Types of what zod needs beside itself are not looked at: what counts is what its schemas accept.
	"$bin/tsc" --noCheck --target es2022 --module nodenext --outDir gen/zod-js gen/zod/*.ts
	node zod.mjs
	[[ -z $short ]] || return 0
	node answers.mjs
	quietly_here "$bin/tsc" --noEmit --strict --skipLibCheck --target es2022 --module nodenext gen/types/*.ts
	say "openapi-typescript: the types hold for $(grep -c '^export const' gen/types/gateway-answers.ts) and $(grep -c '^export const' gen/types/yandexpay-answers.ts) answers"
}

rm -rf "$gen"
mkdir -p "$gen"
trap 'rm -rf "$gen"' EXIT
record
(in_go)
if scripts/jose.sh node && packages; then
	(lint)
	(in_typescript)
else
	say 'no Node.js with npm, or the packages cannot be installed: both linters and clients in TypeScript are LEFT OUT'
fi
