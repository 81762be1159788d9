#!/bin/sh
# Makes the smallest initrd that finds a guest's disk: Debian's cloud kernels
# have ext4 built in, but not virtio's disks.
# usage: initrd.sh ROOT INITRD
#
# A disk that needs no initrd would be NVMe; but QEMU cannot save the state of
# a machine that has one.
set -eu
root=$1 initrd=$2
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

version=$(ls "$root/lib/modules")
cp "$root/bin/busybox" "$tree/busybox"
mkdir "$tree/dev" "$tree/root"
{
    echo '#!/busybox sh'
    echo '/busybox mount -t devtmpfs dev /dev'
    for driver in virtio_pci virtio_blk; do
        # Names what is needed in the order of loading, each once.
        chroot "$root" modprobe --set-version "$version" --show-depends "$driver"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
        name=$(basename "${module%.xz}")
        case $module in
            *.xz) xz --decompress --stdout "$root$module" >"$tree/$name" ;;
            *) cp "$root$module" "$tree/$name" ;;
        esac
        echo "/busybox insmod /$name"
    done
    echo '/busybox mount -t ext4 -o noatime /dev/vda /root'
    echo 'exec /busybox switch_root /root /sbin/init'
} >"$tree/init"
chmod 755 "$tree/init"

(cd "$tree" && find . | cpio --quiet --create --format=newc --owner=0:0) >"$initrd"
