# weft_embed(target function files...): compiles text files into `target` as
#   std::span<const weft::EmbeddedText> weft::FUNCTION()          (core/embedded.h)
# so that a program needs nothing beside itself. The files stay the one source; a change rebuilds.
function(weft_embed target function)
  set(entries "")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/embedded/${function}.cpp CONTENT
"#include \"core/embedded.h\"
namespace weft {
namespace { constexpr EmbeddedText texts[] = {\n@entries@}; }
std::span<const EmbeddedText> ${function}() { return texts; }
}
" @ONLY)
  target_sources(${target} PRIVATE ${PROJECT_BINARY_DIR}/embedded/${function}.cpp)
endfunction()
