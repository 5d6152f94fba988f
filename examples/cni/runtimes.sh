#!/usr/bin/env bash
# Under podman and containerd: a container gets its address by a macvlan, on a VLAN made on demand where the kernel has VLANs, and
# nothing of it is left when it is gone. In namespaces of its own; nothing on this machine is touched.
#
#   cargo build --profile small --package sublink-cni
#   sudo examples/cni/runtimes.sh [target/small/sublink-cni [podman|containerd]]
#
# Needs root and Debian's packages busybox-static, iproute2 and containernetworking-plugins; podman (4.x, with CNI) and crun for the
# one, containerd and runc for the other. Exit code: 0 if one has run, 1 if one has failed, 2 if none could run.

set -euo pipefail
readonly cannot_run=77 # the inner script; `ip` and bash have others
export PATH="$PATH:/usr/sbin:/sbin"

lacking() { # programs and files
    local needed
    for needed; do command -v "$needed" >/dev/null || { echo "there is no $needed"; return; }; done
}

if [[ ${1:-} != --inside ]]; then
    plugin=$(realpath "${1:-target/small/sublink-cni}") code=2
    # Root of the machine, not only of a user namespace.
    read -r _ _ ids </proc/self/uid_map
    [[ $EUID == 0 && $ids == 4294967295 ]] || { echo "only root can run container runtimes"; exit 2; }
    for tools in 'podman crun conmon' 'containerd ctr runc'; do
        runtime=${tools%% *} said=0
        [[ ${2:-$runtime} == "$runtime" ]] || continue
        lack=$(lacking busybox ip /usr/lib/cni/host-local "$plugin" $tools)
        [[ -z $lack ]] || { echo "$runtime cannot run: $lack"; continue; }
        # All processes end with the first one of their own process namespace. The root is one that is mounted on another, which
        # pivot_root wants, and which an initramfs is not.
        unshare -nmp --fork --kill-child --mount-proc sh -c 'mount --rbind / /tmp && exec chroot /tmp "$@"' sh \
            bash "$(realpath "$0")" --inside "$plugin" "$runtime" || said=$?
        ((said == 0 || said == cannot_run)) || exit 1
        ((said == cannot_run)) || code=0
    done
    exit $code
fi

plugin=$2 runtime=$3
exec 3<"$plugin" # it may be where the new mounts hide it
mkdir -p /dev/shm # podman has its locks there
for folder in /tmp /var/tmp /var/lib /run /opt /dev/shm; do mount -t tmpfs -o mode=1777 tmp $folder; done
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup || { echo "$runtime cannot run: no cgroup2 can be mounted here"; exit $cannot_run; }
cp -a /etc /tmp/etc
mount --bind /tmp/etc /etc
mkdir -p /opt/cni/bin /etc/cni/net.d /var/lib/cni /tmp/root/{bin,proc,sys,dev,etc,tmp,run}
rm -f /etc/cni/net.d/*

cat <&3 >/opt/cni/bin/macvlan
chmod 755 /opt/cni/bin/macvlan
exec 3<&-
cp /usr/lib/cni/host-local /opt/cni/bin/
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
cat >/etc/cni/net.d/lan.conflist <<END
{"cniVersion": "0.4.0", "name": "lan", "plugins": [{"type": "macvlan", "master": "$master", "ipam":
    {"type": "host-local", "subnet": "10.0.50.0/24", "gateway": "10.0.50.254", "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
readonly words='ip addr show eth0; ip route'

with_podman() {
    cat >/tmp/containers.conf <<END
[network]
network_backend = "cni"
cni_plugin_dirs = ["/opt/cni/bin"]
network_config_dir = "/etc/cni/net.d"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
END
    CONTAINERS_CONF=/tmp/containers.conf podman --root /tmp/storage --runroot /run/podman --storage-driver vfs \
        run --rm --cgroups=disabled --security-opt seccomp=unconfined --log-driver none \
        --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --network lan --rootfs /tmp/root \
        /bin/busybox sh -c "$words"
}

with_containerd() {
    cat >/tmp/container.json <<END
{"ociVersion": "1.0.2", "root": {"path": "/tmp/root"},
 "process": {"cwd": "/", "env": ["PATH=/bin"], "args": ["/bin/busybox", "sh", "-c", "$words"]},
 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}]}}
END
    containerd >/tmp/log 2>&1 &
    # It listens when it has started.
    timeout 300 sh -c 'until ctr version >/dev/null 2>&1; do sleep 0.1; done' || { cat /tmp/log; return 1; }
    ctr run --cni --rm --config /tmp/container.json c1
}

links() { ip -o link | cut -d: -f2; }
fail() { printf '%s\n' "$@"; exit 1; }
before=$(links)
said=$(with_"$runtime") || fail "$runtime failed" "$said"
[[ $said == *"inet 10.0.50.1/24"* && $said == *"default via 10.0.50.254"* ]] || fail "the container has no address:" "$said"
[[ $(links) == "$before" ]] || fail "links are left:" "$(ip link)"
[[ ! -e /var/lib/cni/sublink/lan ]] || fail "a record is left"
left=$(find /var/lib/cni/networks -name '10.*')
[[ -z $left ]] || fail "an address is left:" "$left"
echo "$($runtime --version): a container on $master got its address, and nothing is left"
