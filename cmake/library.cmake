# weft for other programs: libweft.a and libweft.so of the objects that weft's own programs are made of, the public
# headers, and what find_package(weft) and pkg-config read.
include(CMakePackageConfigHelpers)
include(cmake/public_headers.cmake)

weft_public_headers(public_headers)
set(header_folder ${PROJECT_BINARY_DIR}/include)
set(header_sources ${public_headers})
list(TRANSFORM header_sources PREPEND ${PROJECT_SOURCE_DIR}/)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/api/weft.h)
add_custom_command(OUTPUT ${header_folder}/written
                   COMMAND ${CMAKE_COMMAND} -DFROM=${PROJECT_SOURCE_DIR} -DTO=${header_folder} "-DHEADERS=$<JOIN:${public_headers},,>"
                           -P ${PROJECT_SOURCE_DIR}/cmake/public_headers.cmake
                   COMMAND ${CMAKE_COMMAND} -E touch ${header_folder}/written
                   DEPENDS ${header_sources} ${PROJECT_SOURCE_DIR}/cmake/public_headers.cmake
                   COMMENT "public headers" VERBATIM)
add_custom_target(weft_headers DEPENDS ${header_folder}/written)

# For programs of this tree that include <weft/weft.h> beside headers that are not public: the same files by both names.
set(weft_forwarding_headers ${PROJECT_BINARY_DIR}/forwarding)
foreach(header IN LISTS public_headers)
  string(REGEX REPLACE "^api/" "" place ${header})
  file(CONFIGURE OUTPUT ${weft_forwarding_headers}/weft/${place} CONTENT "#include \"${header}\"\n")
endforeach()

# Hidden in libweft.so is what no public header declares: all names of all sources but those that define what a public
# header declares, which are the file of the header's name, the operations, and what is written in a file of its own.
function(weft_show_public_names)
  file(GLOB visible RELATIVE ${PROJECT_SOURCE_DIR} core/ops/*.cpp core/formats/safetensors*.cpp)
  foreach(header IN LISTS public_headers)
    string(REGEX REPLACE "\\.h$" ".cpp" source ${header})
    if(EXISTS ${PROJECT_SOURCE_DIR}/${source})
      list(APPEND visible ${source})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES visible)
  foreach(source IN LISTS visible)
    set_source_files_properties(${PROJECT_SOURCE_DIR}/${source} PROPERTIES COMPILE_OPTIONS -fvisibility=default)
  endforeach()
endfunction()
weft_show_public_names()

set(weft_parts weft_core weft_nn weft_data weft_models weft_train)
set(objects "")
foreach(part IN LISTS weft_parts weft_isas)
  list(APPEND objects $<TARGET_OBJECTS:${part}>)
endforeach()
add_library(weft_api OBJECT api/weft.cpp api/weft_c.cpp)
target_link_libraries(weft_api PRIVATE weft_flags fmt::fmt)

function(weft_combined target type)
  add_library(${target} ${type} $<TARGET_OBJECTS:weft_api> ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME weft LINKER_LANGUAGE CXX EXPORT_NAME ${target})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${header_folder}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC fmt::fmt PRIVATE Threads::Threads JPEG::JPEG PNG::PNG ZLIB::ZLIB PkgConfig::WEBP
                                         PkgConfig::LCMS ${CMAKE_DL_LIBS})
  add_dependencies(${target} weft_headers)
endfunction()

weft_combined(weft SHARED)
set_target_properties(weft PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                      LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/weft.map)
target_link_options(weft PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/weft.map -Wl,--no-undefined -Wl,--as-needed)
weft_combined(weft_static STATIC)
add_library(weft::weft ALIAS weft)
add_library(weft::weft_static ALIAS weft_static)
