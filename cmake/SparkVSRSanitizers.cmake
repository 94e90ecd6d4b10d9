# Applies SPARKVSR_SANITIZE to everything configured after this file is included: a race or an overrun inside libzmq is
# only seen where libzmq itself is instrumented.
if(SPARKVSR_SANITIZE)
  if(NOT SPARKVSR_SANITIZE MATCHES "^(address|thread)$")
    message(FATAL_ERROR "SPARKVSR_SANITIZE: expected address, thread or nothing, got '${SPARKVSR_SANITIZE}'")
  endif()
  set(flags -fsanitize=${SPARKVSR_SANITIZE} -fno-omit-frame-pointer -g)
  if(SPARKVSR_SANITIZE STREQUAL "address")
    list(APPEND flags -fsanitize=undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined)
  endif()
  add_compile_options(${flags})
  add_link_options(${flags})
endif()
