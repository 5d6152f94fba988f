#!/usr/bin/env bash
# Run the tests against real kernels: the running one and, in QEMU guests, others.
#
#   ./netns-test.sh [all [TESTNAME]]          the running kernel, then the guests 6.1 and 6.12
#   ./netns-test.sh host [TESTNAME]           the running kernel only
#   ./netns-test.sh guest VERSION [TESTNAME]  a guest with Debian's cloud kernel of that version
#   ./netns-test.sh guest FOLDER [TESTNAME]   a guest with the vmlinuz* and modules below FOLDER
#
# TESTNAME is libtest's name filter, given to every test binary. Flags may stand anywhere:
#
#   --install      as root on Debian: install QEMU, podman, containerd and other tools, fetch the guest kernels;
#                  stops after that unless more arguments are given
#   --strict       a skipped test is a failure, unless its kernel cannot have what the test needs: then
#                  the reason begins with `this kernel`
#   -v, --verbose  name every skipped test
#   -h, --help     this text
#
# Needs no root. On the host each test binary gets fresh namespaces (for an ordinary user, inside
# a user namespace), so the host's own links cannot be touched. Guests are emulated, without KVM.
# Their kernels are fetched once, into ${SUBLINK_GUESTS:-${XDG_CACHE_HOME:-~/.cache}/sublink-guests};
# delete a folder there to renew it. Suites that need no kernel run on the host only, where the
# compiler and the kernel's headers are too.
#
# In a guest with Linux 6.1, the suites `detached`, `network` and `rules`, and the tests of `attach` that lose
# answers, run once more with small socket buffers: sockets there send and receive at most 32 KiB, and
# `small-NAME` is the suite's name then.
#
# SUBLINK_LIMIT is the time limit, in seconds, of one guest and of one suite on the host. Without it
# the limit is 1200 s on an idle machine and grows with the load: it is 1200 s times one more than the
# load average per processor, 2400 s at most. What runs, and its limit, is printed before it starts.
#
# The last line is always `N passed, N failed, N skipped`.
# Exit code: 0 all well, 1 a failure, 2 wrong usage.

set -euo pipefail
umask 022
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin" # ordinary users often lack sbin, where ip and tc are

readonly guest_versions=(6.1 6.12)
# Examples that are suites too, of one test each: they need no arguments, and fail if anything is amiss.
readonly examples=(quickstart attach)
# Suites that need no kernel of a certain version: they work on bytes, or ask the headers.
readonly host_only=(lib fixtures headers hostile layers packet_route)
# Suites that run once more with small socket buffers, in bytes, in guests with this kernel; =TESTNAME: a part.
readonly small_suites=(detached network rules attach=traced) small_buffer=32768 small_version=6.1
# The container runtimes of the suite `runtimes`, and what its script needs besides busybox and ip.
readonly runtimes=(bash podman crun conmon containerd ctr runc containerd-shim-runc-v2)
# In load order: each after those it needs.
readonly modules=(llc stp garp mrp 8021q dummy veth macvlan tap macvtap tun bridge ipvlan ifb vrf tls bonding team
    udp_tunnel ip6_udp_tunnel vxlan tunnel4 tunnel6 xfrm6_tunnel xfrm_interface)
home=$HOME
# Under sudo, what is installed is for the user who called it.
[[ $EUID != 0 || -z ${SUDO_USER:-} ]] || home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
cache=${SUBLINK_GUESTS:-${XDG_CACHE_HOME:-$home/.cache}/sublink-guests}
strict=false verbose=false filter='' tmp='' host_lack='' guest_lack=''
passed=0 failed=0 skipped=0
avoidable=0            # skipped, though the kernel could have run them
suites=()              # in the order in which they run
guest_suites=()        # those of them that also run in guests
children=()            # processes to end with this one
declare -A executable  # suite -> path
declare -A kernel_lack # version -> why there is no such kernel

# New network and mount namespaces. /run gets empty, since named network namespaces are files in
# /run/netns; /sys is mounted anew to show the new namespace's links. Where these mounts are
# forbidden, the network namespace still is a new one.
# shellcheck disable=SC2016 # "$@" is for the inner shell
readonly own_mounts='{ mount -t tmpfs run /run; mount -t sysfs sys /sys; } 2>/dev/null; exec "$@"'
fresh_namespaces=(unshare "$([[ $EUID == 0 ]] && echo -nm || echo -Urnm)" sh -c "$own_mounts" sh)

have() { command -v "$1" >/dev/null; }
indent() { sed 's/^/    /'; }
usage_error() { echo "netns-test.sh: $* (see --help)" >&2; exit 2; }

# shellcheck disable=SC2317 # it is called, by the trap
clean_up() {
    ((!${#children[@]})) || kill "${children[@]}" 2>/dev/null || true
    rm -rf "$tmp" "$cache/.new.$$"
}

# Starts a command in the background, since bash acts on signals only between foreground commands.
# `timeout` leads a process group of its own, so whatever a test has left running can be ended with it.
start_limited() { # seconds, command...
    timeout --kill-after=5 "$@" &
    children+=("$!")
}

# Waits for what was started as the first of those that still run, or as the only one.
wait_limited() {
    local code=0 child=${children[0]}
    wait "$child" || code=$?
    kill -- "-$child" 2>/dev/null || true
    children=("${children[@]:1}")
    return $code
}

time_limit() {
    local load limit
    read -r load _ </proc/loadavg
    limit=$((1200 + 1200 * ${load%.*} / $(nproc)))
    echo "${SUBLINK_LIMIT:-$((limit < 2400 ? limit : 2400))}"
}

# ---- What is needed ----

install_everything() {
    local version why
    if [[ $EUID != 0 ]] || ! have apt-get; then usage_error "--install needs root and apt-get"; fi
    apt-get -q update || echo "apt-get update failed: going on with the package lists at hand" >&2
    apt-get -qy install --no-install-recommends qemu-system-x86 busybox-static cpio xz-utils zstd \
        iproute2 util-linux binutils valgrind strace gcc libc6-dev containernetworking-plugins
    # Not where Docker's own packages would have to go for them. Without them, the suite `runtimes` is skipped.
    apt-get -qy install --no-install-recommends --no-remove podman crun conmon containerd runc ||
        echo "apt-get has not installed podman and containerd: going on without them" >&2
    for version in "${guest_versions[@]}"; do
        why=$(get_kernel "$version")
        [[ -z $why ]] || { echo "guest kernel $version: $why" >&2; exit 1; }
    done
    if [[ $home != "$HOME" && $cache == "$home"/* ]]; then
        chown "$SUDO_USER:" "${cache%/*}"
        chown -R "$SUDO_USER:" "$cache"
    fi
}

kernel_image() { { find -L "$1" -name 'vmlinuz*' -type f 2>/dev/null || true; } | sort -V | tail -n 1; }

# Fetches the kernel unless it is cached; prints the reason if that fails. The dependency of a meta
# package tells which kernel it stands for: the unversioned name means the release's own kernel.
get_kernel() {
    local version=$1 new=$cache/.new.$$ meta package='' other=''
    [[ -z $(kernel_image "$cache/$version") ]] || return 0
    have apt-get || { echo "no apt-get here to fetch it with"; return; }
    for meta in "linux-image-$version-cloud-amd64" linux-image-cloud-amd64; do
        package=$(apt-cache depends "$meta" 2>/dev/null |
            sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p') || true
        [[ $package != "linux-image-$version."* ]] || break
        [[ -z $package ]] || other="this distribution's $meta is $package"
        package=''
    done
    [[ -n $package ]] || { echo "${other:-apt knows no such package (apt-get update?)}"; return; }
    echo "fetching $package into $cache/$version" >&2
    mkdir -p "$new/kernel/lib"
    # Renamed when whole: the cache never holds half a kernel.
    if (cd "$new" && apt-get -q download "$package" && dpkg-deb -x ./*.deb . &&
        mv boot/vmlinuz* kernel/ && mv lib/modules kernel/lib/ &&
        rm -rf "${cache:?}/$version" && mv kernel "$cache/$version") >"$tmp/log" 2>&1; then
        rm -rf "$new"
    else
        indent <"$tmp/log" >&2
        rm -rf "$new"
        echo "fetching $package failed"
    fi
}

need() { # tool, package, the variable which tells why its suites cannot run
    if have "$1"; then
        needs+=" $1 ok,"
    else
        needs+=" $1 LACKING," lacks+="lacks: $1 (package $2)"$'\n'
        printf -v "$3" '%s' "no $1 here"
    fi
}

# Says what this run needs, what of it is lacking, and what is skipped because of that.
check_needs() { # whether the host's suites run, guests...
    local on_host=$1 needs='needs:' lacks='' guest no_cargo='' no_ip=''
    shift
    need cargo cargo no_cargo
    need ip iproute2 no_ip
    host_lack=$no_ip guest_lack=$no_ip
    if $on_host; then
        need unshare util-linux host_lack
        # Setting lo up: on some systems user namespaces exist but give no capabilities.
        if [[ -z $host_lack ]] && ! "${fresh_namespaces[@]}" ip link set lo up >"$tmp/log" 2>&1; then
            host_lack="user namespaces are forbidden here"
            [[ $EUID != 0 ]] || host_lack="root may not make namespaces here"
            host_lack+=" ($(tail -n 1 "$tmp/log"))" lacks+="lacks: $host_lack"$'\n'
        fi
    fi
    if (($#)); then
        need qemu-system-x86_64 qemu-system-x86 guest_lack
        need busybox busybox-static guest_lack
        need cpio cpio guest_lack
        need xz xz-utils guest_lack
        [[ $(uname -m) == x86_64 ]] || guest_lack="guests are x86_64, this machine is $(uname -m)"
    fi
    for guest; do
        [[ $guest != */* ]] || continue # a folder brings its own
        kernel_lack[$guest]=$(get_kernel "$guest")
        needs+=" kernel $guest $([[ ${kernel_lack[$guest]} ]] && echo LACKING || echo ok),"
        [[ -z ${kernel_lack[$guest]} ]] || lacks+="lacks: kernel $guest: ${kernel_lack[$guest]}"$'\n'
    done
    printf '%s\n%s' "${needs%,}" "$lacks"
    [[ -z $lacks ]] || echo "On Debian: \`./netns-test.sh --install\` as root (except cargo: see https://rustup.rs)"
    ! $on_host || [[ -z $host_lack ]] || echo "skipped for that: all suites on the host"
    ((!$#)) || [[ -z $guest_lack ]] || echo "skipped for that: all guests"
    [[ -z $no_cargo ]] || { failed=1; finish; }
}

# ---- Building ----

build_everything() {
    local json=--message-format=json-render-diagnostics kind name path example
    echo "building all packages of the workspace"
    if ! cargo test --workspace --no-run $json >"$tmp/built"; then
        failed=1
        finish
    fi
    while IFS=$'\t' read -r kind name path; do
        [[ $kind != 'lib true' ]] || name=lib
        [[ $kind != example* ]] || name=example-$name # a test may have the name too
        [[ $kind != *true ]] || suites+=("$name")
        executable[$name]=$path
    done < <(list_executables <"$tmp/built" | sort -u)
    for example in "${examples[@]/#/example-}"; do
        [[ -v executable[$example] ]] || { echo "failed: no $example"; failed=1; continue; }
        # It holds no tests to filter: its own name has to match.
        [[ $example != *"$filter"* ]] || suites+=("$example")
    done
    for name in "${suites[@]}"; do
        [[ " ${host_only[*]} " == *" $name "* ]] || guest_suites+=("$name")
    done
}

# Cargo writes one JSON object per line and artifact, its keys in a fixed order.
list_executables() {
    local target='"target":\{"kind":\["([a-z]+)".*"name":"([^"]+)","src_path"'
    local profile='"profile":\{[^}]*"test":(true|false)\}'
    sed -En "/compiler-artifact/ s/.*$target.*$profile.*\"executable\":\"([^\"]+)\".*/\1 \3\t\2\t\4/p"
}

# ---- Reporting ----

print_row() { # place, suite, passed, failed, skipped, seconds
    printf '%-15s  %-18s  passed %-4d failed %-3d skipped %-3d %6s s\n' "$@"
    passed=$((passed + $3)) failed=$((failed + $4)) skipped=$((skipped + $5))
}

skip_suites() { # place, reason, suites...
    print_row "$1" '(all)' 0 0 $(($# - 2)) -
    avoidable=$((avoidable + $# - 2))
    echo "    skipped: $(($# - 2)) suites: $2"
}

report_suite() { # place, suite, output, exit code, seconds, what is known about its end
    local suite=$2 output=$3 why="${6:-exit code $4}" ok=0 bad=0 ignored=0 counts
    # Doc tests end with several results, to be added up. Elsewhere the last one counts: a test that
    # runs its own binary again may have printed others.
    counts=$(awk -F '[ .;]+' -v "add=$([[ $suite != doc ]] || echo 1)" '
        /^test result: / { seen = 1; if (!add) p = f = s = 0; p += $4; f += $6; s += $8 }
        END { if (seen) print p + 0, f + 0, s + 0 }' "$output")
    if [[ $suite == example-* ]]; then
        counts="$(($4 == 0)) $(($4 != 0)) 0"
    elif [[ -z $counts ]]; then
        counts='0 1 0' why="no \`test result:\` line; $why"
    fi
    read -r ok bad ignored <<<"$counts"
    ((bad || $4 == 0)) || bad=1
    [[ -z $filter ]] || ((ok + bad + ignored)) || return 0
    print_row "$1" "$suite" "$ok" "$bad" "$ignored" "$5"
    list_skipped_tests <"$output" | indent
    avoidable=$((avoidable + $(grep -cE "$not_run" "$output" || true) - $(grep -cE "$unavoidable" "$output" || true)))
    if ((bad)); then
        echo "failed: $why" | indent
        if grep -q 'a scoped thread panicked' "$output"; then # the test's own line does not say with what
            grep -A 3 "^thread '.*panicked at" "$output" | head -n 40 | indent
        fi
        if grep -q '^failures:$' "$output"; then
            sed -n '/^failures:$/,$p' "$output"
        else
            tail -n 40 "$output"
        fi | indent
    fi
}

# Lines of tests that did not run, and of those among them whose kernel cannot have what they need.
readonly not_run='^test .* \.\.\. ignored' unavoidable='^test .* \.\.\. ignored(, | \()this kernel'

# Groups `test NAME ... ignored, REASON` (libtest) and `... ignored (REASON)` (libtest-mimic).
list_skipped_tests() {
    awk -v "verbose=$verbose" -v "strict=$strict" '
        /^test .* \.\.\. ignored/ {
            name = why = $0
            gsub(/^test | *\.\.\. ignored.*$/, "", name)
            sub(/^.* \.\.\. ignored(, )?/, "", why)
            if (why ~ /^ \(.*\)$/) why = substr(why, 3, length(why) - 3)
            if (!count[why]++) reasons[++n] = why
            names[why] = names[why] "\n    " name
            only[why] = name
        }
        END {
            for (i = 1; i <= n; i++) {
                why = reasons[i]
                what = count[why] > 1 ? count[why] " tests" : only[why]
                list = count[why] > 1 && verbose == "true" ? names[why] : ""
                bad = strict == "true" && why !~ /^this kernel/ ? "skipped without need: " : "skipped: "
                print bad what ": " (why == "" ? "no reason given" : why) list
            }
        }'
}

finish() {
    if [[ -n $filter ]] && ((passed + failed + skipped == 0)); then
        echo "no test matches '$filter'"
        failed=1
    fi
    ! $strict || ((!avoidable)) || echo "failed: $avoidable tests were skipped that this kernel could have run"
    echo "$passed passed, $failed failed, $skipped skipped"
    if ((failed)) || { $strict && ((avoidable)); }; then exit 1; fi
    exit 0
}

# Debian's `uname -r` hides the stable version (6.1.0-56-cloud-amd64), its `uname -v` tells it.
kernel_version() {
    [[ $2 =~ Debian\ ([0-9.]+) || $1 =~ ^([0-9.]+(-rc[0-9]+)?) ]] && echo "${BASH_REMATCH[1]}"
}

# ---- On the host ----

run_host() {
    local place suite
    place="host $(kernel_version "$(uname -r)" "$(uname -v)")"
    if [[ -n $host_lack ]]; then
        skip_suites "$place" "$host_lack" "${suites[@]}" doc
        return
    fi
    echo "$place: $((${#suites[@]} + 1)) suites, each at most $(time_limit) s"
    for suite in "${suites[@]}"; do
        set -- --color never ${filter:+"$filter"}
        [[ $suite != example-* ]] || set --
        run_host_suite "$place" "$suite" "${executable[$suite]}" "$@"
    done
    # --offline: in there is no network, and the build has fetched everything.
    run_host_suite "$place" doc \
        cargo --offline --color never test --workspace --doc -- --color never ${filter:+"$filter"}
}

run_host_suite() { # place, suite, command...
    local code=0 ending='' start=${EPOCHREALTIME/./} time limit
    limit=$(time_limit)
    start_limited "$limit" "${fresh_namespaces[@]}" "${@:3}" >"$tmp/output" 2>&1
    wait_limited || code=$?
    time=$(((${EPOCHREALTIME/./} - start) / 100000))
    ((code != 124)) || ending="stopped at the time limit of $limit s"
    report_suite "$1" "$2" "$tmp/output" $code "$((time / 10)).$((time % 10))" "$ending"
}

# ---- In guests ----

# As many at a time as there are processors, since a guest rarely keeps more than one busy. Reports
# are in the order of the arguments.
run_guests() { # versions, or folders with a slash in their names
    local guest why running=()
    ((${#guest_suites[@]})) || return 0
    for guest; do
        why=${guest_lack:-${kernel_lack[$guest]:-}}
        if [[ -n $why ]]; then
            skip_suites "guest ${guest##*/}" "$why" "${guest_suites[@]}"
            continue
        fi
        if ((${#running[@]} >= $(nproc))); then
            report_guest "${running[0]}"
            running=("${running[@]:1}")
        fi
        start_guest "$guest"
        running+=("$guest")
    done
    for guest in "${running[@]}"; do
        report_guest "$guest"
    done
}

start_guest() { # version or folder
    local dir=$tmp/guest-${1##*/} folder=$cache/$1 limit
    [[ $1 != */* ]] || folder=$1
    mkdir "$dir"
    [[ -d $tmp/root ]] || make_guest_root "$tmp/root"
    pack_initramfs "$folder" "$tmp/root" >"$dir/initramfs"
    limit=$(time_limit)
    echo "guest ${1##*/}: ${#guest_suites[@]} suites, all together at most $limit s"
    boot_guest "$(kernel_image "$folder")" "$dir" "$limit"
}

report_guest() { # version or folder; the first of those that run
    local place="guest ${1##*/}" dir=$tmp/guest-${1##*/} code=0 ending='' suite release version end why
    wait_limited || code=$?
    tidy_output "$dir"
    ((code == 0)) || ending="QEMU's exit code was $code; "
    ((code != 124)) || ending="stopped at the time limit; "
    read -r release version < <(sed -n "s/^$mark booted //p" "$dir/results") || true
    if [[ -z $release ]]; then
        print_row "$place" '(boot)' 0 1 0 -
        echo "failed: it did not boot; ${ending}its console:" | indent
        cat "$dir/qemu" "$dir/console" | tail -n 40 | indent
        return
    fi
    place="guest $(kernel_version "$release" "$version")"
    { grep '^insmod: ' "$dir/results" || true; } | indent # modules of another kernel, perhaps
    mkdir "$dir/suites"
    awk -v "mark=$mark" -v "dir=$dir/suites/" '
        $1 == mark && $2 == "begin" { suite = $3; start = $4; printf "" >(dir suite); next }
        $1 == mark && $2 == "end" { printf "%d %.1f\n", $4, $5 - start >(dir suite ".end"); suite = "" }
        suite { print >(dir suite) }' "$dir/results"
    local ran=("${guest_suites[@]}") small
    if [[ $release == "$small_version."* ]]; then
        for small in "${small_suites[@]%%=*}"; do
            [[ " ${guest_suites[*]} " != *" $small "* ]] || ran+=("small-$small")
        done
    fi
    for suite in "${ran[@]}"; do
        end='1 -' why=''
        if [[ -e $dir/suites/$suite.end ]]; then
            end=$(<"$dir/suites/$suite.end")
        else
            why="${ending}the guest ended before this suite did"
            [[ -e $dir/suites/$suite ]] || why="the guest ended before this suite began"
        fi
        touch "$dir/suites/$suite"
        report_suite "$place" "$suite" "$dir/suites/$suite" "${end% *}" "${end#* }" "$why"
    done
    report_kernel_trouble "$place" "$dir/console"
}

make_guest_root() { # folder to make
    local root=$1 program suite
    mkdir -p "$root"/{bin,dev,etc,opt,proc,root,run,sys,tmp,usr/lib/cni,var/lib,var/tmp,suites,modules}
    ln -s /bin "$root/sbin"
    ln -s /bin /sbin "$root/usr/"
    ln -s /run "$root/var/"
    printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/sh >"$root/etc/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
    # Debian's busybox sh and unshare would run busybox's own ip, whatever PATH says.
    for program in busybox sh unshare nsenter prlimit ip tc bridge strace "${runtimes[@]}"; do
        ! have $program || copy_with_libraries "$(type -P $program)" "$root" "bin/$program"
    done
    for program in usr/lib/cni/{host-local,macvlan}; do
        [[ ! -x /$program ]] || copy_with_libraries "/$program" "$root" "$program"
    done
    for suite in "${guest_suites[@]}"; do
        copy_with_libraries "${executable[$suite]}" "$root" "suites/$suite"
    done
    mark="@@netns-test-$$-$RANDOM" # a line no test prints
    printf '%s\n' "mark=$mark" "suites='${guest_suites[*]}'" "modules='${modules[*]}'" \
        "filter=${filter@Q}" "own_mounts=${own_mounts@Q}" "small_suites='${small_suites[*]}'" \
        "small_buffer=$small_buffer" "small_version=$small_version" >"$root/config"
    print_init >"$root/init"
    chmod 755 "$root/init"
}

copy_with_libraries() { # file, root, path in there
    local library
    # Without debug information, as all of it has to fit into the guest's memory.
    strip --strip-debug -o "$2/$3" "$1" 2>/dev/null || cp -L "$1" "$2/$3"
    chmod 755 "$2/$3"
    # ldd prints `name => /path (address)`, and for the ELF interpreter `/path (address)`.
    for library in $(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+'); do
        mkdir -p "$2${library%/*}"
        cp -Lu "$library" "$2$library"
    done
}

pack_initramfs() { # folder with the modules, root; writes it to standard output
    local module file
    rm -f "$2"/modules/*
    for module in "${modules[@]}"; do
        file=$(find -L "$1" -name "$module.ko" -o -name "$module.ko.*" | sort | tail -n 1)
        case $file in # none: built in, or not in this kernel
        *.ko) cp "$file" "$2/modules/" ;;
        *.xz) xz -dc "$file" >"$2/modules/$module.ko" ;;
        *.gz) gzip -dc "$file" >"$2/modules/$module.ko" ;;
        *.zst) zstd -qdc "$file" >"$2/modules/$module.ko" ;;
        esac
    done
    # Not compressed: an emulated machine reads faster than it unpacks.
    (cd "$2" && find . | cpio -o -H newc -R 0:0 --quiet)
}

print_init() {
    cat <<'INIT'
#!/bin/busybox sh
export PATH=/sbin:/bin HOME=/root TMPDIR=/tmp
/bin/busybox --install -s /bin 2>/dev/null # replaces nothing: ip stays the real one
. /config
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs run /run
hostname guest
# A second serial port for the tests, so that kernel messages cannot land inside their lines.
[ -c /dev/ttyS1 ] && exec >/dev/ttyS1 2>&1 || exec >/dev/console 2>&1
exec </dev/null
echo "$mark booted $(uname -r) $(uname -v)"
for module in $modules; do
    [ ! -f /modules/$module.ko ] || insmod /modules/$module.ko
done
echo 5 >/proc/sys/kernel/printk # a quiet boot is faster, but warnings matter from here on
case $(uname -r) in "$small_version".*)
    for part in $small_suites; do
        suite=${part%%=*}
        if [ -f /suites/$suite ]; then
            ln -s $suite /suites/small-$suite
            suites="$suites small-$part"
        fi
    done ;;
esac
for part in $suites; do
    suite=${part%%=*} only=$filter
    [ "$part" = "$suite" ] || only=${filter:-${part#*=}}
    case $suite in small-*) # the largest first, and the default below it
        for size in rmem_max rmem_default wmem_max wmem_default; do echo $small_buffer >/proc/sys/net/core/$size; done ;;
    esac
    echo "== suite $suite" >/dev/console
    set -- --color never ${only:+"$only"}
    case $suite in example-*) set -- ;; esac
    read -r uptime _ </proc/uptime
    echo "$mark begin $suite $uptime"
    unshare -n -m sh -c "$own_mounts" sh /suites/$suite "$@" # as on the host
    code=$?
    read -r uptime _ </proc/uptime
    echo
    echo "$mark end $suite $code $uptime"
done
exec >/dev/null 2>&1 # closing the port waits until everything is sent
reboot -f            # ends QEMU, because of -no-reboot
INIT
}

# Two serial ports: what the kernel prints goes to console.raw, what the tests print to results.raw.
boot_guest() { # kernel image, folder with the initramfs, time limit
    : >"$2/console.raw"
    : >"$2/results.raw"
    # mitigations=off: nothing to protect, and faster. no_timer_check: an emulated timer can be late. The watchdogs get time: on a
    # busy machine an emulated processor may stand still for longer than the 20 and 30 seconds after which they print `BUG:`.
    start_limited "$3" qemu-system-x86_64 -accel tcg,thread=multi -m 2G -smp 2 -nographic -monitor none \
        -no-reboot -nic none -serial "file:$2/console.raw" -serial "file:$2/results.raw" \
        -append "console=ttyS0 panic=-1 quiet mitigations=off no_timer_check watchdog_thresh=60 workqueue.watchdog_thresh=120" \
        -kernel "$1" -initrd "$2/initramfs" >"$2/qemu" 2>&1
}

tidy_output() { # folder of a guest that has ended
    # The firmware's escape sequences would clear the reader's screen.
    sed 's/\x1b\[[0-9;?=]*[a-zA-Z]//g; s/\x1bc//g; s/\r//g' "$1/console.raw" >"$1/console"
    tr -d '\r' <"$1/results.raw" >"$1/results"
    [[ -s $1/results ]] || cp "$1/console" "$1/results" # a kernel with one serial port
}

report_kernel_trouble() { # place, console
    local trouble='BUG:|Oops|Kernel panic|general protection|cut here' # the last: a WARNING
    grep -qE "$trouble" "$2" || return 0
    print_row "$1" '(kernel)' 0 1 0 -
    # From the suite in which it began. The cause is at the start: 60 lines are enough.
    awk -v "trouble=$trouble" '
        /^== suite / && !found { held = "" }
        { held = held $0 "\n" }
        $0 ~ trouble { found = 1 }
        END { printf "%s", held }' "$2" | sed -n 1,60p | indent
}

# ---- All of it ----

main() {
    local words=() on_host=true guests=("${guest_versions[@]}") install=false word guest
    for word; do
        case $word in
        --install) install=true ;;
        --strict) strict=true ;;
        -v | --verbose) verbose=true ;;
        -h | --help) sed -n '2,/^$/ s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
        -*) usage_error "unknown flag $word" ;;
        *) words+=("$word") ;;
        esac
    done
    case ${words[0]:-all} in
    all) words=("${words[@]:1}") ;;
    host) words=("${words[@]:1}") guests=() ;;
    guest)
        guest=${words[1]:-}
        if [[ ! $guest =~ ^[0-9]+\.[0-9]+$ ]]; then
            [[ -d $guest && -n $(kernel_image "$guest") ]] || usage_error "no vmlinuz* below '$guest'"
            guest=$(realpath "$guest")
        fi
        words=("${words[@]:2}") on_host=false guests=("$guest")
        ;;
    *) usage_error "unknown sub-command ${words[0]}" ;;
    esac
    ((${#words[@]} <= 1)) || usage_error "one TESTNAME only"
    filter=${words[0]:-}

    cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
    tmp=$(mktemp -d)
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if $install; then
        install_everything
        (($# > 1)) || exit 0
    fi
    check_needs $on_host "${guests[@]}"
    build_everything
    ! $on_host || run_host
    run_guests "${guests[@]}"
    finish
}

main "$@"
