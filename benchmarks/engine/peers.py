"""Who is timed: for each name a module of this package and the environment of its process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

# glibc then takes large blocks from a heap that never shrinks: a page is touched once (man 3 mallopt). One
# arena for all threads would keep still more, but costs PyTorch up to a third.
KEPT_PAGES = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**28),
    "BENCH_FLUSH_DENORMALS": "1",
}
TORCH_AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}


@dataclass(frozen=True)
class Peer:
    module: str
    environment: dict[str, str] = field(default_factory=dict)


PEERS = {
    "tidegate": Peer("tidegate_peer"),
    "pytorch": Peer("pytorch_peer"),
    "pytorch cured": Peer("pytorch_peer", KEPT_PAGES),
    "jax": Peer("jax_peer"),
    "jax cured": Peer("jax_peer", KEPT_PAGES),
    "onnxruntime": Peer("onnxruntime_peer"),
    "openvino": Peer("openvino_peer"),
    "keras": Peer("keras_peer"),
    "tidegate with pytorch": Peer("tidegate_peer"),
    "tidegate avx2": Peer("tidegate_peer", {"TIDEGATE_INSTRUCTION_SET": "avx2"}),
    "pytorch avx2": Peer("pytorch_peer", TORCH_AVX2),
    "pytorch avx2 cured": Peer("pytorch_peer", KEPT_PAGES | TORCH_AVX2),
}

# A choice made for another program's sake, which would hold a library below its best.
UNSET = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "TIDEGATE_INSTRUCTION_SET",
    "OMP_WAIT_POLICY",
    "KMP_BLOCKTIME",
)


def environment(peer: str, num_threads: int) -> dict[str, str]:
    """Of a peer's process; threads are bounded before a library is loaded, since some ask only then."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    threads = {
        name: str(num_threads)
        for name in (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
        )
    }
    quiet = {"TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return kept | threads | quiet | {"JAX_PLATFORMS": "cpu"} | PEERS[peer].environment


def cores_of(peer: str, num_threads: int) -> set[int]:
    """The cores its process may use. XLA has a thread for each, and no other switch that bounds all of
    them."""
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[:num_threads] if PEERS[peer].module in ("jax_peer", "keras_peer") else cores)
