#!/bin/sh
# Templates with variables become configuration, each in the folder of the same name. Only variables
# that are set are replaced, so that nginx's own stay: $uri and the like.
set -e
templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
filter=${NGINX_ENVSUBST_FILTER:-}

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
  echo "$0: ERROR: $templates exists, but $output is not writable"
  exit 0
fi
defined=$(awk -v filter="$filter" 'BEGIN { for (name in ENVIRON) if (name ~ filter) printf "${%s} ", name }')
find -L "$templates" -type f -name "*$suffix" -print | sort | while read -r template; do
  name=${template#"$templates"/}
  result=$output/${name%"$suffix"}
  mkdir -p "${result%/*}"
  [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $template to $result"
  envsubst "$defined" < "$template" > "$result"
done
