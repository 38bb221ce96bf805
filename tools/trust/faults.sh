#!/usr/bin/env bash
# Faults: what is left when writing fails, when a process is killed, when files change under its hands, when memory or the
# disk is full. A line "check | inputs tried | findings" for each check; details of findings on stderr.
#   tools/trust/faults.sh BUILD_DIR           every operation, each kind of fault: about half an hour
#   tools/trust/faults.sh BUILD_DIR --smoke   a few of them: seconds
set -uo pipefail
. "$(dirname "$0")/runs.bash"

shim=$build/tests/libweft_fault_shim.so
[ -f "$shim" ] || { skipped "faults" "$shim is not built"; exit 0; }
data=$scratch/data
make_data "$data" 6

# Two runs: one writes checkpoints all the time, one only where it must, and stops in the middle of an epoch.
options_often=(--epochs 1 --checkpoint-steps 1 --ema 0.9 --schedule cosine --threads 1)
options_seldom=(--epochs 2 --max-steps 3 --threads 1)
fault_kinds="kill, torn write, EIO, disk full, short write, SIGTERM"

# faulty KIND K FOLDER COMMAND...: the command, whose K-th operation on the folder fails so. Stderr goes to $scratch/err.
faulty() {
  local kind=$1 k=$2 folder=$3
  shift 3
  # In a shell of its own, and braces around it: bash reports a kill on its own stderr.
  {
    ( LD_PRELOAD=$shim FAULT_FOLDER=$folder FAULT_KIND=$kind FAULT_AT=$k FAULT_TRACE=${trace:-} "$@" ) > /dev/null 2> "$scratch/err"
  } 2> /dev/null
}

# is_tried KIND K: torn and short are for writes alone.
is_tried() {
  case $1:$(sed -n "${2}p" "$scratch/trace") in
    torn:write* | short:write*) ;;
    torn:* | short:*) return 1 ;;
  esac
}

# After a fault: an error is one line and leaves no litter, a kill is a kill.
check_end() {
  local what=$1 kind=$2 folder=$3 status=$4
  case $kind:$status in
    kill:137 | torn:137 | term:130 | term:143 | *:0) ;;
    eio:1 | full:1)
      one_error "$scratch/err" || finding "$what: not one line of error: $(cat "$scratch/err")"
      [ -z "$(litter "$folder")" ] || finding "$what: left $(litter "$folder")" ;;
    *) finding "$what: exit status $status: $(tail -1 "$scratch/err")" ;;
  esac
}

# Of a run's operations those that are unlike their neighbours: of a file's writes the first and the last.
distinct_operations() {
  awk '{ line[NR] = $0 }
       END { for (k = 1; k <= NR; k++) if (line[k] !~ /^write.*tmp$/ || line[k - 1] != line[k] || line[k + 1] != line[k]) print k }' \
    "$scratch/trace"
}

# every_fault NAME STEP OPTION...: the run with each STEP-th of its distinct operations failing, then continued.
every_fault() {
  local name=$1 step=$2 kind k model what out=$scratch/run tried=0 ks all
  shift 2
  trace=$scratch/trace
  : > "$trace"
  rm -rf "$scratch/straight"
  faulty none 0 "$scratch/straight" train "$data" "$scratch/straight" "$@" || finding "$name: the undisturbed run failed: $(cat "$scratch/err")"
  trace=
  mapfile -t all < <(distinct_operations)
  for kind in kill torn eio full short term; do
    mapfile -t ks < <(printf '%s\n' "${all[@]}" | awk -v step="$step" 'NR % step == int(step / 2)')
    for k in "${ks[@]}"; do
      is_tried "$kind" "$k" || continue
      what="$name, $kind at $k"
      rm -rf "$out"
      faulty "$kind" "$k" "$out" train "$data" "$out" --resume "$@"
      check_end "$what" "$kind" "$out" $?
      for model in last best; do
        [ ! -e "$out/$model.safetensors" ] || "$build/bin/inspect_model" "$out/$model.safetensors" > /dev/null 2>&1 ||
          finding "$what: $model.safetensors is damaged"
      done
      if [ "$kind" = short ]; then
        same_run "$scratch/straight" "$out" >&2 || finding "$what: another result"
      fi
      train "$data" "$out" --resume "$@" > /dev/null 2> "$scratch/err" ||
        finding "$what: does not go on: $(tail -1 "$scratch/err")"
      same_run "$scratch/straight" "$out" >&2 || finding "$what: another result after --resume"
      [ -z "$(litter "$out")" ] || finding "$what: litter stays: $(litter "$out")"
      tried=$((tried + 1))
    done
  done
  report "a run is hit at operation k, then --resume: the same bytes ($name)" "$tried faults ($fault_kinds) on ${#all[@]} operations"
}

# every_write STEP: a checkpoint written over another, with each STEP-th of all operations failing: the old or the new.
every_write() {
  local step=$1 kind k what folder=$scratch/rewrite old=$scratch/straight/checkpoint.safetensors new=$scratch/new tried=0 operations
  train "$data" "$new" --epochs 2 --max-steps 3 --threads 1 > /dev/null 2>&1
  new=$new/checkpoint.safetensors
  mkdir "$folder"
  trace=$scratch/trace
  : > "$trace"
  faulty none 0 "$folder" "$build/tests/rewrite_checkpoint" "$new" "$folder/c.safetensors"
  cmp -s "$new" "$folder/c.safetensors" || finding "a checkpoint that is read and written differs"
  trace=
  operations=$(wc -l < "$scratch/trace")
  for kind in kill torn eio full short; do
    for ((k = 1 + step / 2; k <= operations; k += step)); do
      is_tried "$kind" "$k" || continue
      what="checkpoint alone, $kind at $k"
      rm -f "$folder"/*
      cp "$old" "$folder/c.safetensors"
      faulty "$kind" "$k" "$folder" "$build/tests/rewrite_checkpoint" "$new" "$folder/c.safetensors"
      check_end "$what" "$kind" "$folder" $?
      cmp -s "$old" "$folder/c.safetensors" || cmp -s "$new" "$folder/c.safetensors" || finding "$what: neither the old nor the new"
      tried=$((tried + 1))
    done
  done
  report "a checkpoint is written over another, hit at operation k: the old or the new" "$tried faults on $operations operations"
}

# A power cut keeps what was synced. A model must be synced before it is renamed, and the folder after.
check_sync_order() {
  local problems
  problems=$(awk '
    $1 == "write" { dirty[$2] = 1 }
    $1 == "fsync" { delete dirty[$2]; if ($2 == folder) folder = "" }
    $1 == "rename" && $2 ~ /safetensors$/ {
      renames++
      for (file in dirty) if (index(file, $2 ".") == 1) print "renamed before its sync: " $2
      if (folder != "") print "folder not synced: " folder
      folder = $2; sub("/[^/]*$", "", folder)
    }
    END { if (folder != "") print "folder not synced: " folder; if (renames == 0) print "nothing was renamed" }
  ' "$scratch/trace")
  [ -z "$problems" ] || finding "$problems"
  report "models are synced, renamed, their folder synced, in this order" "$(grep -c '^rename.*safetensors$' "$scratch/trace") models and checkpoints"
}

# A folder that can't be written to: read-only, or full from the start.
check_folders() {
  local tried=0 place=$scratch/mounted
  mkdir -p "$place"
  if mount -t tmpfs -o size=4m none "$place" 2> /dev/null; then
    train "$data" "$place/run" "${options_often[@]}" > /dev/null 2> "$scratch/err"
    check_end "a disk of 4 MB" full "$place" $?
    grep -q 'No space left on device' "$scratch/err" || finding "a disk of 4 MB: $(cat "$scratch/err")"
    rm -rf "$place"/*
    mount -o remount,ro "$place"
    train "$data" "$place/run" "${options_often[@]}" > /dev/null 2> "$scratch/err"
    [ $? = 1 ] && one_error "$scratch/err" || finding "train_unet, read-only: $(cat "$scratch/err")"
    "$build/bin/infer_unet" "$data/JPEGImages" --model "$model" --out "$place" > /dev/null 2> "$scratch/err"
    [ $? = 1 ] && grep -q 'Read-only file system' "$scratch/err" && ! is_crash "$scratch/err" || finding "infer_unet, read-only: $(cat "$scratch/err")"
    umount "$place"
    report "no space, no right to write: one line, status 1" "3 runs on a small file system"
  else
    skipped "no space, no right to write" "no right to mount a small file system"
  fi
}

# infer_on_change CHANGE: infer_unet over 12 pictures; after the first is done, CHANGE is run. Its status; stderr in err.
infer_on_change() {
  local change=$1 pipe=$scratch/pipe first status
  rm -rf "$scratch/masks" "$pipe"
  mkfifo "$pipe"
  "$build/bin/infer_unet" "$scratch/photos/JPEGImages" --model "$scratch/model.safetensors" --out "$scratch/masks" --size 256 --threads "${infer_threads:-1}" \
    > "$pipe" 2> "$scratch/err" &
  local process=$!
  { read -r first; eval "$change"; cat > /dev/null; } < "$pipe"
  wait "$process"
}

check_changes() {
  local photos=$scratch/photos/JPEGImages
  make_data "$scratch/photos" 12 64
  cp "$model" "$scratch/model.safetensors"
  infer_on_change true || finding "infer_unet: $(cat "$scratch/err")"
  mv "$scratch/masks" "$scratch/masks_before"

  infer_on_change ': > "$scratch/model.safetensors"' || finding "the model is cut to nothing: status $?, $(cat "$scratch/err")"
  diff -rq "$scratch/masks" "$scratch/masks_before" >&2 || finding "the model is cut to nothing: other masks"
  cp "$model" "$scratch/model.safetensors"
  infer_on_change 'cp "$scratch/new/last.safetensors" "$scratch/other"; mv "$scratch/other" "$scratch/model.safetensors"' ||
    finding "the model is replaced: status $?, $(cat "$scratch/err")"
  diff -rq "$scratch/masks" "$scratch/masks_before" >&2 || finding "the model is replaced: other masks"
  cp "$model" "$scratch/model.safetensors"

  infer_on_change 'rm "$photos/0011.jpg"; : > "$photos/0010.jpg"'
  [ $? = 1 ] && grep -q '^error: .*0011.jpg' "$scratch/err" && grep -q '^error: .*0010.jpg' "$scratch/err" ||
    finding "pictures vanish: $(cat "$scratch/err")"
  [ "$(find "$scratch/masks" -name '*.mask.png' | wc -l)" = 10 ] || finding "pictures vanish: not 10 masks"
  report "files change while infer_unet runs: it goes on with the model it has, and names pictures that are gone" \
    "model cut short, model replaced, pictures deleted and emptied"

  rm -rf "$scratch/changing" "$scratch/run"
  cp -r "$data" "$scratch/changing"
  train "$scratch/changing" "$scratch/run" --epochs 1 --threads 1 > /dev/null 2>&1
  cp "$scratch/changing/JPEGImages/0001.jpg" "$scratch/changing/JPEGImages/0000.jpg"
  train "$scratch/changing" "$scratch/run" --epochs 2 --threads 1 --resume > /dev/null 2> "$scratch/err"
  [ $? = 0 ] && grep -q '^warning: pictures or masks have changed' "$scratch/err" || finding "a picture has changed: $(cat "$scratch/err")"
  sed -i 1d "$scratch/changing/train.txt"
  train "$scratch/changing" "$scratch/run" --epochs 3 --threads 1 --resume > /dev/null 2> "$scratch/err"
  [ $? = 1 ] && one_error "$scratch/err" && grep -q 'other pictures' "$scratch/err" || finding "a picture has gone: $(cat "$scratch/err")"
  report "data that changed between runs: said, and refused where the lists differ" "a picture exchanged, a stem less"
}

check_signals() {
  local signal status infer_threads masks
  for signal in INT TERM; do
    # More threads take pictures in groups.
    infer_threads=$([ $signal = INT ] && echo 1 || echo 3)
    infer_on_change "kill -$signal \$process"
    status=$?
    masks=$(find "$scratch/masks" -name '*.mask.png' | wc -l)
    grep -q "interrupted after $masks of" "$scratch/err" || finding "infer_unet, SIG$signal: $masks masks, $(cat "$scratch/err")"
    [ $status = 130 ] && one_error "$scratch/err" && grep -q 'interrupted after' "$scratch/err" || finding "infer_unet, SIG$signal: status $status, $(cat "$scratch/err")"
    [ -z "$(litter "$scratch/masks")" ] || finding "infer_unet, SIG$signal: left $(litter "$scratch/masks")"
  done

  rm -rf "$scratch/masks"
  "$build/bin/infer_unet" "$scratch/masks_of" --model "$model" --out "$scratch/masks" --threads 1 2> "$scratch/err" | head -1 > /dev/null
  status=${PIPESTATUS[0]}
  { [ "$status" = 1 ] && one_error "$scratch/err"; } || finding "infer_unet | head: status $status, $(cat "$scratch/err")"
  [ "$(find "$scratch/masks" -name '*.mask.png' | wc -l)" = 60 ] || finding "infer_unet | head: not all masks"

  rm -rf "$scratch/run"
  { train "$data" "$scratch/run" "${options_seldom[@]}" 2>&1; echo $? > "$scratch/status"; } | true
  [ "$(cat "$scratch/status")" = 1 ] || finding "train_unet | true: status $(cat "$scratch/status")"
  same_run "$scratch/straight" "$scratch/run" >&2 || finding "train_unet | true: another result"
  report "SIGINT, SIGTERM, a reader of stdout that went away: one line, 130 or 1, all that was begun is whole" "2 signals, 2 pipes"
}

# Too little address space, from hardly enough to start up to plenty.
check_memory() {
  local limit status tried=0
  for ((limit = 16000; limit < 240000; limit += smoke ? 28000 : 2000)); do
    rm -rf "$scratch/run" "$scratch/masks"
    ( ulimit -v "$limit"; train "$data" "$scratch/run" --epochs 1 --checkpoint-steps 1 --threads 2 ) > /dev/null 2> "$scratch/err"
    status=$?
    case $status in
      0) ;;
      1) one_error "$scratch/err" || finding "train_unet in $limit KB: $(cat "$scratch/err")" ;;
      127) ;;  # the dynamic linker itself had no room
      *) finding "train_unet in $limit KB: status $status: $(cat "$scratch/err")" ;;
    esac
    [ ! -e "$scratch/run/checkpoint.safetensors" ] || "$build/tests/rewrite_checkpoint" "$scratch/run/checkpoint.safetensors" "$scratch/copy" ||
      finding "train_unet in $limit KB: the checkpoint is damaged"
    ( ulimit -v "$limit"; "$build/bin/infer_unet" "$data/JPEGImages" --model "$model" --out "$scratch/masks" --threads 2 ) > /dev/null 2> "$scratch/err"
    status=$?
    case $status in
      0 | 127) ;;
      1) grep -q '^error: ' "$scratch/err" && ! is_crash "$scratch/err" && ! grep -qv '^error: \|^$' "$scratch/err" || finding "infer_unet in $limit KB: $(cat "$scratch/err")" ;;
      *) finding "infer_unet in $limit KB: status $status: $(cat "$scratch/err")" ;;
    esac
    tried=$((tried + 2))
  done
  report "too little memory (ulimit -v): an error, status 1, what was written is whole" "$tried runs of train_unet and infer_unet in 16 to 240 MB"
}

every_fault "checkpoints often" $((smoke ? 29 : 1)) "${options_often[@]}"
check_sync_order
every_fault "checkpoints seldom" $((smoke ? 37 : 1)) "${options_seldom[@]}"
every_write $((smoke ? 11 : 1))
model=$scratch/straight/best.safetensors
"$build/bin/make_synthetic_atr" --out "$scratch/many" --count 60 --size 32 --val-fraction 0 --threads 1 > /dev/null
mv "$scratch/many/JPEGImages" "$scratch/masks_of"
check_folders
check_changes
check_signals
check_memory

finish
