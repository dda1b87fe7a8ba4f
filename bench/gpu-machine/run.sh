#!/usr/bin/env bash
# run.sh [STEP...]: runs the steps, `roof engine paper` unless told otherwise, each within a time limit of its own. Results go to $OUT, or to `out` beside
# this file. Steps: roof, engine, paper, f16, encoders, robust, gemm, conv; of a folder packed with --peers also onnxruntime and torch.
set -uo pipefail
cd "$(dirname "$0")"
folder=$PWD
export OUT=${OUT:-$folder/out}
mkdir -p "$OUT" "$folder/missing"

# Of the libraries that came along, those that this machine lacks.
known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p)
for library in libraries/*; do
  [[ $known == *"${library##*/} ("* ]] || ln -sf "$folder/$library" missing/
done
export LD_LIBRARY_PATH=$folder/missing:${LD_LIBRARY_PATH:-}:/usr/local/nvidia/lib64

# The loader looks for drivers in folders of its own; NVIDIA's container tools put the driver's description elsewhere.
for driver in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json /usr/share/vulkan/icd.d/nvidia_icd.json /etc/vulkan/icd.d/nvidia_icd.json; do
  [ -z "${VK_DRIVER_FILES:-}" ] && [ -e "$driver" ] && export VK_DRIVER_FILES=$driver
done
nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm --format=csv,noheader 2>/dev/null | tee "$OUT/gpu.txt"

within() { # within SECONDS COMMAND...
  timeout "$1" "${@:2}" || echo "ended with $?"
}

[ $# -gt 0 ] || set -- roof engine paper
for step in "$@"; do
  printf '== %s, %d s after the start\n' "$step" $SECONDS
  case $step in
    roof) within "${LIMIT:-40}" ./node main.mjs "$folder" roof ;;
    engine | paper | f16 | encoders) within "${LIMIT:-75}" ./node main.mjs "$folder" "$step" ;;
    robust) within "${LIMIT:-120}" ./node main.mjs "$folder" robust ;;
    gemm | conv) within "${LIMIT:-$((${SECONDS_OF_SEARCH:-60} + 30))}" ./node main.mjs "$folder" "$step" ;;
    onnxruntime)
      [ -e files ] || within "${LIMIT:-60}" ./node main.mjs "$folder" export
      within "${LIMIT:-90}" ./node onnxruntime.mjs "$folder"
      ;;
    torch) within "${LIMIT:-150}" python3 official.py "$folder" ;;
    *) echo "there is no step $step" ;;
  esac 2>&1 | sed -u -E 's/(.{600}).*/\1/'
done
printf '== after %d s\n' $SECONDS
