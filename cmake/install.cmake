# What a customer gets: both libraries, the headers, the command with man pages and completion, reckon.pc for pkg-config,
# and a CMake package: find_package(reckon), then link reckon::reckon or reckon::reckon_static.
include(CMakePackageConfigHelpers)

install(TARGETS reckon reckon_static EXPORT reckonTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(CODE "
    set(LD ${CMAKE_LINKER})
    set(OBJCOPY ${CMAKE_OBJCOPY})
    set(AR ${CMAKE_AR})
    set(ARCHIVE \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libreckon.a)
    include(${PROJECT_SOURCE_DIR}/cmake/localize.cmake)")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/reckon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
if(TARGET command)
    install(TARGETS command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET docs)
    install(DIRECTORY ${PROJECT_BINARY_DIR}/docs/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} OPTIONAL)
    install(FILES ${PROJECT_BINARY_DIR}/docs/reckon.bash RENAME reckon OPTIONAL
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${PROJECT_BINARY_DIR}/docs/reckon.zsh RENAME _reckon OPTIONAL DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(FILES ${PROJECT_BINARY_DIR}/docs/reckon.fish OPTIONAL DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

install(EXPORT reckonTargets NAMESPACE reckon:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reckon)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/reckonConfig.cmake.in ${PROJECT_BINARY_DIR}/reckonConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reckon)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/reckonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/reckonConfig.cmake ${PROJECT_BINARY_DIR}/reckonConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reckon)

# What the static library needs besides itself; the shared one carries its own needs.
set(private_libraries "-lm -ldl -lpthread")
if(par STREQUAL "openmp")
    list(GET OpenMP_C_LIB_NAMES 0 openmp_library)
    string(APPEND private_libraries " -l${openmp_library}")
elseif(par STREQUAL "tbb")
    string(APPEND private_libraries " -ltbb -lstdc++")
endif()
if(RECKON_CUDA)
    string(APPEND private_libraries " ${RECKON_CUDART} -lrt -lstdc++")
endif()
file(RELATIVE_PATH to_include /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/reckon.pc.in ${PROJECT_BINARY_DIR}/reckon.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/reckon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
