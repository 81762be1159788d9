#!/bin/sh
# Makes a guest of a fresh Debian root file system.
# usage: setup.sh ROOT ASSETS SUITE
#
# Everything that costs boot time without being what memctl is tested with goes
# here: emulated processors are slow, and every scenario boots.
set -eu
root=$1 assets=$2 suite=$3

# One name and one machine-id for all boots: otherwise each is a first boot,
# with presets and a commit of the id.
echo "$suite" >"$root/etc/hostname"
printf '127.0.0.1 localhost %s\n::1 localhost\n' "$suite" >"$root/etc/hosts"
printf '%s' "memctl guest $suite" | md5sum | cut -c1-32 >"$root/etc/machine-id"
echo '/dev/vda / ext4 defaults,noatime 0 0' >"$root/etc/fstab"

# Root may log in on the console without a password; admin is nobody special.
chroot "$root" passwd --quiet --delete root
chroot "$root" useradd --uid 1000 --user-group --create-home --shell /bin/bash admin

install -D -m 644 "$assets/agent.py" "$root/usr/local/lib/guest-agent/agent.py"
install -m 644 "$assets/agent.service" "$root/etc/systemd/system/agent.service"
chroot "$root" systemctl --quiet enable agent.service

# Installed for the demonstration and for scenarios, which start it themselves.
chroot "$root" systemctl --quiet disable redis-server.service

chroot "$root" systemctl --quiet set-default multi-user.target
while read -r units; do
    for unit in ${units%%#*}; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
done <<'END'
apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer # not during a test
e2scrub_all.timer e2scrub_reap.service fstrim.timer
getty@tty1.service                                           # there is no screen
systemd-firstboot.service systemd-pstore.service systemd-random-seed.service
systemd-hwdb-update.service systemd-network-generator.service
systemd-udev-load-credentials.service systemd-creds.socket
systemd-hostnamed.socket systemd-sysext.socket systemd-initctl.socket
systemd-ask-password-console.path systemd-ask-password-wall.path
kmod-static-nodes.service systemd-modules-load.service
modprobe@configfs.service modprobe@drm.service modprobe@fuse.service
sys-kernel-config.mount sys-fs-fuse-connections.mount
sys-kernel-debug.mount sys-kernel-tracing.mount
dev-hugepages.mount dev-mqueue.mount
systemd-binfmt.service proc-sys-fs-binfmt_misc.automount
END

# The journal outlives a reboot, so that a scenario may ask for the last boot.
mkdir -p "$root/var/log/journal"

# A guest's disk lives as long as the guest.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/guest"

# After all changes: nothing in /usr is newer, so no "system was updated" jobs.
touch "$root/etc/.updated" "$root/var/.updated"
