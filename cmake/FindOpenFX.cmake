# Finds OpenFX headers and defines OpenFX::OpenFX (also by the short name `openfx`).
#
# OpenFX_ROOT, if set, is the official SDK: a folder that has include/ofxCore.h, or ofxCore.h itself. Else the declarations of
# this repository serve. Sets OpenFX_INCLUDE_DIR and OpenFX_OFFICIAL.
include(FindPackageHandleStandardArgs)

unset(OpenFX_INCLUDE_DIR CACHE)
if(OpenFX_ROOT)
  find_path(OpenFX_INCLUDE_DIR ofxImageEffect.h PATHS "${OpenFX_ROOT}" PATH_SUFFIXES include include/openfx
            NO_DEFAULT_PATH
  )
  set(OpenFX_OFFICIAL TRUE)
else()
  set(OpenFX_INCLUDE_DIR "${PROJECT_SOURCE_DIR}/ofx_bridge/include/ofx")
  set(OpenFX_OFFICIAL FALSE)
endif()

find_package_handle_standard_args(
  OpenFX REQUIRED_VARS OpenFX_INCLUDE_DIR REASON_FAILURE_MESSAGE
                       "OpenFX_ROOT='${OpenFX_ROOT}' holds no ofxImageEffect.h, nor does its folder include/"
)

if(OpenFX_FOUND AND NOT TARGET openfx)
  # Another project's headers must not raise this project's warnings: hence SYSTEM, which IMPORTED implies.
  add_library(openfx INTERFACE IMPORTED GLOBAL)
  set_target_properties(openfx PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${OpenFX_INCLUDE_DIR}")
  add_library(OpenFX::OpenFX ALIAS openfx)
endif()
