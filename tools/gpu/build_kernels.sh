#!/usr/bin/env bash
# Wheels of causal-conv1d and mamba-ssm with their CUDA kernels, for this Python, torch and CUDA, for one kind of GPU:
#
#   tools/gpu/build_kernels.sh OUT [SOURCE ...]        e.g. wheels causal_conv1d-1.6.1.tar.gz mamba_ssm-2.3.1.tar.gz
#
# SOURCEs are source archives or folders; without any, pip fetches both. ARCH=90 says which GPUs (90: H100, H200; 89: RTX
# 40; 80: A100), PYTHON=python3.12 which Python. Needs torch with CUDA, and nvcc of the same CUDA version.
set -euo pipefail
out=${1:?where the wheels go}; shift
python=${PYTHON:-python3}; arch=${ARCH:-90}
[ $# -gt 0 ] || set -- causal-conv1d mamba-ssm
mkdir -p "$out"; out=$(cd "$out" && pwd)

"$python" - <<'PY'
import re, subprocess, sys, torch
if not torch.version.cuda:
    sys.exit("This torch has no CUDA: install one that has.")
try:
    said = subprocess.run(["nvcc", "--version"], capture_output=True, text=True, check=True).stdout
except OSError:
    sys.exit("There is no nvcc: install the CUDA toolkit, or put it into PATH.")
found = re.search(r"release (\d+)", said)[1]
if found != torch.version.cuda.split(".")[0]:
    sys.exit(f"nvcc is of CUDA {found} and torch of {torch.version.cuda}: take an nvcc of torch's.")
PY

# Both packages name a dozen kinds of GPU in their setup.py and build each for minutes. This nvcc leaves one.
nvcc=$(mktemp); trap 'rm -f "$nvcc"' EXIT
cat > "$nvcc" <<SH
#!/usr/bin/env bash
kept=()
while [ \$# -gt 0 ]; do
  case \$1 in -gencode) shift 2;; -gencode=*) shift;; *) kept+=("\$1"); shift;; esac
done
exec $(command -v nvcc) -gencode arch=compute_$arch,code=sm_$arch "\${kept[@]}"
SH
chmod +x "$nvcc"

export PYTORCH_NVCC=$nvcc TORCH_CUDA_ARCH_LIST=${arch%?}.${arch: -1} MAX_JOBS=${MAX_JOBS:-$(nproc)}
export CAUSAL_CONV1D_FORCE_BUILD=TRUE MAMBA_FORCE_BUILD=TRUE MAMBA_KEEP_CUDA_BUILD=TRUE
"$python" -m pip install --quiet setuptools wheel packaging ninja || echo "pip reached nothing: going on with what is there."
for source in "$@"; do
  "$python" -m pip wheel --no-deps --no-build-isolation --no-binary :all: --wheel-dir "$out" "$source"
done
ls -l "$out"
