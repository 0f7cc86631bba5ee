#!/bin/sh
# run.sh starts a server on loopback with four drives below .data/run and says how to use it.
set -eu
data=$PWD/.data/run
mkdir -p "$data/d1" "$data/d2" "$data/d3" "$data/d4"
chmod 700 "$data"

# A port is taken if some socket listens on it (state 0A), on IPv4 or IPv6.
taken() {
	hex=$(printf '%04X' "$1")
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q ":$hex [0-9A-F:]* 0A "
}
port=9000
while taken $port; do port=$((port + 1)); done

# The server generates credentials at its first start and keeps them here, readable by you only.
secrets=$data/flashstore-root.env
url=http://127.0.0.1:$port
cat <<EOF

Server:       $url, drives in $data, Ctrl-C stops it
Credentials:  $secrets (made at the first start, mode 0600)

In another terminal:

  set -a; . $secrets; set +a
  export AWS_ACCESS_KEY_ID=\$FLASHSTORE_ROOT_USER AWS_SECRET_ACCESS_KEY=\$FLASHSTORE_ROOT_PASSWORD
  aws --region us-east-1 --endpoint-url $url s3 mb s3://photos
  aws --region us-east-1 --endpoint-url $url s3 cp README.md s3://photos/
  aws --region us-east-1 --endpoint-url $url s3 ls s3://photos/

  mc alias set flash $url "\$FLASHSTORE_ROOT_USER" "\$FLASHSTORE_ROOT_PASSWORD"
  mc ls flash/photos

EOF
exec bin/flashstore server --address "127.0.0.1:$port" --drives "$data/d{1...4}" "$@"
