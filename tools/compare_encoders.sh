#!/usr/bin/env bash
# The switch of encoders, re-run: each is trained alike, then judged and timed. Prints a markdown table.
#   tools/compare_encoders.sh DATA WEIGHTS OUT [SIZE [EPOCHS]]
# DATA: a folder in CCP's layout with train.txt and val.txt. WEIGHTS: a folder with ENCODER-imagenet*.safetensors; what such
# a file lacks, or an encoder without a file, starts from random values, and the table says so.
set -euo pipefail
if [ $# -lt 3 ]; then
  echo "usage: $0 DATA WEIGHTS OUT [SIZE [EPOCHS]]" >&2
  exit 2
fi
data=$1 weights=$2 out=$3 size=${4:-256} epochs=${5:-3}
bin=${WEFT_BIN:-$(dirname "$0")/../build/bin}
mkdir -p "$out"
photograph=$(find "$data/JPEGImages" -name "$(head -n 1 "$data/val.txt").*" | head -n 1)

# The shortest of five runs from the start of the process to the mask on disk, in ms.
whole_process() {
  local best=999999 start ms
  for _ in 1 2 3 4 5; do
    start=$(date +%s%N)
    "$bin/infer_unet" --model "$1" --size 512 "$photograph" -o "$out/mask.png" 2>/dev/null >&2
    ms=$((($(date +%s%N) - start) / 1000000))
    if [ "$ms" -lt "$best" ]; then best=$ms; fi
  done
  echo "$best"
}

# One number out of bench_unet's line of json.
field() { sed -E "s/.*\"$1\": ?([0-9.]+).*/\1/"; }

echo "Trained at ${size}x${size} for $epochs epochs of $(wc -l <"$data/train.txt") pictures, batches of 4; timed at 512x512."
echo
echo "| encoder | starts from | file MB | mIoU | one photograph, whole process, ms | network ms | training step of 4, ms | its peak MB |"
echo "|---|---|---|---|---|---|---|---|"
for arch in mobilenet_v2 resnet18 resnet34; do
  file=$(find "$weights" -name "$arch-imagenet*.safetensors" | head -n 1)
  start="ImageNet"
  case $file in
    *-to-*) start="ImageNet up to $(basename "$file" .safetensors | sed 's/.*-to-//'), random beyond" ;;
    "") start="random values" ;;
  esac
  "$bin/train_unet" --data "$data" --labels ccp --train-list "$data/train.txt" --val-list "$data/val.txt" --arch "$arch" \
    --encoder-weights "${file:-none}" --allow-missing-encoder-weights --size "$size" --epochs "$epochs" --batch 4 \
    --lr 4e-4 --schedule cosine --warmup 50 --seed 0 --resume --out "$out/$arch" >"$out/$arch.txt" 2>"$out/$arch.log"
  model=$out/$arch/best.safetensors
  miou=$(sed -n 's/^best mIoU \([0-9.]*\).*/\1/p' "$out/$arch.txt")
  infer=$("$bin/bench_unet" --arch "$arch" --iters 10 --json)
  train=$("$bin/bench_unet" --arch "$arch" --batch 4 --mode train --iters 3 --json)
  printf '| %s | %s | %.1f | %s | %s | %.0f | %.0f | %.0f |\n' "$arch" "$start" \
    "$(stat -c %s "$model" | awk '{print $1 / 1e6}')" "$miou" "$(whole_process "$model")" \
    "$(field min_ms <<<"$infer")" "$(field min_ms <<<"$train")" "$(field peak_rss_mb <<<"$train")"
done
