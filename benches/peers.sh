#!/usr/bin/env bash
# Times swarmtrail against whatever else reads such a log, and prints a table of medians and ratios.
#
#   benches/peers.sh [-n RUNS] [-s SIZE] [-f LOG] [TOOL...]
#
#   -n RUNS   runs of each, 5 if left out
#   -s SIZE   size of the log that is made, 1G if left out
#   -f LOG    time that log (combined format, passkey in the path) instead of making one
#   TOOL      only these, by the names in the list of tools below; all that are installed if left out
#
# Machines drift, so nothing is timed in a block: each run of a tool follows a run of `swarmtrail report` with two threads,
# and its ratio is the median of those pairs. The log lies in the page cache. What is not installed is listed as such.
set -euo pipefail
export LC_ALL=C

runs=5 size=1G log=''
while getopts n:s:f:h option; do
    case $option in
        n) runs=$OPTARG ;;
        s) size=$OPTARG ;;
        f) log=$(realpath "$OPTARG") ;;
        *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
wanted=" $* "

cd "$(dirname "$0")/.."
dir=$(mktemp -d "${TMPDIR:-/tmp}/swarmtrail-peers.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# ------------------------------------------------------------------------------------------------------- what runs

echo "building" >&2
cargo build --release --quiet --bin swarmtrail --example generate
target=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
swarmtrail=$target/release/swarmtrail
baseline=$(cargo bench --no-run --bench baseline 2>&1 | sed -n 's/.*(\(.*baseline-[0-9a-f]*\))$/\1/p')

if [ -z "$log" ]; then
    log=$dir/access.log
    echo "making a log of $size" >&2
    "$target/release/examples/generate" --bytes "$size" >"$log"
fi
cat "$log" >/dev/null

# What the baseline does, as an awk user writes it. Numbers are checked: mawk takes `nan` for one.
sum_awk='
    {
        split($2, request, " ")
        path = request[2]
        query = index(path, "/announce?")
        if (!query) next
        hash = peer = up = down = ""
        count = split(substr(path, query + 10), parts, "&")
        for (i = 1; i <= count; i++) {
            at = index(parts[i], "=")
            name = substr(parts[i], 1, at - 1)
            if (name == "info_hash") hash = substr(parts[i], at + 1)
            else if (name == "peer_id") peer = substr(parts[i], at + 1)
            else if (name == "uploaded") up = substr(parts[i], at + 1)
            else if (name == "downloaded") down = substr(parts[i], at + 1)
        }
        if (up !~ /^[0-9]+$/ || down !~ /^[0-9]+$/) next
        key = substr(path, 2, query - 2) " " hash " " peer
        up += 0
        down += 0
        if (!(key in up_high)) {
            # Only now, once for each session: is it an info hash at all?
            gsub(/%../, "x", hash)
            if (length(hash) != 20) next
            up_low[key] = up_high[key] = up
            down_low[key] = down_high[key] = down
        }
        if (up < up_low[key]) up_low[key] = up
        if (up > up_high[key]) up_high[key] = up
        if (down < down_low[key]) down_low[key] = down
        if (down > down_high[key]) down_high[key] = down
    }
    END {
        for (key in up_high) {
            ups += up_high[key] - up_low[key]
            downs += down_high[key] - down_low[key]
        }
        printf "%.0f uploaded, %.0f downloaded\n", ups, downs
    }'

sum_miller='
    if (NF >= 7 && $7 =~ "^/([^/]*)/announce[?](.*)$") {
        key = "\1";
        query = splitkvx("\2", "=", "&");
        key .= " " . query["info_hash"] . " " . query["peer_id"];
        up = int(query["uploaded"]);
        down = int(query["downloaded"]);
        if (is_present(@up_high[key])) {
            @up_low[key] = min(@up_low[key], up);
            @up_high[key] = max(@up_high[key], up);
            @down_low[key] = min(@down_low[key], down);
            @down_high[key] = max(@down_high[key], down);
        } else {
            @up_low[key] = up;
            @up_high[key] = up;
            @down_low[key] = down;
            @down_high[key] = down;
        }
    }
    end {
        ups = 0;
        downs = 0;
        for (key, high in @up_high) {
            ups += high - @up_low[key];
            downs += @down_high[key] - @down_low[key];
        }
        print ups . " uploaded, " . downs . " downloaded";
    }'

sum_agrind='"/announce?"
    | parse "GET /*/announce?" as passkey
    | parse "info_hash=*&" as info_hash | parse "peer_id=*&" as peer_id
    | parse "uploaded=*&" as uploaded | parse "downloaded=*&" as downloaded
    | max(uploaded) as up_high, min(uploaded) as up_low, max(downloaded) as down_high, min(downloaded) as down_low
      by passkey, info_hash, peer_id'

sum_chdb='
import sys, chdb
print(chdb.query(f"""
    SELECT sum(up), sum(down) FROM (
        SELECT max(u) - min(u) AS up, max(d) - min(d) AS down FROM (
            SELECT substring(line, position(line, $$"GET /$$) + 6, 32) AS passkey,
                extractURLParameter(line, $$info_hash$$) AS info_hash, extractURLParameter(line, $$peer_id$$) AS peer_id,
                toUInt64OrZero(extractURLParameter(line, $$uploaded$$)) AS u,
                toUInt64OrZero(extractURLParameter(line, $$downloaded$$)) AS d
            FROM file($${sys.argv[1]}$$, $$LineAsString$$, $$line String$$)
            WHERE position(line, $$/announce?$$) > 0)
        GROUP BY passkey, info_hash, peer_id)
    SETTINGS max_threads = 2""", "CSV"))'

goaccess_jobs=
goaccess --help 2>/dev/null | grep -q -- --jobs && goaccess_jobs=--jobs=2

# A function each; the name in the table stands behind it in `tools`.
run_report()      { "$swarmtrail" report --threads 2 "$log"; }
run_report_1()    { "$swarmtrail" report --threads 1 "$log"; }
run_report_json() { "$swarmtrail" report --threads 2 -o json "$log" >"$dir/report.json"; }
run_report_pipe() { cat "$log" | "$swarmtrail" report --threads 2; }
run_baseline()    { "$baseline" "$log" 2; }
run_baseline_1()  { "$baseline" "$log" 1; }
run_wc()          { wc -l "$log"; }
# Through a pipe: grep -c stops at the first match if it sees that its output is /dev/null.
run_grep()        { grep -a -c '/announce?' "$log" | cat; }
run_mawk()        { mawk -F '"' "$sum_awk" "$log"; }
run_chdb()        { python3 -c "$sum_chdb" "$log"; }
run_agrind()      { agrind -f "$log" "$sum_agrind"; }
run_goaccess()    {
    goaccess "$log" --log-format=COMBINED --no-global-config --no-progress $goaccess_jobs -o "$dir/report.html"
}
run_miller()      { mlr --inidx --ifs space --onidx put -q "$sum_miller" "$log"; }

tools=(
    'report_1|swarmtrail report, 1 thread'
    'report_json|swarmtrail report -o json to a file, 2 threads'
    'report_pipe|cat \| swarmtrail report, 2 threads'
    'baseline|baseline: a sum per session, 2 threads'
    'baseline_1|baseline: a sum per session, 1 thread'
    'wc|wc -l'
    'grep|grep -c'
    'chdb|chDB: the same sum, 2 threads'
    'mawk|mawk: the same sum'
    'agrind|angle-grinder: the same sum'
    'goaccess|GoAccess: its HTML report'
    'miller|Miller: the same sum'
)

installed() {
    case $1 in
        chdb) python3 -c 'import chdb' 2>/dev/null ;;
        miller) command -v mlr >/dev/null ;;
        wc | grep | mawk | agrind | goaccess) command -v "$1" >/dev/null ;;
    esac
}

# ------------------------------------------------------------------------------------------------------ measuring

# Runs a tool and appends its seconds to a file.
clock() {
    local from=$EPOCHREALTIME to
    "run_$1" >"$dir/$1.out" 2>"$dir/$1.err" || echo "$1 failed: $(tail -n 1 "$dir/$1.err")" >&2
    to=$EPOCHREALTIME
    printf '%d.%06d\n' $(((${to/./} - ${from/./}) / 1000000)) $(((${to/./} - ${from/./}) % 1000000)) >>"$2"
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%.'"$2"'f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# The largest amount of memory that a command held, in MiB.
peak() {
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -f %M -o "$dir/peak" "$@" >/dev/null 2>&1
        awk '{ printf "%.0f MiB", $1 / 1024 }' "$dir/peak"
    else
        python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MiB")' "$@" 2>/dev/null || echo unknown
    fi
}

present=() absent=()
for tool in "${tools[@]}"; do
    name=${tool%%|*}
    if [ "$wanted" != '  ' ] && [[ $wanted != *" $name "* ]]; then continue; fi
    if installed "$name"; then present+=("$tool"); else absent+=("$tool"); fi
done

# The first run of each warms what is to be warmed.
echo "warming up" >&2
clock report /dev/null
for tool in "${present[@]}"; do clock "${tool%%|*}" /dev/null; done
for ((run = 1; run <= runs; run++)); do
    echo "run $run of $runs" >&2
    for tool in "${present[@]}"; do
        name=${tool%%|*}
        clock report "$dir/$name.ours"
        clock "$name" "$dir/$name.theirs"
    done
done

# ------------------------------------------------------------------------------------------------------ the table

bytes=$(wc -c <"$log")
echo
echo "$(awk "BEGIN { printf \"%.2f\", $bytes / 1e9 }") GB, $(wc -l <"$log") lines; $(nproc) cores," \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1); median of $runs"
echo
echo '| | seconds | MB/s | against `report`, 2 threads |'
echo '| --- | --- | --- | --- |'
row() {
    echo "| $1 | $2 | $(awk "BEGIN { printf \"%.0f\", $bytes / 1e6 / $2 }") | $3 |"
}
if [ ${#present[@]} -gt 0 ]; then
    cat "$dir"/*.ours >"$dir/ours"
    row '**swarmtrail report, 2 threads**' "$(median "$dir/ours" 3)" 1
fi
for tool in "${present[@]}"; do
    name=${tool%%|*}
    paste "$dir/$name.theirs" "$dir/$name.ours" | awk '{ print $1 / $2 }' >"$dir/ratios"
    row "${tool#*|}" "$(median "$dir/$name.theirs" 3)" "$(median "$dir/ratios" 2)"
done
for tool in "${absent[@]}"; do echo "| ${tool#*|} | not installed | | |"; done

echo
echo "Peak memory of swarmtrail report: $(peak "$swarmtrail" report --threads 1 "$log") with 1 thread," \
    "$(peak "$swarmtrail" report --threads 2 "$log") with 2"
echo
echo "What the sums say:"
for name in baseline baseline_1 mawk miller chdb; do
    [ ! -s "$dir/$name.out" ] || echo "  $name: $(head -n 1 "$dir/$name.out")"
done
