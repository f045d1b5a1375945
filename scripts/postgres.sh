#!/usr/bin/env bash
# A throw-away PostgreSQL server for tests and benchmarks: its own folder, its own port on 127.0.0.1,
# fsync on, no password, nothing shared with a server that the machine may already run.
#
#   scripts/postgres.sh run CMD...   start, run CMD with SLUICE_TEST_POSTGRES set, stop, remove
#   scripts/postgres.sh start        start and print the URL; SLUICE_POSTGRES_DIR chooses the folder
#   scripts/postgres.sh url          print the URL of the started server
#   scripts/postgres.sh stop         stop it and remove its folder
#
# Server binaries of version 15 or later are taken from PATH or /usr/lib/postgresql. Where there are
# none, root on a system with apt-get gets them installed. Otherwise "run" says what will not be tested
# and runs CMD without the variable. With SLUICE_TEST_POSTGRES already set, "run" starts nothing.
set -euo pipefail

readonly oldest=15
state=${SLUICE_POSTGRES_DIR:-${TMPDIR:-/tmp}/sluice-postgres-$(id -u)}

say() { printf 'postgres.sh: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# version_ok BIN: is the server in this folder recent enough?
version_ok() {
	[[ -x $1/initdb && -x $1/pg_ctl && -x $1/postgres ]] || return 1
	local major
	major=$("$1/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
	[[ $major =~ ^[0-9]+$ ]] && ((major >= oldest))
}

# find_bin: print the folder of the newest usable server.
find_bin() {
	local candidate in_path
	while IFS= read -r candidate; do
		if version_ok "$candidate"; then
			printf '%s\n' "$candidate"
			return 0
		fi
	done < <(printf '%s\n' /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin | sort -rV)
	if in_path=$(command -v initdb); then
		candidate=$(dirname "$(readlink -f "$in_path")")
		if version_ok "$candidate"; then
			printf '%s\n' "$candidate"
			return 0
		fi
	fi
	return 1
}

# install_server: Debian's packages, without the cluster and the service they would set up.
install_server() {
	[[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null || return 1
	say "no PostgreSQL $oldest or later found, installing it"
	local common=/etc/postgresql-common/createcluster.conf
	if [[ ! -e $common ]]; then
		install -d -m 0755 /etc/postgresql-common
		printf 'create_main_cluster = false\n' >"$common"
		chmod 0644 "$common"
	fi
	"$(dirname "$0")/apt.sh" postgresql
}

# as_owner CMD...: servers refuse to run as root, so root hands over to the user postgres.
as_owner() {
	if [[ $(id -u) -eq 0 ]]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

# free_port: one that nobody listens on now. Another process may still take it first; start tries again.
free_port() {
	local port
	for _ in {1..50}; do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			printf '%s\n' "$port"
			return 0
		fi
	done
	return 1
}

# new_folder: an empty one below TMPDIR, or where the server's owner may not go there, as below /root, in another place.
new_folder() {
	local parent
	for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
		if (cd / && as_owner test -x "$parent"); then
			mktemp -d "$parent/sluice-postgres.XXXXXX"
			return
		fi
	done
	say "the user who runs the server may not enter ${TMPDIR:-/tmp}"
	return 1
}

# create DIR BIN: the cluster's files.
create() {
	local dir=$1 bin=$2
	mkdir -p "$dir"
	chmod 0755 "$dir"
	install -d -m 0700 "$dir/data"
	if [[ $(id -u) -eq 0 ]]; then
		chown postgres "$dir" "$dir/data"
	fi
	(cd / && as_owner "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-locale -E UTF8 >"$dir/initdb.log" 2>&1) ||
		{
			cat "$dir/initdb.log" >&2
			return 1
		}
	cat >>"$dir/data/postgresql.conf" <<-CONF
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		max_connections = 400
		shared_buffers = 256MB
		max_wal_size = 4GB
		fsync = on
		synchronous_commit = on
	CONF
	printf '%s\n' "$bin" >"$dir/bin"
}

# start DIR BIN: creates and starts; leaves the URL in DIR/url.
start() {
	local dir=$1 bin=$2 port
	create "$dir" "$bin" || return 1
	for _ in 1 2 3 4 5; do
		port=$(free_port) || return 1
		if (cd / && as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -o "-p $port" -w -t 60 start \
			>"$dir/start.log" 2>&1 </dev/null); then
			printf 'postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable\n' "$port" >"$dir/url"
			return 0
		fi
	done
	tail -n 5 "$dir/server.log" >&2 || true
	return 1
}

# stop DIR: stops the server by the process id in its own folder, then removes the folder.
stop() {
	local dir=$1 bin
	[[ -d $dir ]] || return 0
	[[ -e $dir/data/PG_VERSION ]] || die "$dir is not a folder of this script, left alone"
	bin=$(cat "$dir/bin")
	if [[ -e $dir/data/postmaster.pid ]]; then
		(cd / && as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1) || true
	fi
	rm -rf "$dir"
}

# obtain: print the folder of server binaries, installing them if that is possible.
obtain() {
	find_bin || { install_server && find_bin; }
}

run() {
	(($# > 0)) || die "run needs a command"
	if [[ -n ${SLUICE_TEST_POSTGRES:-} ]]; then
		exec "$@"
	fi
	local bin status=0
	if ! bin=$(obtain); then
		say "PostgreSQL $oldest or later is not here and cannot be installed: every test on PostgreSQL is LEFT OUT"
		exec "$@"
	fi
	own=$(new_folder) || exit 1
	child=
	# Cleaning up must also happen when the command fails or this script is told to stop.
	trap 'cleanup' EXIT
	trap 'on_signal 129' HUP
	trap 'on_signal 130' INT
	trap 'on_signal 143' TERM
	start "$own" "$bin" || die "the server did not start"
	SLUICE_TEST_POSTGRES=$(cat "$own/url")
	export SLUICE_TEST_POSTGRES
	if [[ -t 0 ]]; then
		"$@" <&0 &
	else # a process group of its own, so that all of it can be told to stop
		set -m
		"$@" &
		set +m
	fi
	child=$!
	wait "$child" || status=$?
	child=
	exit "$status"
}

cleanup() {
	trap - EXIT
	[[ -z $own ]] || { if [[ -e $own/data/PG_VERSION ]]; then stop "$own"; else rm -rf "$own"; fi; }
}

on_signal() {
	if [[ -n $child ]]; then
		kill -TERM -- "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	fi
	exit "$1"
}

own=
child=
case ${1:-} in
start)
	[[ ! -e $state/url ]] || die "already started in $state"
	bin=$(obtain) || die "PostgreSQL $oldest or later is not here and cannot be installed"
	if ! start "$state" "$bin"; then
		[[ ! -e $state/data/PG_VERSION ]] || stop "$state"
		die "the server did not start"
	fi
	cat "$state/url"
	;;
url)
	[[ -e $state/url ]] || die "not started"
	cat "$state/url"
	;;
stop) stop "$state" ;;
run)
	shift
	run "$@"
	;;
*)
	sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
	exit 2
	;;
esac
