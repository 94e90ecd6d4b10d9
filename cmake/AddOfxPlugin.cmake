# add_ofx_plugin() and what it stands on: bundle layout, export rules.

set(SPARKVSR_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")

# ofx_architecture(<result>): the name of the folder that hosts of this platform look into. A wrong spelling makes the
# plugin invisible without any error, so this is the one place that knows it.
function(ofx_architecture result)
  if(APPLE)
    set(name MacOS)
  elseif(WIN32)
    set(name Win64)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(name "Linux-x86-64") # with a second hyphen, not an underscore
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(name "Linux-aarch64")
  else()
    message(FATAL_ERROR "OpenFX names no folder for ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  set(${result} "${name}" PARENT_SCOPE)
endfunction()

# sparkvsr_hide_symbols(<target>): nothing that the target links in statically is seen by, or bound to, anything else.
function(sparkvsr_hide_symbols target)
  if(WIN32 OR APPLE)
    return()
  endif()
  if(NOT SPARKVSR_GLIBC)
    # (Unknown to the linker of a release, ZigLinux.cmake, whose only target has a version script.)
    target_link_options(${target} PRIVATE LINKER:--exclude-libs,ALL)
  endif()
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "EXECUTABLE")
    target_link_options(${target} PRIVATE LINKER:-Bsymbolic LINKER:-z,now)
  endif()
endfunction()

# Export rules of an OpenFX binary: exactly three symbols, every reference resolved now, the C++ runtime inside.
function(_ofx_link_rules target)
  if(WIN32 OR APPLE)
    return()
  endif()
  set(map "${SPARKVSR_CMAKE_DIR}/ofx_exports.map")
  sparkvsr_hide_symbols(${target})
  target_link_options(${target} PRIVATE "LINKER:--version-script=${map}" LINKER:--gc-sections)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${map}")
  # A host may unload the plugin while a thread of the link still finishes: its code must stay mapped.
  target_link_options(${target} PRIVATE LINKER:-z,nodelete)
  if(NOT SPARKVSR_SANITIZE)
    # (The sanitizers' runtime comes from the executable, and wants the shared C++ runtime.)
    target_link_options(${target} PRIVATE LINKER:--no-undefined)
    if(SPARKVSR_GLIBC)
      # The compiler's runtime is static anyway, and brings 20 MB of debug information. (With -s zig would build it once more.)
      add_custom_command(
        TARGET ${target} POST_BUILD COMMAND "${CMAKE_STRIP}" --strip-unneeded "$<TARGET_FILE:${target}>"
      )
    elseif(SPARKVSR_STATIC_RUNTIME)
      # The compiler refers to __cxa_pure_virtual weakly, which pulls nothing out of an archive: it would bind to a host's.
      target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc LINKER:--undefined=__cxa_pure_virtual)
    endif()
  endif()
endfunction()

# add_ofx_plugin(<name> IDENTIFIER <reverse.dns> SOURCES ... [LIBRARIES ...] [RESOURCES file-or-folder...] [VERSION x.y])
#
# Builds <build>/<name>.ofx.bundle with Contents/<architecture>/<name>.ofx, Contents/Info.plist and Contents/Resources/, and
# installs it into the Python package sparkvsr_bridge (component "python"). RESOURCES are copied into Contents/Resources.
function(add_ofx_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "IDENTIFIER;VERSION" "SOURCES;LIBRARIES;RESOURCES")
  foreach(required IN ITEMS IDENTIFIER SOURCES)
    if(NOT arg_${required})
      message(FATAL_ERROR "add_ofx_plugin(${name}): ${required} is missing")
    endif()
  endforeach()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_ofx_plugin(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_VERSION)
    set(arg_VERSION "${PROJECT_VERSION}")
  endif()

  ofx_architecture(architecture)
  set(bundle "${PROJECT_BINARY_DIR}/${name}.ofx.bundle")
  set(contents "${bundle}/Contents")

  add_library(${name} MODULE ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE OpenFX::OpenFX ${arg_LIBRARIES})
  set_target_properties(
    ${name}
    PROPERTIES PREFIX ""
               SUFFIX ".ofx"
               LIBRARY_OUTPUT_DIRECTORY "${contents}/${architecture}"
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               BUILD_WITH_INSTALL_RPATH ON
  )
  _ofx_link_rules(${name})
  sparkvsr_warnings(${name})

  set(OFX_NAME "${name}")
  set(OFX_IDENTIFIER "${arg_IDENTIFIER}")
  set(OFX_VERSION "${arg_VERSION}")
  configure_file("${SPARKVSR_CMAKE_DIR}/Info.plist.in" "${contents}/Info.plist" @ONLY)
  file(MAKE_DIRECTORY "${contents}/Resources")
  foreach(resource IN LISTS arg_RESOURCES)
    cmake_path(ABSOLUTE_PATH resource BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    file(COPY "${resource}" DESTINATION "${contents}/Resources")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${resource}")
  endforeach()

  if(TARGET sparkvsr_python)
    add_dependencies(sparkvsr_python ${name})
  endif()
  install(DIRECTORY "${bundle}" DESTINATION sparkvsr_bridge COMPONENT python USE_SOURCE_PERMISSIONS)
endfunction()
