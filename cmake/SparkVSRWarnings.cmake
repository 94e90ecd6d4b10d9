# sparkvsr_warnings(<target>...): the warnings that all code of this project is kept free of.
function(sparkvsr_warnings)
  foreach(target IN LISTS ARGN)
    if(MSVC)
      target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${SPARKVSR_WERROR}>:/WX>)
    else()
      target_compile_options(
        ${target}
        PRIVATE -Wall
                -Wextra
                -Wshadow
                -Wconversion
                -Wsign-conversion
                -Wcast-align
                -Wformat=2
                -Wundef
                $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
                $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
                $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
                $<$<BOOL:${SPARKVSR_WERROR}>:-Werror>
      )
    endif()
  endforeach()
endfunction()
