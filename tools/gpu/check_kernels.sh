#!/usr/bin/env bash
# The kernels against the slow, obvious recurrence, forward and backward:
#
#   tools/gpu/check_kernels.sh [WHEELS]        installs the wheels of that folder first
#
# Fails where a test is skipped: without a GPU or a package nothing is compared.
set -euo pipefail
python=${PYTHON:-python3}
[ $# -eq 0 ] || "$python" -m pip install --quiet --no-deps "$1"/*.whl
cd "$(dirname "$0")/../.."
"$python" -c "
import torch, causal_conv1d
from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
assert torch.cuda.is_available(), 'There is no GPU that torch can use.'
print(torch.cuda.get_device_name(), 'torch', torch.__version__)"
report=$("$python" -m pytest -q -rs tests/model/test_scan.py tests/model/test_conv.py -k cuda | tee /dev/stderr)
! grep -q skipped <<< "$report"
