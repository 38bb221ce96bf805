#!/usr/bin/env bash
# Long runs: memory and descriptors do not grow. A line "check | inputs tried | findings" for each check.
#   tools/trust/long.sh BUILD_DIR            2,000 training steps, a folder of 10,000 pictures
#   tools/trust/long.sh BUILD_DIR --smoke    100 steps, 600 pictures
set -uo pipefail
. "$(dirname "$0")/runs.bash"

steps=$((smoke ? 100 : 2000))
pictures=$((smoke ? 600 : 10000))
slack=$((smoke ? 5 : 1))  # per cent; a short run has hardly left its beginning behind

# watch PROGRESS COMMAND...: runs the command; prints the peak memory (KB) and the descriptors when PROGRESS says 50 and at the
# last look. PROGRESS is shell code that prints how many steps or pictures are done.
watch() {
  local progress=$1 process done_now early_memory= early_files= memory= files= count now
  shift
  "$@" > "$scratch/out" 2> "$scratch/err" &
  process=$!
  while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$process/status" 2> /dev/null) && [ -n "$now" ]; do
    memory=$now
    count=$(find "/proc/$process/fd" -mindepth 1 2> /dev/null | wc -l)
    [ "$count" -gt 0 ] && files=$count
    done_now=$(eval "$progress")
    if [ -z "$early_memory" ] && [ "${done_now:-0}" -ge 50 ]; then
      early_memory=$memory
      early_files=$files
    fi
    sleep 0.05
  done
  wait "$process" || finding "$1: status $?: $(tail -1 "$scratch/err")"
  [ -n "$early_memory" ] || { finding "it ended before a look at it"; return; }
  [ "$memory" -le $((early_memory + early_memory * slack / 100)) ] || finding "peak memory rose from $early_memory to $memory KB"
  [ "$files" -le $((early_files + 2)) ] || finding "descriptors rose from $early_files to $files"
  echo "$1: peak memory $early_memory KB after 50, $memory KB at the end; descriptors $early_files, $files" >&2
}

data=$scratch/data
make_data "$data" 12
run=$scratch/run
command=("$build/bin/train_unet" --data "$data" --train-list "$data/train.txt" --val-list "$data/val.txt" --out "$run" --size 32
         --batch 2 --epochs 100000 --max-steps "$steps" --decoder-channels 16,16,8,8,8 --threads 1)
watch "cat $run/metrics.jsonl 2> /dev/null | wc -l" "${command[@]}"
report "training: peak memory flat after 50 steps, no descriptor more" "$steps steps, to $slack%"

"$build/bin/make_synthetic_atr" --out "$scratch/many" --count 50 --size 40 --val-fraction 0 --threads 1 > /dev/null
mkdir "$scratch/photos"
for ((i = 0; i < pictures; ++i)); do
  ln "$scratch/many/JPEGImages/$(printf %04d $((i % 50))).jpg" "$scratch/photos/$i.jpg"
done
watch "wc -l < $scratch/out" "$build/bin/infer_unet" "$scratch/photos" --model "$run/last.safetensors" --out "$scratch/masks" --threads 1
masks=$(find "$scratch/masks" -name '*.mask.png' | wc -l)
[ "$masks" = "$pictures" ] || finding "$masks masks for $pictures pictures"
report "a folder of pictures: peak memory flat after 50, no descriptor more" "$pictures pictures, to $slack%"

finish
