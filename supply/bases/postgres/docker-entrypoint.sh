#!/bin/bash
# Makes a database cluster on first start, as the official image is documented to do:
#   POSTGRES_USER (postgres), POSTGRES_PASSWORD (required, unless trust), POSTGRES_DB (the user's
#   name), POSTGRES_INITDB_ARGS, POSTGRES_INITDB_WALDIR, POSTGRES_HOST_AUTH_METHOD, each also as
#   NAME_FILE; then runs *.sql, *.sql.gz, *.sql.xz, *.sql.zst and *.sh of /docker-entrypoint-initdb.d.
set -Eeuo pipefail

fail() { printf >&2 'error: %s\n' "$@"; exit 1; }

# The value of NAME, or the content of the file that NAME_FILE names, or a default.
setting() {
  local name=$1 file=${1}_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then fail "both $name and $file are set"; fi
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!name:-${2:-}}"; fi
}

# psql against the temporary server, which listens on its socket only.
admin() {
  PGHOST='' PGHOSTADDR='' PGPASSWORD=$password psql -v ON_ERROR_STOP=1 --no-psqlrc \
    --username "$user" --no-password "$@"
}

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh)
        printf '%s: running %s\n' "$0" "$file"
        if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) printf '%s: running %s\n' "$0" "$file"; admin --dbname "$db" -f "$file" ;;
      *.sql.gz) printf '%s: running %s\n' "$0" "$file"; gunzip -c "$file" | admin --dbname "$db" ;;
      *.sql.xz) printf '%s: running %s\n' "$0" "$file"; xzcat "$file" | admin --dbname "$db" ;;
      *.sql.zst) printf '%s: running %s\n' "$0" "$file"; zstd -dc "$file" | admin --dbname "$db" ;;
      *) [ ! -e "$file" ] || printf '%s: ignoring %s\n' "$0" "$file" ;;
    esac
  done
}

initialise() {
  [ -n "$password" ] || [ "$auth" = trust ] || fail \
    'the database is not initialised and no superuser password is given' \
    'set POSTGRES_PASSWORD to a non-empty value (or POSTGRES_HOST_AUTH_METHOD=trust to need none)'
  local waldir=${POSTGRES_INITDB_WALDIR:-}
  # The password goes by a pipe: it must not show in a process list.
  eval "initdb --username=\"\$user\" --pwfile=<(printf '%s\n' \"\$password\") \
    ${waldir:+--waldir=\"\$waldir\"} ${POSTGRES_INITDB_ARGS:-}"
  local method=$auth
  [ -n "$method" ] || method=$(postgres -C password_encryption)
  printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"

  pg_ctl --pgdata "$PGDATA" --wait start -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")"
  if [ "$db" != postgres ]; then
    admin --dbname postgres -v db="$db" <<< 'CREATE DATABASE :"db";'
  fi
  export POSTGRES_USER=$user POSTGRES_PASSWORD=$password POSTGRES_DB=$db PGUSER=$user PGDATABASE=$db
  run_scripts
  unset PGUSER PGDATABASE
  pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
[ "${1:-}" = postgres ] || exec "$@"
for argument in "${@:2}"; do
  case $argument in -\?|--help|--describe-config|-V|--version) exec "$@" ;; esac
done

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || install -d -o postgres -m 700 "$POSTGRES_INITDB_WALDIR"
  chmod 700 "$PGDATA"
  find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
  exec gosu postgres "$0" "$@"
fi

# Under an id that the image does not know, initdb still needs a name for it.
if ! getent passwd "$(id -u)" > /dev/null; then
  wrapper=$(find /usr/lib -name libnss_wrapper.so -print -quit)
  NSS_WRAPPER_PASSWD=$(mktemp) NSS_WRAPPER_GROUP=$(mktemp)
  export LD_PRELOAD=$wrapper NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  printf 'postgres:x:%s:%s:PostgreSQL:%s:/bin/false\n' "$(id -u)" "$(id -g)" "$PGDATA" > "$NSS_WRAPPER_PASSWD"
  printf 'postgres:x:%s:\n' "$(id -g)" > "$NSS_WRAPPER_GROUP"
fi

mkdir -p "$PGDATA" && chmod 700 "$PGDATA" || true
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=$(setting POSTGRES_USER postgres)
  password=$(setting POSTGRES_PASSWORD)
  db=$(setting POSTGRES_DB "$user")
  auth=${POSTGRES_HOST_AUTH_METHOD:-}
  initialise "$@"
else
  printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
fi
exec "$@"
