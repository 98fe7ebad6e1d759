"""One file a kernel, or a close family: torch reference, Triton kernel, public function, entry for the registry.

The public function takes tensors and answers with tensors; `kernels.dispatch` decides what computes and records it.
"""
