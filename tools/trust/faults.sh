#!/usr/bin/env bash
# Faults: what is left when writing fails, when a process is killed, when files change under its hands, when memory or the
# disk is full. A line "check | inputs tried | findings" for each check; details of findings on stderr.
#   tools/trust/faults.sh BUILD_DIR           every operation of a run, each kind of fault: about half an hour
#   tools/trust/faults.sh BUILD_DIR --smoke   a few of them: seconds
set -uo pipefail
. "$(dirname "$0")/runs.sh"

shim=$build/tests/libweft_fault_shim.so
[ -f "$shim" ] || { echo "$shim: not built" >&2; exit 77; }
data=$scratch/data
make_data "$data" 6

# Two runs: one writes checkpoints all the time, one only where it must, and stops in the middle of an epoch.
options_often=(--epochs 2 --checkpoint-steps 1 --ema 0.9 --schedule cosine --threads 1)
options_seldom=(--epochs 2 --max-steps 3 --threads 1)

# under_fault KIND K OUT OPTION...: a run whose K-th operation on its folder fails so. Its exit status; stderr to $scratch/err.
under_fault() {
  local kind=$1 k=$2 out=$3
  shift 3
  under=(env "LD_PRELOAD=$shim" "FAULT_FOLDER=$out" "FAULT_KIND=$kind" "FAULT_AT=$k" "FAULT_TRACE=${trace:-}")
  # In a shell of its own, whose report of a kill goes to the file, too.
  ( train "$data" "$out" --resume "$@" ) > /dev/null 2> "$scratch/err"
  local status=$?
  under=()
  return $status
}

# After a fault: models that are there are whole; and what a kill leaves lying about, an error does not.
check_left() {
  local what=$1 kind=$2 out=$3 status=$4 model
  for model in last best; do
    [ ! -e "$out/$model.safetensors" ] || "$build/bin/inspect_model" "$out/$model.safetensors" > /dev/null 2>&1 ||
      finding "$what: $model.safetensors is damaged"
  done
  case $kind:$status in
    kill:137 | torn:137 | term:130 | term:143 | *:0) ;;
    eio:1 | full:1)
      one_error "$scratch/err" || finding "$what: not one line of error: $(cat "$scratch/err")"
      [ -z "$(litter "$out")" ] || finding "$what: left $(litter "$out")" ;;
    *) finding "$what: exit status $status: $(tail -1 "$scratch/err")" ;;
  esac
}

# every_fault NAME STEP OPTION...: the run with each STEP-th operation failing, then continued.
every_fault() {
  local name=$1 step=$2 kind k out=$scratch/run operations tried=0 counts=()
  shift 2
  trace=$scratch/trace
  : > "$trace"
  rm -rf "$scratch/straight"
  under_fault none 0 "$scratch/straight" "$@" || finding "$name: the undisturbed run failed: $(cat "$scratch/err")"
  operations=$(wc -l < "$trace")
  trace=
  for kind in kill torn eio full short term; do
    for ((k = 1 + step / 3; k <= operations; k += step)); do
      case $kind:$(sed -n "${k}p" "$scratch/trace") in
        torn:write* | short:write*) ;;
        torn:* | short:*) continue ;;
      esac
      rm -rf "$out"
      under_fault "$kind" "$k" "$out" "$@"
      check_left "$name, $kind at $k" "$kind" "$out" $?
      if [ "$kind" = short ]; then
        same_run "$scratch/straight" "$out" >&2 || finding "$name, short at $k: another result"
      fi
      train "$data" "$out" --resume "$@" > /dev/null 2> "$scratch/err" ||
        finding "$name, $kind at $k: does not go on: $(tail -1 "$scratch/err")"
      same_run "$scratch/straight" "$out" >&2 || finding "$name, $kind at $k: another result after --resume"
      [ -z "$(litter "$out")" ] || finding "$name, $kind at $k: litter stays: $(litter "$out")"
      tried=$((tried + 1))
    done
  done
  report "fault at the k-th operation, $name" "$tried faults (kill, torn write, EIO, disk full, short write, SIGTERM) over $operations operations, each then --resume"
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
  report "files are synced, renamed, their folder synced, in this order" "$(grep -c '^rename.*safetensors$' "$scratch/trace") models and checkpoints"
}

every_fault "checkpoints often" $((smoke ? 250 : 1)) "${options_often[@]}"
check_sync_order
every_fault "checkpoints seldom" $((smoke ? 110 : 1)) "${options_seldom[@]}"

finish
