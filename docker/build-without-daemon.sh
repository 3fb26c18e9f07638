#!/usr/bin/env bash
# Builds the image where there is no Docker daemon and no image registry: on a base made from Debian's packages and
# the node of this machine, by buildah in a chroot. Debian or Ubuntu, as root. Leaves the image in buildah's storage.
# Needs: apt-get install buildah mmdebstrap, and a node of this machine that came with its headers.
# Usage: docker/build-without-daemon.sh [TAG]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tag=${1:-coppice:local}
suite=${SUITE:-bookworm}
base=coppice-base:local
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node=$(readlink -f "$(command -v node)")
prefix=$(dirname "$(dirname "$node")")
npm_folder=$(npm root --global)/npm

echo "== base: Debian $suite with node $(node --version)"
mmdebstrap --variant=minbase --include=ca-certificates,libstdc++6,libatomic1 "$suite" "$work/base.tar"
# The image's node is put where the official image has it, with its headers and npm.
mkdir -p "$work/usr/local/bin" "$work/usr/local/include" "$work/usr/local/lib/node_modules"
cp "$node" "$work/usr/local/bin/node"
cp -a "$prefix/include/node" "$work/usr/local/include/"
cp -a "$npm_folder" "$work/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/usr/local/bin/npx"
tar --append --file "$work/base.tar" --directory "$work" --owner=0 --group=0 usr/local

build() { buildah --storage-driver vfs bud --format docker --isolation chroot "$@"; }

# Node brings its own list of authorities; here it adds those of Debian, which the build borrows from this machine.
cat > "$work/Dockerfile" <<'END'
FROM scratch
ADD base.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
END
build --tag "$base" "$work"

echo "== image: $tag"
build --tag "$tag" --build-arg "BASE_IMAGE=localhost/$base" --pull=false --volume /etc/ssl/certs:/etc/ssl/certs:ro .
