# libanyrt and the command `anyrt`, both made of the folders' objects.
set(objects "")
foreach(lib ${ANYRT_LIBRARIES})
  if(NOT lib STREQUAL "anyrt_cli")
    list(APPEND objects $<TARGET_OBJECTS:${lib}>)
  endif()
endforeach()

file(GLOB command_files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/tools/*/cli.cc
     ${PROJECT_SOURCE_DIR}/src/flows/*/cli.cc)
set(commands "")
foreach(file ${command_files})
  string(REGEX REPLACE "^[a-z]+/([^/]+)/cli\\.cc$" "command_\\1" command ${file})
  list(APPEND commands ${command})
endforeach()
list(SORT commands)

foreach(kind SHARED STATIC)
  if(ANYRT_${kind}_LIB AND objects)
    string(TOLOWER anyrt_lib_${kind} target)
    add_library(${target} ${kind} ${objects})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME anyrt VERSION ${PROJECT_VERSION}
                          SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINKER_LANGUAGE CXX)
    if(kind STREQUAL "SHARED")
      # The folders' archives stand behind their own objects and so add nothing: they carry the external libraries.
      target_link_libraries(${target} PRIVATE ${ANYRT_TOP})
      target_link_options(${target} PRIVATE -Wl,--no-undefined
                          -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libanyrt.map)
      set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/libanyrt.map)
      if(ANYRT_SELECTED)
        add_custom_command(TARGET ${target} POST_BUILD VERBATIM
          COMMAND ${CMAKE_COMMAND} -DSTRIP=${CMAKE_STRIP} -DFILE=$<TARGET_FILE:${target}>
                  -P ${PROJECT_SOURCE_DIR}/cmake/print_size.cmake)
      endif()
    endif()
  endif()
endforeach()

if(ANYRT_CLI AND EXISTS ${PROJECT_SOURCE_DIR}/src/cli/main.cc)
  add_executable(anyrt_cli_main ${PROJECT_SOURCE_DIR}/src/cli/main.cc)
  set_target_properties(anyrt_cli_main PROPERTIES OUTPUT_NAME anyrt)
  list(TRANSFORM command_files PREPEND ${PROJECT_SOURCE_DIR}/src/)
  target_sources(anyrt_cli_main PRIVATE ${command_files})
  if(EXISTS ${PROJECT_SOURCE_DIR}/src/base/command.h)
    anyrt_write_registry(${ANYRT_GENERATED}/command_registry.cc NAMESPACE anyrt::cli HEADER base/command.h
                         TYPE Command TABLE kCommands NAMES ${commands})
    target_sources(anyrt_cli_main PRIVATE ${ANYRT_GENERATED}/command_registry.cc)
  endif()
  target_link_libraries(anyrt_cli_main PRIVATE ${ANYRT_TOP} ${anyrt_libs_cli})
endif()
