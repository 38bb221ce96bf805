# What the sections of tools/trust.sh that train and infer have in common; they source it. The build and the size of the
# check come from tools/trust.sh's environment or, where a section is run by itself, from SECTION BUILD_DIR [--smoke].

build=${TRUST_BUILD:-${1:-}}
[ -x "$build/bin/train_unet" ] || { echo "usage: $0 BUILD_DIR [--smoke]" >&2; exit 2; }
build=$(cd "$build" && pwd)
smoke=${TRUST_SMOKE:-0}
[ "${2:-}" = "--smoke" ] && smoke=1

# Many checkpoints are written and synced: in memory where that is possible.
scratch=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" weft_trust.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

findings=0  # of the check at hand
all_findings=0

finding() {
  findings=$((findings + 1))
  echo "finding: $*" >&2
}

# report CHECK INPUTS: ends a check with its line of the table.
report() {
  echo "$1 | $2 | $findings"
  all_findings=$((all_findings + findings))
  findings=0
}

# skipped CHECK WHY: likewise, for what can't be tried here.
skipped() { echo "$1 | none | skipped: $2"; }

# End of a section.
finish() { exit $((all_findings > 0)); }

# make_data DIR COUNT [SIZE]: photographs of people drawn by weft, with two lists; the last third is for validation.
make_data() {
  "$build/bin/make_synthetic_atr" --out "$1" --count "$2" --size "${3:-48}" --val-fraction 0.34 --threads 1 > /dev/null
}

# train DATA OUT [OPTION...]: the smallest network on pictures of 32 x 32.
train() {
  local data=$1 out=$2
  shift 2
  "${under[@]}" "$build/bin/train_unet" --data "$data" --train-list "$data/train.txt" --val-list "$data/val.txt" \
    --out "$out" --size 32 --batch 2 --lr 1e-3 --decoder-channels 16,16,8,8,8 "$@"
}
under=()  # a command that runs train_unet: (env NAME=VALUE ...)

# same_run A B: two runs' folders hold the same models, settings, samples, and metrics but for the times.
same_run() {
  local file
  for file in checkpoint.safetensors last.safetensors best.safetensors config.json; do
    cmp -s "$1/$file" "$2/$file" || { echo "$file differs"; return 1; }
  done
  diff -rq "$1/samples" "$2/samples" || return 1
  cmp -s <(sed 's/,"ms":[^,}]*//' "$1/metrics.jsonl") <(sed 's/,"ms":[^,}]*//' "$2/metrics.jsonl") ||
    { echo "metrics.jsonl differs"; return 1; }
}

# one_error FILE: stderr holds exactly one line "error: ...", and no word of a crash.
one_error() { [ "$(grep -c '^error: ' "$1")" = 1 ] && ! is_crash "$1"; }
is_crash() { grep -qiE 'terminate called|libgomp|core dumped|assert|segmentation' "$1"; }

litter() { find "$1" -name '*.tmp' | head -1; }
