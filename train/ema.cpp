#include "train/ema.h"

#include <algorithm>
#include <map>

#include "core/parallel.h"

namespace weft {

Ema::Ema(const nn::Module& module, double decay) : own_(module.state_dict()), decay_(decay) {
  WEFT_CHECK(decay > 0 && decay < 1, "[ema] expected a decay between 0 and 1, got {}", decay);
  for (const auto& [name, tensor] : own_) average_.push_back({name, tensor.clone()});
}

void Ema::update() {
  const double t = static_cast<double>(++updates_);
  const double keep = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < own_.size(); ++i) {
    const Tensor& own = own_[i].tensor;
    if (own.dtype() == DType::i64) {
      average_[i].tensor.copy_from(own);
      continue;
    }
    dispatch_float(own.dtype(), "ema", [&](auto zero) {
      using T = decltype(zero);
      const T d = static_cast<T>(keep), rest = static_cast<T>(1 - keep);
      const T* theta = own.data<T>();
      T* average = average_[i].tensor.mutable_data<T>();
      parallel_chunks(own.count(), elementwise_grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t k = begin; k < end; ++k) average[k] = d * average[k] + rest * theta[k];
      });
    });
  }
}

void Ema::exchange() {
  for (std::size_t i = 0; i < own_.size(); ++i) {
    const Tensor kept = own_[i].tensor.clone();
    own_[i].tensor.copy_from(average_[i].tensor);
    average_[i].tensor.copy_from(kept);
  }
}

void Ema::load_state(const nn::StateDict& average, std::int64_t updates, const std::string& context) {
  std::map<std::string, Tensor> given;
  for (const auto& [name, tensor] : average) given.emplace(name, tensor);
  WEFT_CHECK(given.size() == average_.size(), "{}: holds {} averaged tensors, expected {}", context, given.size(),
             average_.size());
  for (const auto& [name, tensor] : average_) {
    const auto found = given.find(name);
    WEFT_CHECK(found != given.end(), "{}: the average lacks {}", context, name);
    WEFT_CHECK(found->second.shape() == tensor.shape() && found->second.dtype() == tensor.dtype(),
               "{}: the average of {} is {} {}, expected {} {}", context, name, dtype_name(found->second.dtype()),
               found->second.shape(), dtype_name(tensor.dtype()), tensor.shape());
  }
  for (const auto& [name, tensor] : average_) tensor.copy_from(given.at(name));
  updates_ = updates;
}

}  // namespace weft
