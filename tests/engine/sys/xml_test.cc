#include "engine/sys/xml.h"

#include <gtest/gtest.h>

namespace gameday {
namespace {

TEST(Xml, IsReadAsServersWriteIt) {
  const auto read = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<List xmlns='http://s3/x' a=\"&lt;\">\n"
      "  <!-- two -->\n  <Key>a&amp;b&#x20;&#233;</Key><Empty/><Key >second</Key>\n</List >\n");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->name, "List");
  EXPECT_EQ(read->children.size(), 3u);
  EXPECT_EQ(read->text_of("Key"), "a&b \xc3\xa9");
  EXPECT_NE(read->find("Empty"), nullptr);
  EXPECT_EQ(read->text_of("Empty"), "");
  EXPECT_EQ(read->find("Other"), nullptr);
}

TEST(Xml, ATextIsWrittenSoThatItIsReadAgain) {
  const std::string text = "<a> & \"b\" 'c'";
  EXPECT_EQ(parse_xml("<t>" + xml_text(text) + "</t>")->text, text);
}

TEST(Xml, WhatIsNoneIsRefused) {
  for (const char* wrong : {"",
                            "text",
                            "<a>",
                            "<a></b>",
                            "<a",
                            "<a/><b/>",
                            "<a>&nbsp;</a>",
                            "<a>&amp</a>",
                            "<a>&#0;</a>",
                            "<a>&#xd800;</a>",
                            "<a>&#x110000;</a>",
                            "<!DOCTYPE a><a/>",
                            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                            "<a><![CDATA[b]]></a>",
                            "<a>b<c/></a>",
                            "<a b></a>",
                            "<a b=c/>",
                            "<a b=\"<\"/>",
                            "<a b=\"c/>",
                            "<a><!-- b</a>",
                            "<a><?b?></a>",
                            "<a>\xff</a>",
                            "< a/>",
                            "<a/>b",
                            "<?xml <a/>"}) {
    EXPECT_FALSE(parse_xml(wrong)) << wrong;
  }
}

TEST(Xml, IsBounded) {
  const auto nested = [](std::size_t depth) {
    std::string document;
    for (std::size_t at = 0; at < depth; ++at) document += "<a>";
    for (std::size_t at = 0; at < depth; ++at) document += "</a>";
    return document;
  };
  EXPECT_TRUE(parse_xml(nested(kDeepestXml)));
  EXPECT_FALSE(parse_xml(nested(kDeepestXml + 1)));
  const auto wide = [](std::size_t count) {
    std::string document = "<a>";
    for (std::size_t at = 1; at < count; ++at) document += "<b/>";
    return document + "</a>";
  };
  EXPECT_TRUE(parse_xml(wide(kMostXmlElements)));
  EXPECT_FALSE(parse_xml(wide(kMostXmlElements + 1)));
}

}  // namespace
}  // namespace gameday
