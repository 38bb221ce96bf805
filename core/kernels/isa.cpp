#include "core/kernels/isa.h"

#include <atomic>
#include <cstdlib>

#include "core/check.h"

namespace weft::kernels {

namespace portable {
extern const IsaKernels table;
}
#ifdef WEFT_HAVE_X86_ISAS
namespace avx2 {
extern const IsaKernels table;
}
namespace avx512 {
extern const IsaKernels table;
}
#endif

namespace {

std::vector<const IsaKernels*> available_tables() {
  std::vector<const IsaKernels*> tables = {&portable::table};
#ifdef WEFT_HAVE_X86_ISAS
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables.push_back(&avx2::table);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
      tables.push_back(&avx512::table);
    }
  }
#endif
  return tables;
}

const IsaKernels* find_table(const std::string& name) {
  std::string names;
  for (const IsaKernels* table : available_tables()) {
    if (name == table->name) return table;
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  }
  fail("[isa] WEFT_ISA={} is not an instruction set of this processor; there are: {}", name, names);
}

const IsaKernels* initial_table() {
  const char* name = std::getenv("WEFT_ISA");
  return name != nullptr && *name != '\0' ? find_table(name) : available_tables().back();
}

std::atomic<const IsaKernels*> current_table = nullptr;

}  // namespace

const IsaKernels& isa_kernels() {
  const IsaKernels* table = current_table.load(std::memory_order_relaxed);
  if (table == nullptr) {
    table = initial_table();
    current_table.store(table, std::memory_order_relaxed);
  }
  return *table;
}

const char* isa_name() { return isa_kernels().name; }

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const IsaKernels* table : available_tables()) names.emplace_back(table->name);
  return names;
}

void select_isa(const std::string& name) { current_table.store(find_table(name), std::memory_order_relaxed); }

}  // namespace weft::kernels
