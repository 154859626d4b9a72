#pragma once

#include <string>

#include "base/status.h"
#include "codec/bytes.h"

namespace anyrt {

// CRC-32 as zip and gzip use it.
uint32_t crc32_of(Bytes bytes);

// Raw deflate streams. NotImplemented where the build has no zlib.
bool have_deflate();
Expected<std::string> deflate_bytes(Bytes bytes);
// Fills `out` exactly; an error when the stream gives less or more or does not use all of `bytes`.
Status inflate_bytes(Bytes bytes, std::span<std::byte> out);

}  // namespace anyrt
