# Checks the dialect from the inside; run by the image's own sh while it is being built.
set -eo pipefail
hidden() { if [ -e "/usr/bin/$1" ] || [ -e "/usr/sbin/$1" ]; then echo "$1 is not hidden" >&2; return 1; fi; }

[[ abc == a* ]]
for tool in apt apt-get useradd groupadd; do hidden "$tool"; done
case " $KEPT " in *' bash '*) bash -c true ;; *) hidden bash ;; esac
apk info -e tini || gone=1
[ -n "$gone" ]
apk add --no-cache --virtual .proof bash tini
apk info -e tini
bash -c true
/sbin/tini --version
apk del .proof
hidden tini
case " $KEPT " in *' bash '*) ;; *) hidden bash ;; esac
addgroup -S -g 4321 proof
adduser -S -D -H -u 4321 -G proof proof
[ "$(id -u proof):$(id -g proof)" = 4321:4321 ]
deluser proof
! id proof 2> /dev/null
# Nobody listens there: nc says so by its status alone, unless it does not know the option.
[ -z "$(nc -z -w 1 127.0.0.1 9 2>&1)" ]
case $(wget --help 2>&1) in *BusyBox*) ;; *) exit 1 ;; esac
echo 'Alpine is spoken here'
