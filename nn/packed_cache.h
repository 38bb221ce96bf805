#pragma once
// What inference keeps of a layer's weights in the kernels' own order, until the weights change.

#include <cstdint>

namespace weft::nn {

/// One such copy: a PackedConv or PackedInvertedResidual. Its users are const, for a layer's values do not change.
/// Threads may read a copy at once while it is current, but not while one of them makes it, or forgets it.
template <class Packed>
class PackedCache {
 public:
  /// The copy. Makes it with pack() where there is none, and where version() has changed since: the version of the
  /// tensors that it is made from. pack() may release those tensors, which counts as a change.
  template <class Version, class Pack>
  const Packed& get(const Version& version, const Pack& pack) const {
    if (packed_.is_ready() && version_ == version()) return packed_;
    packed_ = pack();
    version_ = version();
    return packed_;
  }

  void forget() const { packed_ = Packed(); }

 private:
  mutable Packed packed_;
  mutable std::uint64_t version_ = 0;
};

}  // namespace weft::nn
