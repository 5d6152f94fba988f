#!/usr/bin/env bash
# The CNI plugin beside Debian's reference plugin, in namespaces of its own: time, system calls, size, as BENCHMARKS.md has them.
#
#   cargo build --profile small --package sublink-cni --target x86_64-unknown-linux-musl
#   sudo benches/cni.sh [target/x86_64-unknown-linux-musl/small/sublink-cni [ROUNDS]]
#
# Needs the packages containernetworking-plugins, strace and iproute2; linux-perf for the processor time. Both plugins do the same in
# turn, in one run.

set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
readonly reference=/usr/lib/cni/macvlan

if [[ ${1:-} != --inside ]]; then
    plugin=$(realpath "${1:-target/x86_64-unknown-linux-musl/small/sublink-cni}")
    for needed in strace ip $reference /usr/lib/cni/host-local "$plugin"; do
        command -v "$needed" >/dev/null || { echo "cannot run here: there is no $needed"; exit 2; }
    done
    exec unshare "$([[ $EUID == 0 ]] && echo -nm || echo -Urnm)" "$0" --inside "$plugin" "${2:-51}"
fi

ours=$2 rounds=$3
mount -t tmpfs run /run
mount -t sysfs sys /sys
ip link add p0 type veth peer name p1
ip link set p0 up
ip link set p1 up
ip netns add c1

export CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni
host_local='{"type": "host-local", "dataDir": "/run/ipam", "subnet": "10.0.50.0/24", "routes": [{"dst": "0.0.0.0/0"}]}'
config() { # ipam
    echo '{"cniVersion": "1.0.0", "name": "lan", "type": "macvlan", "master": "p0", "dataDir": "/run/records", "ipam": '"$1"'}'
}

call() { CNI_COMMAND=$1 "${@:3}" <<<"$2" >/run/answer || { cat /run/answer; exit 1; }; }

timed() { # command, configuration, plugin; appends microseconds to /run/PLUGIN.COMMAND
    local begin=${EPOCHREALTIME/./}
    call "$1" "$2" "$3"
    echo $((${EPOCHREALTIME/./} - begin)) >>"/run/times.$(basename "$3").$1"
}
median() { sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

calls() { # command, configuration, plugin: the plugin's system calls and its threads', and those of the IPAM plugin
    call "$1" "$2" strace -f -qq -o /run/trace "$3"
    grep -cE '^[0-9]+ +[a-z_0-9]+\(' /run/trace
}

row() { # what, ours, reference's; bytes are counted, of which the dots have two more than columns
    local width=36
    [[ $1 != …* ]] || width=38
    printf "| %-${width}s | %9s | %9s | %6s |\n" "$1" "$2" "$3" "$(awk "BEGIN { printf \"%.1f\", $3 / $2 }")"
}

echo "| Linux $(uname -r | cut -d. -f1-2), $rounds rounds, medians | sublink | reference | × ours |"
echo '| --- | ---: | ---: | ---: |'
for ipam in '{}' "$host_local"; do
    json=$(config "$ipam") what='without IPAM'
    [[ $ipam == '{}' ]] || what='with host-local'
    rm -f /run/times.*
    for ((i = 0; i < rounds; i++)); do
        for plugin in "$ours" "$reference"; do
            for command in ADD DEL; do timed $command "$json" "$plugin"; done
        done
    done
    for command in ADD DEL; do
        a=$(median "/run/times.$(basename "$ours").$command") b=$(median "/run/times.$(basename $reference).$command")
        row "$command $what, ms" "$(awk "BEGIN { printf \"%.2f\", $a / 1000 }")" "$(awk "BEGIN { printf \"%.2f\", $b / 1000 }")"
    done
    declare -A count=()
    for plugin in "$ours" "$reference"; do
        for command in ADD DEL; do count[$plugin.$command]=$(calls $command "$json" "$plugin"); done
    done
    for command in ADD DEL; do
        row "$command $what, system calls" "${count[$ours.$command]}" "${count[$reference.$command]}"
    done
done
row 'size, MB' "$(stat -Lc %s "$ours" | awk '{ printf "%.2f", $1 / 1e6 }')" "$(stat -Lc %s $reference | awk '{ printf "%.2f", $1 / 1e6 }')"

# ---- Whose the processor time is ----

cpu() { # file, command...; appends microseconds of processor time to /run/cpu.FILE
    perf stat -x, -o /run/perf -e task-clock "${@:2}" </run/config >/run/answer || { cat /run/answer; exit 1; }
    awk -F, '/task-clock/ { print int($1 * 1000) }' /run/perf >>"/run/cpu.$1"
}
share() { # the median of a file, less those of others
    local sum file
    sum=$(median "/run/cpu.$1")
    for file in "${@:2}"; do sum=$((sum - $(median "/run/cpu.$file"))); done
    echo $((sum > 1 ? sum : 1))
}

if ! perf stat -e task-clock true 2>/dev/null >&2; then
    echo "no table of processor time: perf is not here, or forbidden"
    exit
fi
config '{}' >/run/config
config "$host_local" >/run/config.ipam
: >/run/nothing
echo 'link add link p0 name eth0 netns c1 type macvlan mode bridge' >/run/add
printf '%s\n' 'link set eth0 up' >/run/up
printf '%s\n' 'link delete eth0' >/run/delete
for ((i = 0; i < rounds; i++)); do
    for plugin in "$ours" "$reference"; do
        for command in ADD DEL; do CNI_COMMAND=$command cpu "$(basename "$plugin").$command" "$plugin"; done
    done
    cpu nothing ip -batch /run/nothing
    cpu nothing-inside ip -n c1 -batch /run/nothing
    cpu add ip -batch /run/add
    cpu up ip -n c1 -batch /run/up
    cpu delete ip -n c1 -batch /run/delete
    cp /run/config /run/config.plain
    cp /run/config.ipam /run/config
    for command in ADD DEL; do CNI_COMMAND=$command cpu "ipam.$command" /usr/lib/cni/host-local; done
    cp /run/config.plain /run/config
done
kernel_ADD=$(($(share add nothing) + $(share up nothing-inside)))
kernel_DEL=$(share delete nothing-inside)
echo
echo "| processor time, µs, medians of $rounds | sublink | reference | × ours |"
echo '| --- | ---: | ---: | ---: |'
for command in ADD DEL; do
    kernel=kernel_$command
    a=$(median "/run/cpu.$(basename "$ours").$command") b=$(median "/run/cpu.$(basename $reference).$command")
    row "$command without IPAM" "$a" "$b"
    row "… the kernel's work on the link (ip)" "${!kernel}" "${!kernel}"
    ipam=$(median "/run/cpu.ipam.$command")
    row "host-local $command, which both run" "$ipam" "$ipam"
done
