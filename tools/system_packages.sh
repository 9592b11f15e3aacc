#!/bin/sh
# Install the system packages that the tests use, when they are missing.
#   system_packages.sh mosquitto mosquitto-clients:mosquitto_sub
# A package whose command has another name than the package names it after a colon. Debian keeps the programs
# of a PostgreSQL server away from the commands of users: those are looked for where it keeps them.
set -eu
missing=
for wanted in "$@"; do
    package=${wanted%%:*} command=${wanted##*:}
    command -v "$command" >/dev/null 2>&1 || [ -x "/usr/sbin/$command" ] ||
        ls /usr/lib/postgresql/*/bin/"$command" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "The tests also run foreign brokers and clients and a database server, and build a file layer in C; installing:$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "No apt-get here: install$missing yourself. Until then the tests that need it are skipped, and say so." >&2
    exit 0
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Not root and no sudo: install$missing yourself. Until then those tests are skipped, and say so." >&2
        exit 0
    fi
    as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
