// SPDX-License-Identifier: Apache-2.0
#include "shm.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "file_descriptor.hpp"
#include "protocol.hpp"

namespace sparkvsr::detail {
namespace {

constexpr std::size_t kReserveStep = std::size_t{64} << 20;

NoSegment failed(const char* step, int code, std::size_t bytes) {
  return {std::string(step) + " of " + std::to_string(bytes) + " bytes in /dev/shm: " + std::strerror(code)};
}

/// Beyond RLIMIT_FSIZE the kernel does not only refuse, it sends SIGXFSZ, which ends the host.
std::optional<NoSegment> overFileLimit(std::size_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur) return {};
  return NoSegment{"RLIMIT_FSIZE allows " + std::to_string(limit.rlim_cur) + " of " + std::to_string(bytes) + " bytes"};
}

/// Filling /dev/shm up to its last page before learning that it is too small would take memory from everybody.
std::optional<NoSegment> overFreeSpace(int fd, std::size_t bytes) {
  struct statvfs space{};
  if (::fstatvfs(fd, &space) != 0 || space.f_blocks == 0) return {};  // without a limit of its own
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (bytes <= free) return {};
  return NoSegment{"/dev/shm has " + std::to_string(free) + " of " + std::to_string(bytes) + " bytes free"};
}

/// Reserves in steps, so that an abort does not wait for half a gigabyte of zeroed pages.
std::optional<NoSegment> reserve(int fd, std::size_t bytes, const std::function<bool()>& stop) {
  for (std::size_t at = 0; at < bytes; at += kReserveStep) {
    if (stop && stop()) return NoSegment{"given up"};
    const auto step = static_cast<off_t>(std::min(kReserveStep, bytes - at));
    int code = EINTR;
    while (code == EINTR) code = ::posix_fallocate(fd, static_cast<off_t>(at), step);
    if (code != 0) return failed("posix_fallocate", code, bytes);
  }
  return std::nullopt;
}

std::byte* map(int fd, std::size_t bytes) noexcept {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (data == MAP_FAILED) return nullptr;
  ::madvise(data, bytes, MADV_DONTFORK);  // a host that forks shall not carry it along
  ::madvise(data, bytes, MADV_DONTDUMP);
  return static_cast<std::byte*>(data);
}

/// Without a name while it is filled: a host killed in between leaves nothing in /dev/shm. Old kernels give it a name
/// at once.
FileDescriptor open(const std::string& name, bool& named) {
  FileDescriptor nameless(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  named = !nameless.valid();
  return named ? FileDescriptor(::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600))
               : std::move(nameless);
}

bool giveName(int fd, const std::string& name) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  return ::fchmod(fd, 0600) == 0 &&
         ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, ("/dev/shm" + name).c_str(), AT_SYMLINK_FOLLOW) == 0;
}

bool abandoned(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  return file.valid() && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
         ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

void sweepAbandonedSegments() noexcept {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/dev/shm"), ::closedir);
  if (!folder) return;
  const std::size_t prefix = std::strlen(protocol::kSegmentPrefix);
  while (const dirent* entry = ::readdir(folder.get())) {
    if (std::strncmp(entry->d_name, protocol::kSegmentPrefix, prefix) != 0) continue;
    const std::string path = std::string("/dev/shm/") + entry->d_name;
    if (std::strlen(entry->d_name) == prefix + 32 && abandoned(path)) ::unlink(path.c_str());
  }
}

std::string unguessableName() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return {};
  static constexpr char digits[] = "0123456789abcdef";
  std::string name = std::string("/") + protocol::kSegmentPrefix;
  for (const unsigned char byte : random) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

std::variant<std::unique_ptr<Segment>, NoSegment> Segment::create(std::size_t bytes,
                                                                  const std::function<bool()>& stop) {
  if (auto limit = overFileLimit(bytes)) return *limit;
  std::string name = unguessableName();
  if (name.empty()) return failed("getrandom", errno, name.size());
  bool named = false;
  std::unique_ptr<Segment> segment(new Segment(std::move(name), bytes));
  segment->file_ = open(segment->name_, named);
  const int fd = segment->file_.get();
  if (!segment->file_.valid()) return failed("shm_open", errno, bytes);
  segment->linked_ = named;
  ::flock(fd, LOCK_SH);
  if (auto full = overFreeSpace(fd, bytes)) return *full;
  if (auto refused = reserve(fd, bytes, stop)) return *refused;
  segment->data_ = map(fd, bytes);
  if (segment->data_ == nullptr) return failed("mmap", errno, bytes);
  if (!named && !giveName(fd, segment->name_)) return failed("linkat", errno, bytes);
  segment->linked_ = true;
  return segment;
}

Segment::Segment(std::string name, std::size_t bytes) : name_(std::move(name)), bytes_(bytes), owner_(::getpid()) {}

Segment::~Segment() {
  if (owner_ != ::getpid()) return;
  unlinkName();
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

void Segment::unlinkName() noexcept {
  if (linked_) ::shm_unlink(name_.c_str());
  linked_ = false;
  file_ = FileDescriptor();
}

}  // namespace sparkvsr::detail
