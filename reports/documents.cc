#include "reports/documents.h"

#include <array>

#include "reports/html.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "reports/openmetrics.h"

namespace gameday {
namespace {

std::string pretty(const Story&, const Json& result) { return result.pretty(); }

constexpr std::array kFormats{DocumentFormat{"html", "report.html", html_report},
                              DocumentFormat{"markdown", "report.md", markdown_report},
                              DocumentFormat{"json", "result.json", pretty},
                              DocumentFormat{"junit", "junit.xml", junit_report},
                              DocumentFormat{"openmetrics", "metrics.prom", openmetrics_report}};

}  // namespace

std::span<const DocumentFormat> document_formats() { return kFormats; }

}  // namespace gameday
