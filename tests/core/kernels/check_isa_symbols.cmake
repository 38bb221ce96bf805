# Fails where an object compiled for one instruction set defines a symbol that another object may define too.
#
#   cmake -DNM=nm -DISA=avx512 -DOBJECTS=a.o,b.o -P check_isa_symbols.cmake
#
# The linker keeps one copy of an inline function or a template instance. If that were the AVX-512 copy of something
# that the whole program uses, older processors would stop with an illegal instruction. So every symbol that these
# objects define for others, weak ones above all, must have the instruction set's namespace in its name.
string(REPLACE "," ";" OBJECTS "${OBJECTS}")
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --defined-only --extern-only ${object} OUTPUT_VARIABLE output RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${NM} cannot read ${object}")
  endif()
  string(REPLACE "\n" ";" lines "${output}")
  foreach(line IN LISTS lines)
    if(line MATCHES "^[0-9a-f]* *[A-Za-z] " AND NOT line MATCHES "${ISA}" AND NOT line MATCHES " (DW\\.ref\\.|__asan|__odr_asan|__ubsan)")
      message(SEND_ERROR "${object} defines a symbol outside namespace ${ISA}: ${line}")
    endif()
  endforeach()
endforeach()
