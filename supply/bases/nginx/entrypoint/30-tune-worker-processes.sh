#!/bin/sh
# Asked for by NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE: as many workers as the container may use.
set -e
[ -n "${NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE:-}" ] && [ -w /etc/nginx/nginx.conf ] || exit 0
workers=$(nproc)
if read -r quota period < /sys/fs/cgroup/cpu.max 2>/dev/null && [ "$quota" != max ]; then
  allowed=$(((quota + period - 1) / period))
  [ "$allowed" -ge "$workers" ] || workers=$allowed
fi
changed=$(sed "s/^worker_processes .*;/worker_processes  $workers;/" /etc/nginx/nginx.conf)
printf '%s\n' "$changed" > /etc/nginx/nginx.conf
