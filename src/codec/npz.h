#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/named.h"
#include "codec/npy.h"
#include "codec/zip.h"

namespace anyrt {

// NumPy's .npz files: a zip file of .npy files. The order is that of the file; names lose their ".npy".
Expected<std::vector<NamedTensor>> decode_npz(const std::shared_ptr<Buffer>& file, const NpyOptions& options = {},
                                              const ZipLimits& limits = {});
Expected<std::vector<NamedTensor>> read_npz(const std::string& path, const NpyOptions& options = {});

Status encode_npz(std::span<const NamedTensor> tensors, ByteSink& sink, ZipMethod method = ZipMethod::kStored);
Status write_npz(const std::string& path, std::span<const NamedTensor> tensors, ZipMethod method = ZipMethod::kStored);

}  // namespace anyrt
