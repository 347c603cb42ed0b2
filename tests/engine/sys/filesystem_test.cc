#include "engine/sys/filesystem.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

TEST(Filesystem, IsLookedAtWhereItIs) {
  const auto found = filesystem_of("/proc");
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->type, "proc");
  EXPECT_FALSE(found->read_only);
  EXPECT_EQ(filesystem_of("/no/such/folder").error().code, ErrorCode::not_found);
}

TEST(Filesystem, OfANetworkIsKnownByItsNumberOrItsFuseType) {
  EXPECT_EQ(network_name({0x6969, "nfs4", false}), "NFS");
  EXPECT_EQ(network_name({0x65735546, "fuse.sshfs", false}), "fuse.sshfs");
  EXPECT_EQ(network_name({0x65735546, "fuse.lxcfs", false}), "");
  EXPECT_EQ(network_name({0x01021994, "tmpfs", false}), "");
}

}  // namespace
}  // namespace gameday
