#!/bin/sh
# The default server, as long as it is the one that came with the image, listens on IPv6 as well.
set -e
file=/etc/nginx/conf.d/default.conf
[ -f /proc/net/if_inet6 ] && [ -w "$file" ] || exit 0
[ "$(grep -c '^ *listen ' "$file")" = 1 ] || exit 0
changed=$(sed 's/^    listen       \([0-9]*\);$/&\n    listen  [::]:\1;/' "$file")
printf '%s\n' "$changed" > "$file"
