#pragma once
// What a plan does, for people: its steps, what its rules left alone and why, its memory.

#include <string>

#include "core/plan/plan.h"
#include "nn/module.h"

namespace weft::tools {

/// "850", "12.3 k", "4.56 M", "7.89 G".
std::string counted(double count);

/// A line for each step: what it computes, the rules that made it, its kernel, multiply-adds, the bytes that it reads
/// and writes, and where its first output lies in the plan's memory. Then, for each rule, the steps that it looked at
/// and left alone, by reason; then the memory that a run takes. Parameters have the names of `network`.
std::string plan_text(const Plan& plan, const nn::Module& network);

/// The plan's graph as a drawing, in the language of Graphviz.
std::string plan_dot(const Plan& plan, const nn::Module& network);

}  // namespace weft::tools
