# Reads libFuzzer's merge control file, and prints the files that together reach most: in each round the one that reaches most
# that none before it does, until `most` files are named or nothing is new.
NR == 1 { files = $1 + 2 }
NR > 2 && NR <= files { name[NR - 3] = $0 }
$1 == "FT" { for (at = 3; at <= NF; at++) reaches[$2] = reaches[$2] " " $at }
END {
    for (round = 0; round < most; round++) {
        best = ""; best_new = 0
        for (id in reaches) {
            count = split(reaches[id], all, " "); fresh = ""; new = 0
            for (at = 1; at <= count; at++) if (!(all[at] in reached)) { fresh = fresh " " all[at]; new++ }
            reaches[id] = fresh
            if (new > best_new) { best = id; best_new = new }
        }
        if (best == "") exit
        print name[best]
        count = split(reaches[best], all, " ")
        for (at = 1; at <= count; at++) reached[all[at]]
    }
}
