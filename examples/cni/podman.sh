#!/usr/bin/env bash
# Under podman: a container gets its address by a macvlan, on a VLAN made on demand where the kernel has VLANs, and nothing of
# it is left when it is gone. In namespaces of its own; nothing on this machine is touched.
#
#   cargo build --profile small --package sublink-cni
#   sudo examples/cni/podman.sh [target/small/sublink-cni]
#
# Needs root and Debian's packages podman, crun, busybox-static, iproute2 and containernetworking-plugins, and podman with CNI
# (4.x). Without them it says what is missing, and ends with exit code 2.

set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

if [[ ${1:-} != --inside ]]; then
    plugin=$(realpath "${1:-target/small/sublink-cni}")
    [[ $EUID == 0 ]] || { echo "cannot run here: root is needed"; exit 2; }
    for needed in podman crun ip /usr/lib/cni/host-local "$plugin"; do
        command -v "$needed" >/dev/null || { echo "cannot run here: there is no $needed"; exit 2; }
    done
    exec unshare -nm "$0" --inside "$plugin"
fi

plugin=$2
mount --make-rprivate /
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs run /run
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
for folder in /var/lib/cni /var/lib/containers /var/tmp; do
    [[ ! -d $folder ]] || mount -t tmpfs tmp $folder
done
mkdir -p /tmp/{bin,net.d} /tmp/root/{bin,proc,sys,dev,etc,tmp,run} /var/lib/cni

cp "$plugin" /tmp/bin/macvlan
cp /usr/lib/cni/host-local /tmp/bin/
cp "$(command -v busybox)" /tmp/root/bin/busybox
ln -s busybox /tmp/root/bin/ip

ip link set lo up
ip link add p0 type veth peer name p1
ip link set p0 up
ip link set p1 up
master=p0
if ip link add link p0 name probe type vlan id 60 2>/dev/null; then
    ip link delete probe
    master=p0.50
fi
cat >/tmp/net.d/lan.conflist <<END
{"cniVersion": "0.4.0", "name": "lan", "plugins": [{"type": "macvlan", "master": "$master", "ipam":
    {"type": "host-local", "subnet": "10.0.50.0/24", "gateway": "10.0.50.254", "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
cat >/tmp/containers.conf <<END
[network]
network_backend = "cni"
cni_plugin_dirs = ["/tmp/bin"]
network_config_dir = "/tmp/net.d"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
END

links() { ip -o link | cut -d: -f2; }
before=$(links)
said=$(CONTAINERS_CONF=/tmp/containers.conf podman --root /tmp/storage --runroot /run/podman --storage-driver vfs \
    run --rm --cgroups=disabled --security-opt seccomp=unconfined --log-driver none \
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network lan --rootfs /tmp/root \
    /bin/busybox sh -c 'ip addr show eth0; ip route')
fail() { printf '%s\n' "$@"; exit 1; }
[[ $said == *"inet 10.0.50.1/24"* && $said == *"default via 10.0.50.254"* ]] || fail "the container has no address:" "$said"
[[ $(links) == "$before" ]] || fail "links are left:" "$(ip link)"
[[ ! -e /var/lib/cni/sublink/lan ]] || fail "a record is left"
left=$(find /var/lib/cni/networks -name '10.*')
[[ -z $left ]] || fail "an address is left:" "$left"
echo "$(podman --version): a container on $master got its address, and nothing is left"
