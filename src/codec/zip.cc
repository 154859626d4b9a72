#include "codec/zip.h"

#include <algorithm>

#include "codec/deflate.h"

namespace anyrt {

namespace {

constexpr uint32_t kLocalMagic = 0x04034b50, kCentralMagic = 0x02014b50, kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50, kLocator64Magic = 0x07064b50;
constexpr size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr uint32_t kUse64 = 0xffffffff;
constexpr uint64_t kMaxRatio = 1032;  // deflate cannot do better
constexpr size_t kAlignment = 64;

Status broken(std::string_view what) { return invalid_argument("broken zip file: {}", what); }

struct Directory {
  uint64_t count = 0, size = 0, offset = 0;
};

Expected<Directory> find_directory(Bytes file) {
  if (file.size() < kEndSize) return invalid_argument("not a zip file: {} bytes are too few", file.size());
  const size_t lowest = file.size() - std::min<size_t>(file.size(), kEndSize + 0xffff);
  for (size_t at = file.size() - kEndSize + 1; at-- > lowest;) {
    const std::byte* p = file.data() + at;
    if (load_le<uint32_t>(p) != kEndMagic || at + kEndSize + load_le<uint16_t>(p + 20) != file.size()) continue;
    Directory d{load_le<uint16_t>(p + 10), load_le<uint32_t>(p + 12), load_le<uint32_t>(p + 16)};
    const bool wants_64 = d.count == 0xffff || d.size == kUse64 || d.offset == kUse64;
    if (wants_64 && at >= kLocator64Size && load_le<uint32_t>(p - kLocator64Size) == kLocator64Magic) {
      const uint64_t at64 = load_le<uint64_t>(p - kLocator64Size + 8);
      if (!contains(file, at64, kEnd64Size) || load_le<uint32_t>(file.data() + at64) != kEnd64Magic) {
        return broken("the zip64 end record is missing");
      }
      const std::byte* q = file.data() + at64;
      return Directory{load_le<uint64_t>(q + 32), load_le<uint64_t>(q + 40), load_le<uint64_t>(q + 48)};
    }
    if (load_le<uint16_t>(p + 4) != 0 || load_le<uint16_t>(p + 8) != d.count) {
      return not_implemented("zip files of several parts");
    }
    return d;
  }
  return invalid_argument("not a zip file, or cut off: the end record is missing");
}

// Replaces sizes and offset that the zip64 extra field holds.
Status apply_zip64(Bytes extra, ZipEntry& entry, bool size64, bool packed64, bool offset64) {
  while (extra.size() >= 4) {
    const uint16_t id = load_le<uint16_t>(extra.data());
    const uint16_t length = load_le<uint16_t>(extra.data() + 2);
    if (!contains(extra, 4, length)) break;
    if (id == 1) {
      Bytes field = extra.subspan(4, length);
      auto next = [&](bool wanted, uint64_t& value) {
        if (!wanted) return true;
        if (field.size() < 8) return false;
        value = load_le<uint64_t>(field.data());
        field = field.subspan(8);
        return true;
      };
      if (!next(size64, entry.size) || !next(packed64, entry.packed_size) || !next(offset64, entry.offset)) break;
      return ok_status();
    }
    extra = extra.subspan(4 + length);
  }
  return invalid_argument("broken zip file: entry '{}' lacks its zip64 sizes", entry.name);
}

// Turns the offset of the local header into that of the content.
Status locate_content(Bytes file, ZipEntry& entry) {
  if (!contains(file, entry.offset, kLocalSize) || load_le<uint32_t>(file.data() + entry.offset) != kLocalMagic) {
    return invalid_argument("broken zip file: entry '{}' has no header at offset {}", entry.name, entry.offset);
  }
  const std::byte* p = file.data() + entry.offset;
  const uint64_t begin = entry.offset + kLocalSize + load_le<uint16_t>(p + 26) + load_le<uint16_t>(p + 28);
  if (!contains(file, begin, entry.packed_size)) {
    return invalid_argument("broken zip file: entry '{}' of {} bytes reaches beyond the end of the file", entry.name,
                            entry.packed_size);
  }
  entry.offset = begin;
  return ok_status();
}

Status check_sizes(const ZipEntry& e) {
  if (e.method == static_cast<uint16_t>(ZipMethod::kStored)) {
    if (e.size == e.packed_size) return ok_status();
    return invalid_argument("broken zip file: entry '{}' is stored, but its sizes are {} and {}", e.name, e.size,
                            e.packed_size);
  }
  if (e.method != static_cast<uint16_t>(ZipMethod::kDeflate)) {
    return not_implemented("zip entry '{}' is compressed by method {}; stored (0) and deflate (8) are known", e.name,
                           e.method);
  }
  if (e.size / kMaxRatio > e.packed_size) {
    return invalid_argument("broken zip file: entry '{}' cannot unpack {} bytes to {}", e.name, e.packed_size, e.size);
  }
  return ok_status();
}

Status check_overlaps(const std::vector<ZipEntry>& entries, const std::vector<uint64_t>& headers) {
  std::vector<size_t> order(entries.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return headers[a] < headers[b]; });
  for (size_t i = 1; i < order.size(); ++i) {
    const ZipEntry& before = entries[order[i - 1]];
    if (before.offset + before.packed_size > headers[order[i]]) {
      return invalid_argument("broken zip file: entries '{}' and '{}' overlap", before.name, entries[order[i]].name);
    }
  }
  return ok_status();
}

}  // namespace

Expected<ZipReader> ZipReader::open(std::shared_ptr<Buffer> buffer, const ZipLimits& limits) {
  const Bytes file(buffer->data(), buffer->size());
  ANYRT_ASSIGN(const Directory directory, find_directory(file));
  if (!contains(file, directory.offset, directory.size)) return broken("the directory lies outside of the file");
  Bytes rest = file.subspan(directory.offset, directory.size);
  if (directory.count > rest.size() / kCentralSize) return broken("the directory is too short for its entries");
  if (directory.count > limits.max_entries) {
    return make_error(Code::kResourceExhausted, "the zip file has {} entries, at most {} are allowed", directory.count,
                      limits.max_entries);
  }
  ZipReader reader;
  std::vector<uint64_t> headers;
  uint64_t total = 0;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (rest.size() < kCentralSize || load_le<uint32_t>(rest.data()) != kCentralMagic) {
      return broken("a directory entry is damaged");
    }
    const std::byte* p = rest.data();
    const size_t name_size = load_le<uint16_t>(p + 28), extra_size = load_le<uint16_t>(p + 30);
    const size_t comment_size = load_le<uint16_t>(p + 32);
    if (!contains(rest, kCentralSize, name_size + extra_size + comment_size))
      return broken("a directory entry is cut off");
    ZipEntry e;
    e.name = as_text(rest.subspan(kCentralSize, name_size));
    e.method = load_le<uint16_t>(p + 10);
    e.crc = load_le<uint32_t>(p + 16);
    e.packed_size = load_le<uint32_t>(p + 20);
    e.size = load_le<uint32_t>(p + 24);
    e.offset = load_le<uint32_t>(p + 42);
    if (load_le<uint16_t>(p + 8) & 1) return not_implemented("zip entry '{}' is encrypted", e.name);
    const bool size64 = e.size == kUse64, packed64 = e.packed_size == kUse64, offset64 = e.offset == kUse64;
    if (size64 || packed64 || offset64) {
      ANYRT_TRY(apply_zip64(rest.subspan(kCentralSize + name_size, extra_size), e, size64, packed64, offset64));
    }
    headers.push_back(e.offset);
    ANYRT_TRY(locate_content(file, e));
    ANYRT_TRY(check_sizes(e));
    if (e.size > limits.max_total_size - total) {
      return make_error(Code::kResourceExhausted, "the zip file unpacks to more than {} bytes", limits.max_total_size);
    }
    total += e.size;
    reader.entries_.push_back(std::move(e));
    rest = rest.subspan(kCentralSize + name_size + extra_size + comment_size);
  }
  ANYRT_TRY(check_overlaps(reader.entries_, headers));
  reader.file_ = std::move(buffer);
  return reader;
}

const ZipEntry* ZipReader::find(std::string_view name) const {
  auto it = std::find_if(entries_.begin(), entries_.end(), [&](const ZipEntry& e) { return e.name == name; });
  return it == entries_.end() ? nullptr : &*it;
}

Expected<std::shared_ptr<Buffer>> ZipReader::read(const ZipEntry& entry) const {
  std::byte* packed = file_->data() + entry.offset;
  std::shared_ptr<Buffer> out;
  if (entry.method == static_cast<uint16_t>(ZipMethod::kStored)) {
    out = borrow_buffer(packed, static_cast<size_t>(entry.size), file_, false);
  } else {
    ANYRT_ASSIGN(out, allocate_buffer(static_cast<size_t>(entry.size)));
    Status s = inflate_bytes({packed, static_cast<size_t>(entry.packed_size)}, {out->data(), out->size()});
    if (!s.ok()) return std::move(s).with_context(fmt::format("zip entry '{}'", entry.name));
  }
  if (crc32_of({out->data(), out->size()}) != entry.crc) {
    return invalid_argument("broken zip file: the checksum of entry '{}' is wrong", entry.name);
  }
  return out;
}

bool zip_can_deflate() { return have_deflate(); }

Status ZipWriter::put(std::string_view bytes) {
  position_ += bytes.size();
  return sink_.write(as_bytes(bytes));
}

Status ZipWriter::add(std::string_view name, Bytes content, ZipMethod method) {
  if (name.size() > 0xffff)
    return invalid_argument("the name of a zip entry has {} bytes, at most 65535 fit", name.size());
  ZipEntry e;
  e.name = name;
  e.method = static_cast<uint16_t>(method);
  e.size = content.size();
  e.crc = crc32_of(content);
  std::string packed;
  if (method == ZipMethod::kDeflate) {
    ANYRT_ASSIGN(packed, deflate_bytes(content));
    content = as_bytes(packed);
  }
  e.packed_size = content.size();
  const bool large = e.size >= kUse64 || e.packed_size >= kUse64;
  std::string extra;
  if (large) {
    append_le<uint16_t>(extra, 1);
    append_le<uint16_t>(extra, 16);
    append_le<uint64_t>(extra, e.size);
    append_le<uint64_t>(extra, e.packed_size);
  }
  const uint64_t begin = position_ + kLocalSize + name.size() + extra.size();
  if (size_t gap = (kAlignment - begin % kAlignment) % kAlignment; method == ZipMethod::kStored && gap != 0) {
    if (gap < 4) gap += kAlignment;
    append_le<uint16_t>(extra, 0xd935);  // the field that aligning zip tools use
    append_le<uint16_t>(extra, static_cast<uint16_t>(gap - 4));
    extra.append(gap - 4, '\0');
  }
  const uint64_t header_offset = position_;
  std::string h;
  append_le<uint32_t>(h, kLocalMagic);
  append_le<uint16_t>(h, large ? 45 : 20);
  append_le<uint16_t>(h, 0x800);  // names are UTF-8
  append_le<uint16_t>(h, e.method);
  append_le<uint16_t>(h, 0);
  append_le<uint16_t>(h, 0x21);  // 1980-01-01: the same input gives the same file
  append_le<uint32_t>(h, e.crc);
  append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(e.packed_size));
  append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(e.size));
  append_le<uint16_t>(h, static_cast<uint16_t>(name.size()));
  append_le<uint16_t>(h, static_cast<uint16_t>(extra.size()));
  h += name;
  h += extra;
  ANYRT_TRY(put(h));
  ANYRT_TRY(put(as_text(content)));
  entries_.emplace_back(std::move(e), header_offset);
  return ok_status();
}

Status ZipWriter::finish() {
  const uint64_t begin = position_;
  for (const auto& [e, header_offset] : entries_) {
    const bool large = e.size >= kUse64 || e.packed_size >= kUse64 || header_offset >= kUse64;
    std::string h;
    append_le<uint32_t>(h, kCentralMagic);
    append_le<uint16_t>(h, (3 << 8) | 45);  // made on Unix
    append_le<uint16_t>(h, large ? 45 : 20);
    append_le<uint16_t>(h, 0x800);
    append_le<uint16_t>(h, e.method);
    append_le<uint16_t>(h, 0);
    append_le<uint16_t>(h, 0x21);
    append_le<uint32_t>(h, e.crc);
    append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(e.packed_size));
    append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(e.size));
    append_le<uint16_t>(h, static_cast<uint16_t>(e.name.size()));
    append_le<uint16_t>(h, large ? 28 : 0);
    append_le<uint16_t>(h, 0);
    append_le<uint16_t>(h, 0);
    append_le<uint16_t>(h, 0);
    append_le<uint32_t>(h, 0x81a40000);  // a regular file, rw-r--r--
    append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(header_offset));
    h += e.name;
    if (large) {
      append_le<uint16_t>(h, 1);
      append_le<uint16_t>(h, 24);
      append_le<uint64_t>(h, e.size);
      append_le<uint64_t>(h, e.packed_size);
      append_le<uint64_t>(h, header_offset);
    }
    ANYRT_TRY(put(h));
  }
  const uint64_t end = position_;
  const uint64_t size = end - begin, count = entries_.size();
  const bool large = count >= 0xffff || size >= kUse64 || begin >= kUse64;
  std::string h;
  if (large) {
    append_le<uint32_t>(h, kEnd64Magic);
    append_le<uint64_t>(h, kEnd64Size - 12);
    append_le<uint16_t>(h, (3 << 8) | 45);
    append_le<uint16_t>(h, 45);
    append_le<uint64_t>(h, 0);  // numbers of two disks
    append_le<uint64_t>(h, count);
    append_le<uint64_t>(h, count);
    append_le<uint64_t>(h, size);
    append_le<uint64_t>(h, begin);
    append_le<uint32_t>(h, kLocator64Magic);
    append_le<uint32_t>(h, 0);
    append_le<uint64_t>(h, end);
    append_le<uint32_t>(h, 1);
  }
  append_le<uint32_t>(h, kEndMagic);
  append_le<uint32_t>(h, 0);
  append_le<uint16_t>(h, large ? 0xffff : static_cast<uint16_t>(count));
  append_le<uint16_t>(h, large ? 0xffff : static_cast<uint16_t>(count));
  append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(size));
  append_le<uint32_t>(h, large ? kUse64 : static_cast<uint32_t>(begin));
  append_le<uint16_t>(h, 0);
  return put(h);
}

}  // namespace anyrt
