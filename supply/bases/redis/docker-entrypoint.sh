#!/bin/sh
# As the official image is documented: options and configuration files go to redis-server, which
# runs as redis; other commands are run as they are.
set -e
case ${1:-} in -*|*.conf) set -- redis-server "$@" ;; esac
if [ "${1:-}" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis '{}' +
    exec gosu redis "$0" "$@"
  fi
  # Who may connect is the network's affair in a container, unless it is said here.
  said=
  for word in "$@"; do
    case $word in *protected-mode*) said=1 ;; *.conf) ! grep -q '^ *protected-mode' "$word" || said=1 ;; esac
  done
  [ -n "$said" ] || set -- "$@" --protected-mode no
fi
exec "$@"
