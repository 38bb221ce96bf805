# How weft's targets are made. Sources are globbed, so that a new operation is one new file and
# no build line; CONFIGURE_DEPENDS makes the build notice it.

add_library(weft_flags INTERFACE)
# Names of the shared library are not for others to replace, so calls may be direct and inlined.
target_compile_options(weft_flags INTERFACE -fno-semantic-interposition)
target_include_directories(weft_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(weft_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
                                            $<$<BOOL:${WEFT_WERROR}>:-Werror>)
# gcc 12 warns of "literal" + std::string at -O3, wrongly (gcc bug 105651).
target_compile_options(weft_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# EIGEN_DONT_PARALLELIZE: Eigen's threads cut the work by their number; weft cuts it by shape.
target_compile_definitions(weft_flags INTERFACE WEFT_VERSION="${PROJECT_VERSION}" EIGEN_DONT_PARALLELIZE)
if(WEFT_SANITIZE)
  target_compile_options(weft_flags INTERFACE -fsanitize=${WEFT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(weft_flags INTERFACE -fsanitize=${WEFT_SANITIZE})
endif()

# weft_library(folder ...): the static library weft_<folder> of all sources below that folder; the rest are link items.
function(weft_library folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/kernels/isa/")
  if(NOT sources)
    add_library(weft_${folder} INTERFACE)
    target_link_libraries(weft_${folder} INTERFACE weft_core)
    return()
  endif()
  add_library(weft_${folder} STATIC ${sources})
  target_link_libraries(weft_${folder} PUBLIC weft_flags ${ARGN})
  target_include_directories(weft_${folder} SYSTEM PRIVATE ${STB_INCLUDE_DIR})
endfunction()

# core/kernels/isa/*.cpp are compiled once for each instruction set, each time with WEFT_ISA naming
# the namespace that all their symbols live in: no two objects define the same symbol, so the linker
# can't pick an AVX-512 copy for an older processor.
function(weft_add_isa_kernels target)
  file(GLOB sources CONFIGURE_DEPENDS core/kernels/isa/*.cpp)
  if(NOT sources)
    return()
  endif()
  set(flags_portable "")
  set(flags_avx2 -mavx2 -mfma)
  set(flags_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
  set(isas portable)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND isas avx2 avx512)
    target_compile_definitions(${target} PRIVATE WEFT_HAVE_X86_ISAS)
  endif()
  foreach(isa IN LISTS isas)
    add_library(weft_isa_${isa} OBJECT ${sources})
    target_compile_definitions(weft_isa_${isa} PRIVATE WEFT_ISA=${isa} WEFT_ISA_${isa}=1)
    target_compile_options(weft_isa_${isa} PRIVATE ${flags_${isa}} -O3 -fno-math-errno)
    target_link_libraries(weft_isa_${isa} PRIVATE weft_flags)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:weft_isa_${isa}>)
    list(APPEND weft_isas weft_isa_${isa})
  endforeach()
  set(weft_isas ${weft_isas} PARENT_SCOPE)
endfunction()

# One executable for each tools/NAME.cpp; what several tools share lies in tools/common/, or in tools/training/ where it
# needs train/. A tool that asks for neither of these two is linked without them, and need not wait for them to compile.
function(weft_tools)
  foreach(part common training)
    file(GLOB sources CONFIGURE_DEPENDS tools/${part}/*.cpp)
    add_library(weft_tools_${part} STATIC ${sources})
    target_link_libraries(weft_tools_${part} PUBLIC weft_models CLI11::CLI11 nlohmann_json::nlohmann_json)
  endforeach()
  target_link_libraries(weft_tools_training PUBLIC weft_tools_common weft_train)
  file(GLOB mains CONFIGURE_DEPENDS tools/*.cpp)
  foreach(main IN LISTS mains)
    get_filename_component(name ${main} NAME_WE)
    add_executable(${name} ${main})
    file(STRINGS ${main} trains REGEX "#include \"(train|tools/training)/")
    if(trains)
      target_link_libraries(${name} PRIVATE weft_tools_training)
    else()
      target_link_libraries(${name} PRIVATE weft_tools_common)
    endif()
    list(APPEND names ${name})
  endforeach()
  add_custom_target(programs DEPENDS ${names})
  set(weft_tool_names ${names} PARENT_SCOPE)
endfunction()
