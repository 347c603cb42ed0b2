#include "engine/load/ring.h"

#include <liburing.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/assert.h"

namespace gameday {
namespace {

constexpr unsigned kAsked = 256;     // at once; with more, the kernel is called in between
constexpr unsigned kAnswers = 4096;  // more than that the kernel keeps itself
constexpr std::size_t kPiece = 4096;
// A little more than a page, else the beginnings of all would share one set of the cache.
constexpr std::size_t kStride = kPiece + 64;
constexpr int kGroup = 0;
constexpr unsigned kTagShift = 8;
constexpr std::uint64_t kDidMask = (1U << kTagShift) - 1;

// Memory of the kernel's page size, of which nothing is taken before it is used.
class Pages {
 public:
  explicit Pages(std::size_t size)
      : size_(size),
        start_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~Pages() {
    if (*this) munmap(start_, size_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  [[nodiscard]] explicit operator bool() const { return start_ != MAP_FAILED; }
  [[nodiscard]] void* get() const { return start_; }

 private:
  std::size_t size_;
  void* start_;
};

// Why the kernel does not give us one.
Error refusal(int number) {
  const std::string what = std::string("io_uring: ") + std::strerror(number);
  if (number == EPERM || number == EACCES) {
    return {ErrorCode::unsupported, what, "a container's seccomp profile or a sysctl refuses it"};
  }
  return {ErrorCode::unsupported, what, "it needs a kernel of 6.1 or later"};
}

std::uint64_t name_of(Ring::Did did, std::uint64_t tag) {
  return tag << kTagShift | static_cast<std::uint64_t>(did);
}

void mark(io_uring_sqe& sqe, Ring::Did did, std::uint64_t tag) {
  sqe.user_data = name_of(did, tag);
}

}  // namespace

struct Ring::Rings {
  io_uring ring{};
  bool made = false, enabled = false;
  explicit Rings(unsigned room) : count(room) {}

  const unsigned count;
  Pages listed{count * sizeof(io_uring_buf)};
  Pages pieces{count * kStride};
  io_uring_buf_ring* buffers = nullptr;
  msghdr message{};  // what is received with: room for one timestamp
  __kernel_timespec most{};

  ~Rings() {
    if (made) io_uring_queue_exit(&ring);
  }
  [[nodiscard]] char* piece(unsigned number) const {
    return static_cast<char*>(pieces.get()) + number * kStride;
  }
  void give_back(unsigned number, int after) const {
    io_uring_buf_ring_add(buffers, piece(number), kPiece, static_cast<unsigned short>(number),
                          io_uring_buf_ring_mask(count), after);
  }
  // A ring belongs to the thread that enables it, which need not be the one that made it.
  void enable() {
    if (enabled) return;
    enabled = true;
    // Not by io_uring_enable_rings(3), which liburing 2.3 declares and does not have.
    GD_ASSERT(io_uring_register(static_cast<unsigned>(ring.ring_fd), IORING_REGISTER_ENABLE_RINGS,
                                nullptr, 0) == 0);
  }
  io_uring_sqe* asked() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe == nullptr) {
      enable();
      io_uring_submit(&ring);
      sqe = io_uring_get_sqe(&ring);
    }
    GD_ASSERT(sqe != nullptr);
    return sqe;
  }
  void received(Event& event, const io_uring_cqe& cqe) const;
};

Ring::Ring(std::unique_ptr<Rings> rings) : rings_(std::move(rings)) {}
Ring::~Ring() = default;

Result<std::unique_ptr<Ring>> Ring::open(unsigned pieces) {
  auto rings = std::make_unique<Rings>(pieces);
  if (!rings->listed || !rings->pieces) return std::unexpected(refusal(ENOMEM));
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = kAnswers;
  if (const int made = io_uring_queue_init_params(kAsked, &rings->ring, &params); made != 0) {
    return std::unexpected(refusal(-made));
  }
  rings->made = true;
  io_uring_buf_reg list{};
  list.ring_addr = reinterpret_cast<std::uintptr_t>(rings->listed.get());
  list.ring_entries = pieces;
  list.bgid = kGroup;
  if (const int taken = io_uring_register_buf_ring(&rings->ring, &list, 0); taken != 0) {
    return std::unexpected(refusal(-taken));
  }
  rings->buffers = static_cast<io_uring_buf_ring*>(rings->listed.get());
  io_uring_buf_ring_init(rings->buffers);
  for (unsigned i = 0; i < pieces; ++i) rings->give_back(i, static_cast<int>(i));
  io_uring_buf_ring_advance(rings->buffers, static_cast<int>(pieces));
  rings->message.msg_controllen = CMSG_SPACE(sizeof(timespec));
  return std::unique_ptr<Ring>(new Ring(std::move(rings)));
}

// MSG_DONTWAIT: what does not go at once is our caller's to send again, so that the kernel keeps no
// pointer into a buffer that is used again. MSG_WAITALL: part of it counts as a failure, of which
// there is an event.
void Ring::send(int socket, std::string_view bytes, std::uint64_t tag) {
  io_uring_sqe* sqe = rings_->asked();
  const auto most = std::min<std::size_t>(bytes.size(), 1U << 30);
  io_uring_prep_send(sqe, socket, bytes.data(), most, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  mark(*sqe, Did::send, tag);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void Ring::receive(int socket, std::uint64_t tag) {
  io_uring_sqe* sqe = rings_->asked();
  io_uring_prep_recvmsg_multishot(sqe, socket, &rings_->message, 0);
  mark(*sqe, Did::receive, tag);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kGroup;
}

void Ring::writable(int socket, std::uint64_t tag) {
  io_uring_sqe* sqe = rings_->asked();
  io_uring_prep_poll_add(sqe, socket, POLLOUT);
  mark(*sqe, Did::writable, tag);
}

void Ring::readable(int descriptor) {
  io_uring_sqe* sqe = rings_->asked();
  io_uring_prep_poll_add(sqe, descriptor, POLLIN);
  mark(*sqe, Did::wake, 0);
}

void Ring::no_more(Did of, std::uint64_t tag) {
  io_uring_sqe* sqe = rings_->asked();
  io_uring_prep_cancel64(sqe, name_of(of, tag), 0);
  mark(*sqe, Did::no_more, tag);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void Ring::wait(unsigned events, Duration most) {
  rings_->enable();
  if (most <= Duration::zero() || events == 0) {
    io_uring_submit_and_get_events(&rings_->ring);
    return;
  }
  const auto whole = std::chrono::floor<std::chrono::seconds>(most);
  rings_->most = {whole.count(), (most - whole).count()};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&rings_->ring, &first, events, &rings_->most, nullptr);
}

void Ring::each(const Handler& handler) {
  unsigned head = 0, seen = 0;
  int given_back = 0;
  const io_uring_cqe* cqe = nullptr;
  io_uring_for_each_cqe(&rings_->ring, head, cqe) {
    ++seen;
    Event event;
    event.did = static_cast<Did>(cqe->user_data & kDidMask);
    event.tag = cqe->user_data >> kTagShift;
    event.error = cqe->res < 0 ? -cqe->res : 0;
    event.sent = cqe->res > 0 ? static_cast<std::size_t>(cqe->res) : 0;
    if (event.did == Did::receive) rings_->received(event, *cqe);
    if (event.did != Did::no_more) handler(event);
    if ((cqe->flags & IORING_CQE_F_BUFFER) == 0) continue;
    rings_->give_back(cqe->flags >> IORING_CQE_BUFFER_SHIFT, given_back++);
  }
  io_uring_buf_ring_advance(rings_->buffers, given_back);
  io_uring_cq_advance(&rings_->ring, seen);
}

void Ring::flush() {
  if (io_uring_sq_ready(&rings_->ring) > 0) io_uring_submit(&rings_->ring);
}

void Ring::Rings::received(Event& event, const io_uring_cqe& cqe) const {
  event.over = (cqe.flags & IORING_CQE_F_MORE) == 0;
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0 || cqe.res < 0) return;
  msghdr asked = message;
  io_uring_recvmsg_out* out =
      io_uring_recvmsg_validate(piece(cqe.flags >> IORING_CQE_BUFFER_SHIFT), cqe.res, &asked);
  if (out == nullptr) {
    event.error = EBADMSG;
    return;
  }
  event.bytes = {static_cast<const char*>(io_uring_recvmsg_payload(out, &asked)),
                 io_uring_recvmsg_payload_length(out, cqe.res, &asked)};
  for (cmsghdr* part = io_uring_recvmsg_cmsg_firsthdr(out, &asked); part != nullptr;
       part = io_uring_recvmsg_cmsg_nexthdr(out, &asked, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    event.at = Utc(std::chrono::seconds(stamp.tv_sec) + Duration(stamp.tv_nsec));
  }
}

}  // namespace gameday
