#!/bin/sh
# Before the server starts, what lies in /docker-entrypoint.d has its turn, in the order of names:
# *.envsh sets variables for what follows, *.sh is run. Other commands are run as they are.
set -e

quiet() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ]; }
say() { quiet || printf '%s: %s\n' "$0" "$*"; }

case ${1:-} in
  nginx|nginx-debug)
    for file in /docker-entrypoint.d/*; do
      case $file in
        *.envsh) if [ -x "$file" ]; then say "sourcing $file"; . "$file"; else say "ignoring $file, not executable"; fi ;;
        *.sh) if [ -x "$file" ]; then say "launching $file"; "$file"; else say "ignoring $file, not executable"; fi ;;
        *) [ ! -e "$file" ] || say "ignoring $file" ;;
      esac
    done
    say 'configuration complete; ready for start up' ;;
esac
exec "$@"
