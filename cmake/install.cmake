include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(TARGET anyrt_cli_main)
  install(TARGETS anyrt_cli_main RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # Manual page and completion come from the command itself.
  if(NOT CMAKE_CROSSCOMPILING AND EXISTS ${PROJECT_SOURCE_DIR}/src/tools/completion/cli.cc)
    set(share ${PROJECT_BINARY_DIR}/share)
    set(rows man:man/man1/anyrt.1 bash:bash-completion/completions/anyrt zsh:zsh/site-functions/_anyrt
        fish:fish/vendor_completions.d/anyrt.fish)
    set(files "")
    foreach(row ${rows})
      string(REGEX MATCH "^([^:]*):(.*)$" unused ${row})
      set(file ${share}/${CMAKE_MATCH_2})
      cmake_path(GET file PARENT_PATH folder)
      add_custom_command(OUTPUT ${file} COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
                         COMMAND anyrt_cli_main completion ${CMAKE_MATCH_1} > ${file}
                         DEPENDS anyrt_cli_main VERBATIM)
      list(APPEND files ${file})
    endforeach()
    add_custom_target(anyrt_share ALL DEPENDS ${files})
    install(DIRECTORY ${share}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR})
    install(DIRECTORY ${share}/bash-completion ${share}/zsh ${share}/fish DESTINATION ${CMAKE_INSTALL_DATADIR})
  endif()
endif()

foreach(target anyrt_lib_shared anyrt_lib_static)
  if(TARGET ${target})
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()

if(TARGET anyrt_lib_shared OR TARGET anyrt_lib_static)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/anyrt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(FILES ${ANYRT_GENERATED}/anyrt_version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anyrt)

  # What a program links besides libanyrt.a.
  set(libs fmt re2 utf8proc)
  foreach(row ZLIB:z JPEG:jpeg PNG:png WEBP:webp WEBP:webpdemux TIFF:tiff JPEG2000:openjp2)
    string(REGEX MATCH "^([^:]*):(.*)$" unused ${row})
    if(ANYRT_${CMAKE_MATCH_1})
      list(APPEND libs ${CMAKE_MATCH_2})
    endif()
  endforeach()
  list(TRANSFORM libs PREPEND -l OUTPUT_VARIABLE anyrt_static_libs_list)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "riscv")
    list(APPEND anyrt_static_libs_list -latomic)
  endif()
  list(APPEND anyrt_static_libs_list -lstdc++ -lm -ldl -pthread)
  list(JOIN anyrt_static_libs_list " " anyrt_static_libs)

  set(anyrt_soname libanyrt.so.${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  set(anyrt_so libanyrt.so.${PROJECT_VERSION})
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/anyrt)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/anyrtConfig.cmake.in
                                ${PROJECT_BINARY_DIR}/package/anyrtConfig.cmake INSTALL_DESTINATION ${package_dir}
                                PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR
                                NO_CHECK_REQUIRED_COMPONENTS_MACRO)
  # Before 1.0 a minor version may change the interface.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/anyrtConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/anyrtConfig.cmake ${PROJECT_BINARY_DIR}/package/anyrtConfigVersion.cmake
          DESTINATION ${package_dir})

  # The folder of anyrt.pc to the prefix: the tree may be moved.
  file(RELATIVE_PATH anyrt_pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
  string(REGEX REPLACE "/$" "" anyrt_pc_prefix ${anyrt_pc_prefix})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/anyrt.pc.in ${PROJECT_BINARY_DIR}/package/anyrt.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/anyrt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/anyrt)

# cpack -G DEB in the build folder, or make deb.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME anyrt)
set(CPACK_PACKAGE_CONTACT "The anyrt authors <anyrt@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/package/triggers CONTENT "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/package/triggers)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
