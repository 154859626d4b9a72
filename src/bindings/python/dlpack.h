#pragma once

#include "bindings/python/common.h"

namespace anyrt::python {

// A capsule "dltensor", or "dltensor_versioned" where the consumer takes version 1, over the tensor's bytes; it holds
// them. BufferError for what DLPack cannot describe, and for read-only bytes where the old form was asked for.
nb::object dlpack_capsule(const Tensor& tensor, bool versioned);
// A tensor over the bytes of a capsule, which is taken over.
Tensor tensor_from_dlpack(nb::handle capsule);

}  // namespace anyrt::python
