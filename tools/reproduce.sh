#!/bin/sh
# Makes the shipped model again from the data and the encoder's ImageNet weights:
#   tools/reproduce.sh CCP_FOLDER mobilenet_v2-imagenet.safetensors OUT_FOLDER
# Takes minutes to hours; started again after an interruption, it goes on.
set -eu
if [ $# -ne 3 ]; then
  echo "usage: $0 CCP_FOLDER IMAGENET_WEIGHTS OUT_FOLDER" >&2
  exit 2
fi
data=$1 weights=$2 out=$3
bin=${WEFT_BIN:-$(dirname "$0")/../build/bin}

"$bin/train_unet" --data "$data" --labels ccp --train-list "$data/train.txt" --val-list "$data/val.txt" \
  --arch mobilenet_v2 --encoder-weights "$weights" --size 256 --epochs 3 --batch 4 \
  --lr 4e-4 --schedule cosine --warmup 50 --seed 0 --out "$out" --resume
"$bin/convert_weights" "$out/best.safetensors" "$out/clothing-mobilenet_v2.safetensors" --f16
"$bin/eval_unet" --model "$out/clothing-mobilenet_v2.safetensors" --data "$data" --labels ccp --list "$data/val.txt"
