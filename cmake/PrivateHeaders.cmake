# sparkvsr_private_headers(<result> <name> <folder>): a folder from which a header-only library <name> (a header, or a folder of
# them in <folder>) can be included, and nothing else.
#
# A release (ZigLinux.cmake) is built with another C library's headers: <folder>, as a rule /usr/include, would bring in the machine's own.
function(sparkvsr_private_headers result name folder)
  set(${result} "${folder}" PARENT_SCOPE)
  if(NOT SPARKVSR_GLIBC)
    return()
  endif()
  cmake_path(GET name STEM stem)
  set(private "${PROJECT_BINARY_DIR}/headers/${stem}")
  file(REMOVE_RECURSE "${private}")
  file(COPY "${folder}/${name}" DESTINATION "${private}")
  set(${result} "${private}" PARENT_SCOPE)
endfunction()
